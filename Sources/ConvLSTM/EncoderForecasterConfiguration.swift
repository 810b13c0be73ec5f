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

  /// Pixels of a frame of `height` × `width` after folding.
  func foldedPixels(height: Int, width: Int) -> Double {
    Double((height + patch - 1) / patch) * Double((width + patch - 1) / patch)
  }

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

/// One kernel for every layer: a list of one is repeated.
func expandedKernels(_ kernels: [KernelSize], layers: Int, _ what: String) throws(ConvLSTMError) -> [KernelSize] {
  if kernels.count == layers { return kernels }
  guard kernels.count == 1 else {
    throw ConvLSTMError("\(kernels.count) \(what) for \(layers) layers; give one for all or one for each layer")
  }
  return [KernelSize](repeating: kernels[0], count: layers)
}
