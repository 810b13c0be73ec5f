/// The architecture of an encoder–forecaster (Shi et al. 2015): layers, kernels and patches, and where there are several
/// (Shi et al. 2017) its scales.
public struct EncoderForecasterConfiguration: Sendable, Equatable {
  /// How the forecaster's layers are matched with the encoder's.
  public enum ForecasterOrder: String, Sendable, Codable {
    /// Forecaster layer L starts from the state of encoder layer L (Shi et al. 2015).
    case same
    /// Forecaster layer L starts from the state of encoder layer n − 1 − L and has its sizes (Shi et al. 2017).
    case reversed
  }

  /// Channels of a frame that is read.
  public var frameChannels: Int
  /// Channels of a frame that is forecast.
  public var outputChannels: Int
  /// Channels of an image for each frame that is forecast, which the head reads beside the hidden states: what another
  /// method has to say about it. Without any the network is that of Shi et al.
  public var guidanceChannels: Int
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
  /// Strided convolutions between the layers; empty for layers of one scale.
  public var scales: Scales

  /// Describes an architecture; a list of one kernel stands for all layers, and `outputChannels` are those of the input
  /// where they are `nil`.
  ///
  /// - Throws: ``ConvLSTMError`` when sizes or numbers of layers make no network.
  public init(
    frameChannels: Int = 1, outputChannels: Int? = nil, guidanceChannels: Int = 0, patch: Int = 2,
    hidden: [Int] = [64, 64], inputKernel: [KernelSize] = [3],
    stateKernel: [KernelSize] = [3], peephole: Bool = true, forecasterOrder: ForecasterOrder = .same,
    scales: Scales = Scales()
  ) throws(ConvLSTMError) {
    self.frameChannels = frameChannels
    self.outputChannels = outputChannels ?? frameChannels
    self.guidanceChannels = guidanceChannels
    self.patch = patch
    self.hidden = hidden
    self.inputKernel = try expandedKernels(inputKernel, layers: hidden.count, "input kernels")
    self.stateKernel = try expandedKernels(stateKernel, layers: hidden.count, "state kernels")
    self.peephole = peephole
    self.forecasterOrder = forecasterOrder
    self.scales = scales
    try validate()
  }

  private func validate() throws(ConvLSTMError) {
    guard !hidden.isEmpty else { throw ConvLSTMError("an encoder needs at least one layer") }
    guard (1...64).contains(patch) else { throw ConvLSTMError("the patch is \(patch); it must be 1 to 64") }
    for channels in [frameChannels, outputChannels] where !(1...1024).contains(channels) {
      throw ConvLSTMError("a frame has \(channels) channels; it needs 1 to 1024")
    }
    guard (0...1024).contains(guidanceChannels) else {
      throw ConvLSTMError("guidance has \(guidanceChannels) channels; it may have 0 to 1024")
    }
    try scales.validate(layers: hidden.count)
    guard scales.isEmpty || forecasterOrder == .reversed || hidden.count == 1 else {
      throw ConvLSTMError("layers of several scales need the forecaster order 'reversed': it begins at the coarsest")
    }
    for (index, layer) in encoderLayers.enumerated() { try layer.validate("encoder layer \(index)") }
  }

  /// Channels of a frame that is read, after folding.
  public var foldedChannels: Int { frameChannels * patch * patch }

  /// Channels of a frame that is forecast, before unfolding.
  var foldedOutputChannels: Int { outputChannels * patch * patch }

  /// Channels of guidance, after folding.
  var foldedGuidanceChannels: Int { guidanceChannels * patch * patch }

  /// The rows of images in which a frame of `length` rows is worked on, or columns for its columns: those of an encoder
  /// layer, or without one those of the folded frame itself. A frame is filled up so that every scale has whole pixels.
  func extent(_ length: Int, layer: Int? = nil) -> Int {
    let coarsest = patch * scales.product
    let folded = (length + coarsest - 1) / coarsest * scales.product
    guard let layer else { return folded }
    return folded / scales.stride.prefix(layer + 1).reduce(1, *)
  }

  /// Pixels of the finest layer for a frame of `height` × `width`.
  func foldedPixels(height: Int, width: Int) -> Double {
    Double(extent(height, layer: 0)) * Double(extent(width, layer: 0))
  }

