import ConvKernels

/// A layer's convolution weights, packed for the algorithms that are the fastest for images of one size.
final class LayerWeights {
  let algorithms: LayerAlgorithms
  /// `nil` for a layer without input.
  let input: PackedWeights?
  let state: PackedWeights
  /// For the gradient with respect to the input; `nil` where no backward pass is wanted.
  let turnedInput: PackedWeights?
  /// For the gradient with respect to the hidden state.
  let turnedState: PackedWeights?

  /// Whether gradients can be computed with them.
  var hasTurned: Bool { turnedState != nil }

  /// Makes room for the weights.
  init(_ configuration: LayerConfiguration, _ algorithms: LayerAlgorithms, forBackward: Bool) {
    self.algorithms = algorithms
    let gates = ChannelOrder.gates(hidden: configuration.hiddenChannels)
    let hidden = ChannelOrder.plain(channels: configuration.hiddenChannels)
    let plainInput = configuration.inputChannels.map(ChannelOrder.plain(channels:))
    func weights(
      _ input: ChannelOrder, _ output: ChannelOrder, _ kernel: KernelSize, _ algorithm: ConvolutionAlgorithm
    ) -> PackedWeights {
      PackedWeights(
        input: input, output: output, kernelHeight: kernel.height, kernelWidth: kernel.width, algorithm: algorithm)
    }
    input = plainInput.map { weights($0, gates, configuration.inputKernel, algorithms.input) }
    state = weights(hidden, gates, configuration.stateKernel, algorithms.state)
    turnedInput =
      forBackward ? plainInput.map { weights(gates, $0, configuration.inputKernel, algorithms.inputGradient) } : nil
    turnedState = forBackward ? weights(gates, hidden, configuration.stateKernel, algorithms.stateGradient) : nil
  }

  /// Copies plain weights, `[4·hidden, input, kh, kw]` and `[4·hidden, hidden, kh, kw]`, into place.
  func pack(
    input plainInput: UnsafePointer<Float>?, state plainState: UnsafePointer<Float>?, forBackward: Bool,
    pool: WorkerPool
  ) {
    if let plainInput {
      input?.pack(.forward, from: plainInput, pool: pool)
      if forBackward { turnedInput?.pack(.dataGradient, from: plainInput, pool: pool) }
    }
    if let plainState {
      state.pack(.forward, from: plainState, pool: pool)
      if forBackward { turnedState?.pack(.dataGradient, from: plainState, pool: pool) }
    }
  }
}
