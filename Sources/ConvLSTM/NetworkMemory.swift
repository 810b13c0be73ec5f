import ConvKernels

/// The bytes that a network's forecasts and training steps take, counted before any of them is taken.
///
/// All are doubles, since options without sense may ask for more than an integer can count.
public struct NetworkMemory: Sendable {
  private let configuration: EncoderForecasterConfiguration
  private let inputFrames: Double
  private let leadFrames: Double
  private let height: Int
  private let width: Int

  /// Names the sizes of a forecast.
  public init(
    _ configuration: EncoderForecasterConfiguration, inputFrames: Int, leadFrames: Int, height: Int, width: Int
  ) {
    self.configuration = configuration
    (self.inputFrames, self.leadFrames) = (Double(inputFrames), Double(leadFrames))
    (self.height, self.width) = (height, width)
  }

  /// Weights and memory of an ``EncoderForecaster`` that forecasts `batch` samples at once.
  public func forecast(batch: Int) -> Double {
    4 * (configuration.parameterFloats + packedFloats(forBackward: false) + tapeFloats(batch, .nothing))
      + frameBytes(samples: batch)
  }

  /// Weights, memory and gradients of a ``TrainingStep``.
  public func trainingStep(batch: Int, recomputes: Bool) -> Double {
    let part = TrainingStep.subBatchSize(configuration, batch: batch, height: height, width: width)
    let outputs = 2 * Double(part) * leadFrames * framePixels * outputsPerInput
    return 4
      * (2 * configuration.parameterFloats + packedFloats(forBackward: true)
        + tapeFloats(part, recomputes ? .states : .all) + outputs + weightGradientFloats)
  }

  /// What forecasts of `batch` samples at once take beside the weights.
  public func tape(batch: Int) -> Double { 4 * tapeFloats(batch, .nothing) }

  /// Plain input and target frames, and guidance.
  public func frameBytes(samples: Int) -> Double {
    4 * Double(samples)
      * ((inputFrames + leadFrames) * framePixels
        + leadFrames * Double(configuration.guidanceChannels) * Double(height) * Double(width))
  }

  /// The weights themselves, and so also gradients or an optimiser's moment.
  public var parameters: Double { 4 * configuration.parameterFloats }

  /// Channels that are forecast, for each that is read.
  private var outputsPerInput: Double {
    Double(configuration.outputChannels) / Double(configuration.frameChannels)
  }

  private var framePixels: Double { Double(configuration.frameChannels) * Double(height) * Double(width) }

  /// A layer or a resampling with the encoder layer at whose scale it computes, or `nil` for that of the frames.
  private typealias Placed<T> = (what: T, scale: Int?)

  private var encoderLayers: [Placed<LayerConfiguration>] {
    configuration.encoderLayers.enumerated().map { ($1, $0) }
  }
  private var forecasterLayers: [Placed<LayerConfiguration>] {
    configuration.forecasterLayers.enumerated().map { ($1, configuration.encoderLayer(ofForecasterLayer: $0)) }
  }
  private var downsamplings: [Placed<ResamplingConfiguration>] {
    configuration.downsamplings.enumerated().map { ($1, $0) }
  }
  /// Those that work on lead frames.
  private var upsamplings: [Placed<ResamplingConfiguration>] {
    configuration.upsamplings.enumerated().map { ($1, configuration.encoderLayer(ofForecasterLayer: $0)) }
      + [configuration.outputConvolution].compactMap(\.self).map { ($0, nil) }
  }

  private func rows(_ scale: Int?) -> Int { configuration.extent(height, layer: scale) }
  private func columns(_ scale: Int?) -> Int { configuration.extent(width, layer: scale) }

  private func algorithms(_ layer: Placed<LayerConfiguration>) -> LayerAlgorithms {
    layer.what.algorithms(height: rows(layer.scale), width: columns(layer.scale))
  }

  private func packedFloats(forBackward: Bool) -> Double {
    let head = configuration.headChannels.reduce(0.0) { sum, hidden in
      sum
        + PackedWeights.floats(
          input: .plain(channels: hidden), output: .plain(channels: configuration.foldedOutputChannels),
          kernelHeight: 1,
          kernelWidth: 1, algorithm: .direct)
    }
    let layers = (encoderLayers + forecasterLayers).reduce(forBackward ? 2 * head : head) {
      $0 + $1.what.packedFloats(algorithms($1), forBackward: forBackward)
    }
    return (downsamplings + upsamplings).reduce(layers) {
      $0 + $1.what.packedFloats(height: rows($1.scale), width: columns($1.scale), forBackward: forBackward)
    }
  }

