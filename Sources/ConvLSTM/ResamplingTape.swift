import ConvKernels

/// The memory of one ``Resampling`` over the time steps of a forecast or a training step.
final class ResamplingTape {
  /// Of each step, or of the present one, `[b][output blocks]` with halo.
  private let outputs: [BlockedImage]
  /// Folded images of one step, with halo: the input (down) or the output (up), or the gradient with respect to it. `nil`
  /// where the input comes folded.
  let folded: BlockedImage?
  /// The gradient with respect to the output of the step being worked on, with halo. Who reads the output adds to it; it is
  /// zero before and after.
  let outputGradient: BlockedImage?
  /// Where gradients of the folded weights are summed up over steps and sub-batches; `nil` without recording.
  let weightSums: WeightGradientSums?
  /// The gradients of the folded weights, `[out, in, k, k]`; zero between training steps.
  let weightGradient: AlignedBuffer?

  /// - Parameters:
  ///   - height: rows at the coarser of the two scales.
  ///   - width: columns there.
  init(
    _ configuration: ResamplingConfiguration, batch: Int, height: Int, width: Int, halo: Int, steps: Int,
    recording: TapeRecording
  ) {
    let records = recording != .nothing
    func image(channels: Int, scale: Int) -> BlockedImage {
      BlockedImage(
        BlockedLayout(
          batch: batch, blocks: ChannelOrder.plain(channels: channels).blocks, height: scale * height,
          width: scale * width, halo: halo))
    }
    let scale = configuration.direction == .down ? 1 : configuration.stride
    outputs = (0..<(records ? steps : 1)).map { _ in image(channels: configuration.outputChannels, scale: scale) }
    outputGradient = records ? image(channels: configuration.outputChannels, scale: scale) : nil
    folded =
      configuration.needsFolding
      ? image(
        channels: (configuration.direction == .down ? configuration.input : configuration.output).channels, scale: 1)
      : nil
    weightSums = records ? WeightGradientSums() : nil
    weightGradient = records ? AlignedBuffer(count: configuration.foldedWeights) : nil
  }

  /// The first samples of another tape, in the same memory.
  init(_ other: ResamplingTape, batch: Int) {
    outputs = other.outputs.map { $0.first(batch) }
    folded = other.folded?.first(batch)
    outputGradient = other.outputGradient?.first(batch)
    (weightSums, weightGradient) = (other.weightSums, other.weightGradient)
  }

  /// What step `t` gave.
  func output(_ t: Int) -> BlockedImage { outputs[t % outputs.count] }
}
