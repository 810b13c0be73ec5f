import Tensor

extension ParameterSet {
  /// Draws the first weights of ConvLSTM layers.
  ///
  /// Weights and biases are uniform within ±1/√(inputs of a gate), as PyTorch's `Conv2d` draws them for the classic
  /// concatenated convolution. The forget gates' biases are 1 higher, so that a cell begins by remembering (Jozefowicz
  /// et al. 2015); peepholes begin at zero.
  mutating func drawLayer(_ layer: LayerConfiguration, prefix: String, using source: inout RandomSource) {
    let bound = 1 / Float(layer.fanIn).squareRoot()
    for name in ["input.weight", "state.weight", "bias"] {
      guard let shape = layout.entry(prefix + name)?.shape else { continue }
      self[prefix + name] = Tensor.uniform(shape: shape, low: -bound, high: bound, using: &source)
    }
    guard var bias = self[prefix + "bias"] else { return }
    for channel in layer.hiddenChannels..<2 * layer.hiddenChannels { bias[channel] += 1 }
    self[prefix + "bias"] = bias
  }

  /// Draws the first weights of a convolution with a leaky rectifier: uniform, so that numbers keep their size on the way
  /// through it (He et al. 2015). Biases begin at zero.
  mutating func drawResampling(
    _ resampling: ResamplingConfiguration, prefix: String, using source: inout RandomSource
  ) {
    let bound = Float((6 / ((1 + Double(Scales.slope * Scales.slope)) * resampling.fanIn)).squareRoot())
    self[prefix + "weight"] = Tensor.uniform(
      shape: resampling.weightShape, low: -bound, high: bound, using: &source)
  }
}
