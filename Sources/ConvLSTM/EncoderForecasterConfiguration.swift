/// The architecture of an encoder–forecaster (Shi et al. 2015): layers, kernels and patches.
public struct EncoderForecasterConfiguration: Sendable, Equatable {
  /// How the forecaster's layers are matched with the encoder's.
  public enum ForecasterOrder: String, Sendable, Codable {
    /// Forecaster layer L starts from the state of encoder layer L (Shi et al. 2015).
    case same
    /// Forecaster layer L starts from the state of encoder layer n − 1 − L and has its sizes (Shi et al. 2017).
    case reversed
  }

  /// Channels of a frame.
  public var frameChannels: Int
  /// Pixels on a side that are folded into channels; a frame of any size is filled up with zeros to a multiple.
  public var patch: Int
  /// Hidden channels of the encoder's layers.
  public var hidden: [Int]
  /// Kernels of the layers' inputs.
  public var inputKernel: [KernelSize]
  /// Kernels of the layers' hidden states.
  public var stateKernel: [KernelSize]
  /// Whether gates see the cell state.
  public var peephole: Bool
  /// The order of the forecaster's layers.
  public var forecasterOrder: ForecasterOrder

  /// Describes an architecture; a list of one kernel stands for all layers.
  ///
  /// - Throws: ``ConvLSTMError`` when sizes or numbers of layers make no network.
  public init(
    frameChannels: Int = 1, patch: Int = 2, hidden: [Int] = [64, 64], inputKernel: [KernelSize] = [3],
    stateKernel: [KernelSize] = [3], peephole: Bool = true, forecasterOrder: ForecasterOrder = .same
  ) throws(ConvLSTMError) {
    self.frameChannels = frameChannels
    self.patch = patch
    self.hidden = hidden
    self.inputKernel = try expandedKernels(inputKernel, layers: hidden.count, "input kernels")
    self.stateKernel = try expandedKernels(stateKernel, layers: hidden.count, "state kernels")
    self.peephole = peephole
    self.forecasterOrder = forecasterOrder
    try validate()
  }

  private func validate() throws(ConvLSTMError) {
    guard !hidden.isEmpty else { throw ConvLSTMError("an encoder needs at least one layer") }
    guard (1...64).contains(patch) else { throw ConvLSTMError("the patch is \(patch); it must be 1 to 64") }
    guard (1...1024).contains(frameChannels) else {
      throw ConvLSTMError("a frame has \(frameChannels) channels; it needs 1 to 1024")
    }
    for (index, layer) in encoderLayers.enumerated() { try layer.validate("encoder layer \(index)") }
  }

  /// Channels of a frame after folding.
  public var foldedChannels: Int { frameChannels * patch * patch }

  /// The encoder's layers, the first one first.
  var encoderLayers: [LayerConfiguration] {
    hidden.indices.map { index in
      LayerConfiguration(
        inputChannels: index == 0 ? foldedChannels : hidden[index - 1], hiddenChannels: hidden[index],
        inputKernel: inputKernel[index], stateKernel: stateKernel[index], peephole: peephole)
    }
  }

  /// The forecaster's layers; the first one has no input.
  var forecasterLayers: [LayerConfiguration] {
    hidden.indices.map { index in
      let encoder = encoderLayer(ofForecasterLayer: index)
      return LayerConfiguration(
        inputChannels: index == 0 ? nil : hidden[encoderLayer(ofForecasterLayer: index - 1)],
        hiddenChannels: hidden[encoder], inputKernel: inputKernel[encoder], stateKernel: stateKernel[encoder],
        peephole: peephole)
    }
  }

  /// The encoder's layer whose last state starts a layer of the forecaster.
  func encoderLayer(ofForecasterLayer index: Int) -> Int {
    forecasterOrder == .same ? index : hidden.count - 1 - index
  }

  /// Names and shapes of all parameters, as in the model file.
  public var parameterLayout: ParameterLayout {
    var layout = ParameterLayout()
    for (part, layers) in [("encoder", encoderLayers), ("forecaster", forecasterLayers)] {
      for (index, layer) in layers.enumerated() {
        layer.appendParameters(to: &layout, prefix: "\(part).layers.\(index).")
      }
    }
    layout.append("head.weight", shape: [foldedChannels, hidden.reduce(0, +), 1, 1])
    layout.append("head.bias", shape: [foldedChannels])
    return layout
  }
}

extension EncoderForecasterConfiguration {
  /// The bytes that weights and states take, about.
  ///
  /// A double, since options without sense may ask for more than an integer can count.
  ///
  /// - Parameter records: for training, which keeps all states and gates, gradients and the optimiser's moments; otherwise
  ///   for a forecast.
  public func memoryBytes(
    batch: Int, inputFrames: Int, leadFrames: Int, height: Int, width: Int, records: Bool
  ) -> Double {
    func padded(_ channels: Int) -> Double { Double((channels + 15) / 16 * 16) }
    let layers = encoderLayers + forecasterLayers
    let halo = Double(layers.reduce(0) { max($0, $1.halo) })
    let (rows, columns) = (Double((height + patch - 1) / patch), Double((width + patch - 1) / patch))
    let pixels = Double(batch) * rows * columns
    let haloPixels = Double(batch) * (rows + 2 * halo) * (columns + 2 * halo)
    func states(_ layers: [LayerConfiguration], _ steps: Int) -> Double {
      layers.reduce(0) { sum, layer in
        let hidden = padded(layer.hiddenChannels)
        guard records else { return sum + hidden * (2 * haloPixels + pixels) }
        return sum + hidden * (Double(steps + 1) * (haloPixels + pixels) + Double(4 * steps) * haloPixels + 2 * pixels)
      }
    }
    let frames = Double(inputFrames) * haloPixels + Double(records ? leadFrames + 1 : 2) * pixels
    let plain = Double(batch * (inputFrames + 3 * leadFrames) * frameChannels) * Double(height) * Double(width)
    // Values, and packed for the kernels, transformed ones fourfold; for training also turned, gradients and moments.
    let weights = layers.reduce(0) { $0 + Double($1.fanIn) * 4 * Double($1.hiddenChannels) } * (records ? 12 : 5)
    let floats =
      states(encoderLayers, inputFrames) + states(forecasterLayers, leadFrames) + padded(foldedChannels) * frames
      + plain + weights
    return 4 * floats
  }
}

/// One kernel for every layer: a list of one is repeated.
func expandedKernels(_ kernels: [KernelSize], layers: Int, _ what: String) throws(ConvLSTMError) -> [KernelSize] {
  if kernels.count == layers { return kernels }
  guard kernels.count == 1 else {
    throw ConvLSTMError("\(kernels.count) \(what) for \(layers) layers; give one for all or one for each layer")
  }
  return [KernelSize](repeating: kernels[0], count: layers)
}
