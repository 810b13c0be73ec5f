import ConvKernels
import Tensor

/// The memory of one forecast or one training step of an ``EncoderForecaster``.
public final class EncoderForecasterTape {
  /// `[b, inputFrames, c, h, w]`.
  public let inputShape: [Int]
  /// `[b, leadFrames, c, h, w]`.
  public let outputShape: [Int]
  /// What the forward pass keeps.
  public let recording: TapeRecording
  let inputFrames: Int
  let leadFrames: Int
  let encoder: [LayerTape]
  let forecaster: [LayerTape]
  /// The folded input frames, with halo: all of them when recording, else one at a time.
  let input: [BlockedImage]
  /// The folded output frames, without halo: one for each step when recording, else one for all.
  private let outputs: [BlockedImage]
  /// The gradient with respect to one folded output frame.
  let outputGradient: BlockedImage

  init(
    _ configuration: EncoderForecasterConfiguration, batch: Int, inputFrames: Int, leadFrames: Int, height: Int,
    width: Int, recording: TapeRecording
  ) {
    precondition(batch > 0 && inputFrames > 0 && leadFrames > 0 && height > 0 && width > 0, "an empty batch")
    let channels = configuration.frameChannels
    inputShape = [batch, inputFrames, channels, height, width]
    outputShape = [batch, leadFrames, channels, height, width]
    (self.inputFrames, self.leadFrames, self.recording) = (inputFrames, leadFrames, recording)
    let images = PlainImages(channels: channels, height: height, width: width, patch: configuration.patch)
    let layers = configuration.encoderLayers + configuration.forecasterLayers
    // One halo for all buffers, so that the forecaster can go on in the encoder's memory.
    let halo = layers.reduce(0) { max($0, $1.halo) }
    // One step's gates, for whichever layer is at work. The layers' blocks all lie alike, so the halo stays zero.
    let sharedGates =
      recording == .states
      ? AlignedBuffer(
        count: BlockedLayout(
          batch: batch, blocks: layers.reduce(0) { max($0, ChannelOrder.gates(hidden: $1.hiddenChannels).blocks) },
          height: images.foldedHeight, width: images.foldedWidth, halo: halo
        ).count) : nil
    func tape(_ layer: LayerConfiguration, steps: Int, continuing other: LayerTape? = nil) -> LayerTape {
      LayerTape(
        hiddenChannels: layer.hiddenChannels, batch: batch, height: images.foldedHeight, width: images.foldedWidth,
        halo: halo, steps: steps, recording: recording, continuing: other, sharedGates: sharedGates)
    }
    let encoder = configuration.encoderLayers.map { tape($0, steps: inputFrames) }
    let forecaster = configuration.forecasterLayers.enumerated().map { index, layer in
      tape(
        layer, steps: leadFrames, continuing: encoder[configuration.encoderLayer(ofForecasterLayer: index)])
    }
    (self.encoder, self.forecaster) = (encoder, forecaster)
    let folded = BlockedLayout(
      batch: batch, blocks: ChannelOrder.plain(channels: images.foldedChannels).blocks, height: images.foldedHeight,
      width: images.foldedWidth, halo: halo)
    let bare = folded.with(blocks: folded.blocks, halo: 0)
    input = (0..<(recording == .nothing ? 1 : inputFrames)).map { _ in BlockedImage(folded) }
    outputs = (0..<(recording == .nothing ? 1 : leadFrames)).map { _ in BlockedImage(bare) }
    outputGradient = BlockedImage(bare)
    plain = { sampleFrames in
      PlainImages(
        channels: channels, height: height, width: width, patch: configuration.patch,
        sampleStride: sampleFrames * channels * height * width)
    }
    frameCount = channels * height * width
  }

  /// The first samples of another tape, in the same memory.
  init(_ other: EncoderForecasterTape, batch: Int) {
    precondition(batch > 0 && batch <= other.inputShape[0], "more samples than the tape has")
    inputShape = [batch] + other.inputShape.dropFirst()
    outputShape = [batch] + other.outputShape.dropFirst()
    (inputFrames, leadFrames, recording) = (other.inputFrames, other.leadFrames, other.recording)
    encoder = other.encoder.map { LayerTape($0, batch: batch) }
    forecaster = other.forecaster.map { LayerTape($0, batch: batch) }
    input = other.input.map { $0.first(batch) }
    outputs = other.outputs.map { $0.first(batch) }
    outputGradient = other.outputGradient.first(batch)
    (plain, frameCount) = (other.plain, other.frameCount)
  }

  /// Frames of a tensor with that many frames for each sample.
  private let plain: (_ sampleFrames: Int) -> PlainImages
  /// Floats of one plain frame.
  private let frameCount: Int

  func output(_ t: Int) -> BlockedImage { outputs[t % outputs.count] }

  /// Folds frame `t` of `[b, inputFrames, c, h, w]`.
  func readInput(_ t: Int, _ tensor: Tensor, pool: WorkerPool) -> BlockedImage {
    let image = input[t % input.count]
    tensor.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plain(inputFrames).copy(base + t * frameCount, toBlocks: image.buffer.pointer, image.layout, pool: pool)
    }
    return image
  }

  func writeOutput(_ t: Int, to tensor: inout Tensor, pool: WorkerPool) {
    tensor.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plain(leadFrames).copy(
        fromBlocks: output(t).buffer.pointer, output(t).layout, to: base + t * frameCount, pool: pool)
    }
  }

  func readOutputGradient(_ t: Int, _ tensor: Tensor, pool: WorkerPool) {
    tensor.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plain(leadFrames).copy(
        base + t * frameCount, toBlocks: outputGradient.buffer.pointer, outputGradient.layout, pool: pool)
    }
  }

  func makeInputGradient() -> BlockedImage {
    BlockedImage(input[0].layout.with(blocks: input[0].layout.blocks, halo: 0))
  }

  func writeInputGradient(_ t: Int, _ image: BlockedImage, to tensor: inout Tensor?, pool: WorkerPool) {
    tensor?.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plain(inputFrames).copy(fromBlocks: image.buffer.pointer, image.layout, to: base + t * frameCount, pool: pool)
    }
  }
}