  private func tapeFloats(_ batch: Int, _ recording: TapeRecording) -> Double {
    let halo = Double(configuration.halo)
    /// The buffer of a batch's images of so many channels, `times` as many pixels on a side as at a scale.
    func buffer(_ channels: Int, _ scale: Int?, times: Int = 1, gates: Bool = false, halo: Double) -> Double {
      let lanes = Double(ChannelOrder.plain(channels: channels).blocks * BlockedLayout.lanes) * (gates ? 4 : 1)
      let pixels = (Double(times * rows(scale)) + 2 * halo) * (Double(times * columns(scale)) + 2 * halo)
      return AlignedBuffer.floatsTaken(Double(batch) * lanes * pixels + Double(BlockedLayout.slack))
    }
    // The forecaster's first states and all its gradients are the encoder's; without recording it has no others.
    func states(_ layers: [Placed<LayerConfiguration>], steps: Double, isEncoder: Bool) -> Double {
      layers.reduce(0) { sum, layer in
        let channels = layer.what.hiddenChannels
        let (bare, haloed) = (buffer(channels, layer.scale, halo: 0), buffer(channels, layer.scale, halo: halo))
        let own = isEncoder ? 1.0 : 0
        guard recording != .nothing else { return sum + own * (2 * haloed + bare) }
        let gates = recording == .all ? steps * buffer(channels, layer.scale, gates: true, halo: halo) : 0
        return sum + (steps + own) * (haloed + bare) + gates + own * 2 * bare
      }
    }
    func images(_ resamplings: [Placed<ResamplingConfiguration>], steps: Double) -> Double {
      resamplings.reduce(0) { sum, resampling in
        let (what, scale) = (resampling.what, resampling.scale)
        let output = buffer(
          what.outputChannels, scale, times: what.direction == .down ? 1 : what.stride, halo: halo)
        let folded = what.needsFolding ? buffer(what.foldedCount, scale, halo: halo) : 0
        guard recording != .nothing else { return sum + output + folded }
        return sum + (steps + 1) * output + folded + Double(what.foldedWeights)
      }
    }
    var floats =
      states(encoderLayers, steps: inputFrames, isEncoder: true)
      + states(forecasterLayers, steps: leadFrames, isEncoder: false)
      + images(downsamplings, steps: inputFrames) + images(upsamplings, steps: leadFrames)
    if recording == .states {
      // One step's gates for all layers of a size.
      let gates = Dictionary(grouping: encoderLayers) { [rows($0.scale), columns($0.scale)] }.values.map { alike in
        alike.reduce(0.0) { max($0, buffer($1.what.hiddenChannels, $1.scale, gates: true, halo: halo)) }
      }
      floats += gates.sorted().reduce(0, +)
    }
    // Where the gates are not kept, a step's may still have to go through memory.
    if recording != .all {
      floats += Self.kept(
        (encoderLayers + forecasterLayers).filter { $0.what.needsGateScratch(algorithms($0)) }
          .map { buffer($0.what.hiddenChannels, $0.scale, gates: true, halo: halo) })
    }
    let inputPatch = configuration.patch * (configuration.scales.stride.first ?? 1)
    let input = buffer(configuration.frameChannels * inputPatch * inputPatch, 0, halo: halo)
    let output = buffer(configuration.foldedOutputChannels, nil, halo: 0)
    let guidance =
      configuration.guidanceChannels > 0 ? buffer(configuration.foldedGuidanceChannels, nil, halo: 0) : 0
    // Inputs, outputs and guidance of every step, or one of each; and one gradient.
    guard recording != .nothing else { return floats + input + 2 * output + guidance }
    return floats + inputFrames * input + (leadFrames + 1) * output + leadFrames * guidance
  }

  /// Memory for weight gradients: the sums of every layer, and scratch memory.
  private var weightGradientFloats: Double {
    let needs =
      (encoderLayers + forecasterLayers).map { $0.what.weightGradientFloats(algorithms($0)) }
      + (downsamplings + upsamplings).map {
        $0.what.weightGradientFloats(height: rows($0.scale), width: columns($0.scale))
      }
    return Self.kept(needs.map(\.scratch)) + needs.reduce(0) { $0 + $1.sums }
  }