  /// The encoder's layers, the first one first.
  var encoderLayers: [LayerConfiguration] {
    hidden.indices.map { index in
      LayerConfiguration(
        inputChannels: scales.isEmpty ? layerBelow(index) : scales.downChannels[index], hiddenChannels: hidden[index],
        inputKernel: inputKernel[index], stateKernel: stateKernel[index], peephole: peephole)
    }
  }

  /// Channels of what lies below a layer of the encoder: a frame, or another layer.
  private func layerBelow(_ index: Int) -> Int { index == 0 ? foldedChannels : hidden[index - 1] }

  /// The forecaster's layers; the first one has no input.
  var forecasterLayers: [LayerConfiguration] {
    hidden.indices.map { index in
      let encoder = encoderLayer(ofForecasterLayer: index)
      let channels = scales.isEmpty ? hidden : scales.upChannels
      return LayerConfiguration(
        inputChannels: index == 0 ? nil : channels[encoderLayer(ofForecasterLayer: index - 1)],
        hiddenChannels: hidden[encoder], inputKernel: inputKernel[encoder], stateKernel: stateKernel[encoder],
        peephole: peephole)
    }
  }

  /// The encoder's layer whose last state starts a layer of the forecaster.
  func encoderLayer(ofForecasterLayer index: Int) -> Int {
    forecasterOrder == .same ? index : hidden.count - 1 - index
  }

  /// The strided convolution in front of each encoder layer.
  var downsamplings: [ResamplingConfiguration] {
    scales.stride.indices.map { index in
      ResamplingConfiguration(
        direction: .down, inputChannels: layerBelow(index), outputChannels: scales.downChannels[index],
        kernel: scales.downKernel[index], stride: scales.stride[index], foldedPatch: index == 0 ? patch : nil)
    }
  }

  /// The transposed convolution behind each forecaster layer.
  var upsamplings: [ResamplingConfiguration] {
    scales.stride.indices.map { index in
      let encoder = encoderLayer(ofForecasterLayer: index)
      return ResamplingConfiguration(
        direction: .up, inputChannels: hidden[encoder], outputChannels: scales.upChannels[encoder],
        kernel: scales.upKernel[encoder], stride: scales.stride[encoder])
    }
  }

  /// The convolution in front of the head.
  var outputConvolution: ResamplingConfiguration? {
    scales.upChannels.first.map {
      ResamplingConfiguration(
        direction: .down, inputChannels: $0, outputChannels: $0, kernel: scales.outputKernel, stride: 1)
    }
  }

  /// Channels of each image that the head reads, guidance last.
  var headChannels: [Int] {
    let hidden = outputConvolution.map { [$0.outputChannels] } ?? forecasterLayers.map(\.hiddenChannels)
    return guidanceChannels > 0 ? hidden + [foldedGuidanceChannels] : hidden
  }

  /// The margin of zeros that all convolutions have enough of.
  var halo: Int {
    let resamplings = downsamplings + upsamplings + [outputConvolution].compactMap(\.self)
    return max(
      (encoderLayers + forecasterLayers).reduce(0) { max($0, $1.halo) },
      resamplings.reduce(0) { max($0, $1.foldedKernel / 2) })
  }

  /// Names and shapes of all parameters, as in the model file.
  public var parameterLayout: ParameterLayout {
    var layout = ParameterLayout()
    for (index, layer) in encoderLayers.enumerated() {
      let prefix = "encoder.layers.\(index)."
      if !scales.isEmpty { downsamplings[index].appendParameters(to: &layout, prefix: prefix + "downsampling.") }
      layer.appendParameters(to: &layout, prefix: prefix)
    }
    for (index, layer) in forecasterLayers.enumerated() {
      let prefix = "forecaster.layers.\(index)."
      layer.appendParameters(to: &layout, prefix: prefix)
      if !scales.isEmpty { upsamplings[index].appendParameters(to: &layout, prefix: prefix + "upsampling.") }
    }
    outputConvolution?.appendParameters(to: &layout, prefix: "head.convolution.")
    layout.append("head.weight", shape: [foldedOutputChannels, headChannels.reduce(0, +), 1, 1])
    layout.append("head.bias", shape: [foldedOutputChannels])
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
