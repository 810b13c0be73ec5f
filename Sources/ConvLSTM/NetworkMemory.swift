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
    let outputs = 2 * Double(part) * leadFrames * framePixels
    return 4
      * (2 * configuration.parameterFloats + packedFloats(forBackward: true)
        + tapeFloats(part, recomputes ? .states : .all) + outputs + weightGradientFloats)
  }

  /// What forecasts of `batch` samples at once take beside the weights.
  public func tape(batch: Int) -> Double { 4 * tapeFloats(batch, .nothing) }

  /// Plain input and target frames.
  public func frameBytes(samples: Int) -> Double { 4 * Double(samples) * (inputFrames + leadFrames) * framePixels }

  /// The weights themselves, and so also gradients or an optimiser's moment.
  public var parameters: Double { 4 * configuration.parameterFloats }

  private var framePixels: Double { Double(configuration.frameChannels) * Double(height) * Double(width) }
  private var layers: [LayerConfiguration] { configuration.encoderLayers + configuration.forecasterLayers }

  private func algorithms(_ layer: LayerConfiguration) -> LayerAlgorithms {
    let patch = configuration.patch
    return layer.algorithms(height: (height + patch - 1) / patch, width: (width + patch - 1) / patch)
  }

  private func packedFloats(forBackward: Bool) -> Double {
    let head = configuration.hidden.reduce(0.0) { sum, hidden in
      sum
        + PackedWeights.floats(
          input: .plain(channels: hidden), output: .plain(channels: configuration.foldedChannels), kernelHeight: 1,
          kernelWidth: 1, algorithm: .direct)
    }
    return layers.reduce(forBackward ? 2 * head : head) {
      $0 + $1.packedFloats(algorithms($1), forBackward: forBackward)
    }
  }

  private func tapeFloats(_ batch: Int, _ recording: TapeRecording) -> Double {
    let halo = Double(layers.reduce(0) { max($0, $1.halo) })
    let patch = configuration.patch
    let (rows, columns) = (Double((height + patch - 1) / patch), Double((width + patch - 1) / patch))
    let bare = Double(batch) * rows * columns
    let haloed = Double(batch) * (rows + 2 * halo) * (columns + 2 * halo)
    // The forecaster's first states and all its gradients are the encoder's; without recording it has no others.
    func states(_ layers: [LayerConfiguration], steps: Double, isEncoder: Bool) -> Double {
      layers.reduce(0) { sum, layer in
        let hidden = Double(ChannelOrder.plain(channels: layer.hiddenChannels).blocks * BlockedLayout.lanes)
        let own = isEncoder ? 1.0 : 0
        guard recording != .nothing else { return sum + own * hidden * (2 * haloed + bare) }
        let gates = recording == .all ? 4 * steps * haloed : 0
        return sum + hidden * ((steps + own) * (haloed + bare) + gates + own * 2 * bare)
      }
    }
    var floats =
      states(configuration.encoderLayers, steps: inputFrames, isEncoder: true)
      + states(configuration.forecasterLayers, steps: leadFrames, isEncoder: false)
    if recording == .states {
      let blocks = layers.reduce(0) { max($0, $1.gates.blocks) }
      floats += Double(blocks * BlockedLayout.lanes) * haloed
    }
    // Where the gates are not kept, a step's may still have to go through memory.
    if recording != .all { floats += Self.kept(layers.map { $0.gateScratchChannels(algorithms($0)) }) * haloed }
    let folded = Double(ChannelOrder.plain(channels: configuration.foldedChannels).blocks * BlockedLayout.lanes)
    // Inputs and outputs of every step, or one of each; and one gradient.
    guard recording != .nothing else { return floats + folded * (haloed + 2 * bare) }
    return floats + folded * (inputFrames * haloed + (leadFrames + 1) * bare)
  }

  /// Memory for weight gradients: the sums of every layer, and scratch memory.
  private var weightGradientFloats: Double {
    let needs = layers.map { $0.weightGradientFloats(algorithms($0)) }
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
  /// The number of weights.
  fileprivate var parameterFloats: Double {
    let layers = (encoderLayers + forecasterLayers).reduce(0) { $0 + Double($1.fanIn) * 4 * Double($1.hiddenChannels) }
    return layers + Double(hidden.reduce(0, +)) * Double(foldedChannels)
  }
}

extension LayerConfiguration {
  fileprivate var gates: ChannelOrder { .gates(hidden: hiddenChannels) }

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

  /// Channels of the gates that a step needs scratch memory for: all, where the convolutions of input and state have
  /// kernels that cannot be summed up in one pass; else none.
  fileprivate func gateScratchChannels(_ algorithms: LayerAlgorithms) -> Double {
    let areDirect = algorithms.input == .direct && algorithms.state == .direct
    guard inputChannels != nil, inputKernel != stateKernel, !areDirect else { return 0 }
    return Double(gates.blocks * BlockedLayout.lanes)
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