  /// Scratch memory that is kept when every layer in turn has asked for some: a buffer for each that needed more than
  /// those before it.
  private static func kept(_ scratch: [Double]) -> Double {
    var largest = 0.0
    return scratch.reduce(0) { sum, own in
      defer { largest = max(largest, own) }
      return own > largest ? sum + own : sum
    }
  }
}

extension EncoderForecasterConfiguration {
  /// The number of weights, but for the few of biases.
  fileprivate var parameterFloats: Double {
    let layers = (encoderLayers + forecasterLayers).reduce(0) { $0 + Double($1.fanIn) * 4 * Double($1.hiddenChannels) }
    let resamplings = downsamplings + upsamplings + [outputConvolution].compactMap(\.self)
    return resamplings.reduce(layers) { $0 + $1.weightShape.reduce(1.0) { $0 * Double($1) } }
      + Double(headChannels.reduce(0, +)) * Double(foldedOutputChannels)
  }
}

extension ResamplingConfiguration {
  /// Floats of the weights as a ``Resampling`` packs them.
  fileprivate func packedFloats(height: Int, width: Int, forBackward: Bool) -> Double {
    let (forward, gradient) = algorithms(height: height, width: width)
    func floats(_ input: ChannelOrder, _ output: ChannelOrder, _ algorithm: ConvolutionAlgorithm) -> Double {
      PackedWeights.floats(
        input: input, output: output, kernelHeight: foldedKernel, kernelWidth: foldedKernel, algorithm: algorithm)
    }
    return floats(input, output, forward) + (forBackward ? floats(output, input, gradient) : 0)
  }

  /// Floats of scratch memory and sums for the weight gradients.
  fileprivate func weightGradientFloats(height: Int, width: Int) -> (scratch: Double, sums: Double) {
    WeightGradientPart.memoryFloats(
      inputs: [input], output: output, kernelHeight: foldedKernel, kernelWidth: foldedKernel,
      algorithm: algorithms(height: height, width: width).forward)
  }
}

extension LayerConfiguration {
  private var gates: ChannelOrder { .gates(hidden: hiddenChannels) }

  /// A convolution of the layer: what it reads, its kernel, and how it and its data gradient are computed.
  private struct Part {
    let order: ChannelOrder
    let kernel: KernelSize
    let algorithm: ConvolutionAlgorithm
    let gradient: ConvolutionAlgorithm
  }

  private func parts(_ algorithms: LayerAlgorithms) -> [Part] {
    let input = inputChannels.map {
      Part(
        order: .plain(channels: $0), kernel: inputKernel, algorithm: algorithms.input,
        gradient: algorithms.inputGradient)
    }
    let state = Part(
      order: .plain(channels: hiddenChannels), kernel: stateKernel, algorithm: algorithms.state,
      gradient: algorithms.stateGradient)
    return (input.map { [$0] } ?? []) + [state]
  }

  /// Floats of the weights as a ``Layer`` packs them.
  fileprivate func packedFloats(_ algorithms: LayerAlgorithms, forBackward: Bool) -> Double {
    parts(algorithms).reduce(0) { sum, part in
      let (height, width) = (part.kernel.height, part.kernel.width)
      let forward = PackedWeights.floats(
        input: part.order, output: gates, kernelHeight: height, kernelWidth: width, algorithm: part.algorithm)
      let turned = PackedWeights.floats(
        input: gates, output: part.order, kernelHeight: height, kernelWidth: width, algorithm: part.gradient)
      return sum + forward + (forBackward ? turned : 0)
    }
  }

  /// Whether a step needs scratch memory for its gates where they are not kept: the convolutions of input and state have
  /// kernels that cannot be summed up in one pass.
  fileprivate func needsGateScratch(_ algorithms: LayerAlgorithms) -> Bool {
    let areDirect = algorithms.input == .direct && algorithms.state == .direct
    return inputChannels != nil && inputKernel != stateKernel && !areDirect
  }

  /// Floats of scratch memory and sums for the layer's weight gradients.
  fileprivate func weightGradientFloats(_ algorithms: LayerAlgorithms) -> (scratch: Double, sums: Double) {
    let parts = parts(algorithms)
    // Those of one kernel and one way are computed together.
    let together = inputKernel == stateKernel ? [parts] : parts.map { [$0] }
    return together.reduce((0, 0)) { most, parts in
      let own = WeightGradientPart.memoryFloats(
        inputs: parts.map(\.order), output: gates, kernelHeight: parts[0].kernel.height,
        kernelWidth: parts[0].kernel.width, algorithm: parts[0].algorithm)
      return (max(most.scratch, own.scratch), most.sums + own.sums)
    }
  }
}
