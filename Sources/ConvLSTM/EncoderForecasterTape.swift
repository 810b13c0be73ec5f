import ConvKernels
import Tensor

/// The memory of one forecast or one training step of an ``EncoderForecaster``.
public final class EncoderForecasterTape {
  /// `[b, inputFrames, c, h, w]`.
  public let inputShape: [Int]
  /// `[b, leadFrames, c, h, w]`, of the output's channels.
  public let outputShape: [Int]
  /// `[b, leadFrames, c, h, w]`, of the guidance's channels; `nil` without guidance.
  public let guidanceShape: [Int]?
  /// What the forward pass keeps.
  public let recording: TapeRecording
  let inputFrames: Int
  let leadFrames: Int
  let encoder: [StageTape]
  let forecaster: [StageTape]
  /// Of the convolution in front of the head; `nil` in a network of one scale.
  let outputConvolution: ResamplingTape?
  /// The folded input frames, with halo: all of them when recording, else one at a time.
  let input: [BlockedImage]
  /// The folded guidance, without halo: one for each step when recording, else one for all.
  private let guidance: [BlockedImage]
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
    outputShape = [batch, leadFrames, configuration.outputChannels, height, width]
    let guidanceChannels = configuration.guidanceChannels
    guidanceShape = guidanceChannels > 0 ? [batch, leadFrames, guidanceChannels, height, width] : nil
    (self.inputFrames, self.leadFrames, self.recording) = (inputFrames, leadFrames, recording)
    // One halo for all buffers, so that the forecaster can go on in the encoder's memory.
    let halo = configuration.halo
    func rows(_ layer: Int? = nil) -> Int { configuration.extent(height, layer: layer) }
    func columns(_ layer: Int? = nil) -> Int { configuration.extent(width, layer: layer) }
    let encoderLayers = configuration.encoderLayers
    // One step's gates, for whichever layer of a size is at work. Their blocks all lie alike, so the halo stays zero.
    var sharedGates: [[Int]: AlignedBuffer] = [:]
    if recording == .states {
      for index in encoderLayers.indices {
        let alike = encoderLayers.indices.filter { rows($0) == rows(index) && columns($0) == columns(index) }
        let blocks = alike.map { ChannelOrder.gates(hidden: encoderLayers[$0].hiddenChannels).blocks }
        let size = [rows(index), columns(index)]
        guard sharedGates[size] == nil, let most = blocks.max() else { continue }
        sharedGates[size] = AlignedBuffer(
          count: BlockedLayout(batch: batch, blocks: most, height: size[0], width: size[1], halo: halo).count)
      }
    }
    func tape(_ layer: LayerConfiguration, at index: Int, steps: Int, continuing other: LayerTape? = nil) -> LayerTape {
      LayerTape(
        hiddenChannels: layer.hiddenChannels, batch: batch, height: rows(index), width: columns(index), halo: halo,
        steps: steps, recording: recording, continuing: other, sharedGates: sharedGates[[rows(index), columns(index)]])
    }
    func tape(_ resampling: ResamplingConfiguration, at index: Int?, steps: Int) -> ResamplingTape {
      ResamplingTape(
        resampling, batch: batch, height: rows(index), width: columns(index), halo: halo, steps: steps,
        recording: recording)
    }
    let (downsamplings, upsamplings) = (configuration.downsamplings, configuration.upsamplings)
    let encoder = encoderLayers.enumerated().map { index, layer in
      StageTape(
        layer: tape(layer, at: index, steps: inputFrames),
        before: downsamplings.isEmpty ? nil : tape(downsamplings[index], at: index, steps: inputFrames))
    }
    forecaster = configuration.forecasterLayers.enumerated().map { index, layer in
      let from = configuration.encoderLayer(ofForecasterLayer: index)
      return StageTape(
        layer: tape(layer, at: from, steps: leadFrames, continuing: encoder[from].layer),
        after: upsamplings.isEmpty ? nil : tape(upsamplings[index], at: from, steps: leadFrames))
    }
    self.encoder = encoder
    outputConvolution = configuration.outputConvolution.map { tape($0, at: nil, steps: leadFrames) }
    // Frames are folded together with the first stride.
    let inputPatch = configuration.patch * (configuration.scales.stride.first ?? 1)
    let folded = BlockedLayout(
      batch: batch, blocks: ChannelOrder.plain(channels: channels * inputPatch * inputPatch).blocks, height: rows(0),
      width: columns(0), halo: halo)
    func bare(_ foldedChannels: Int) -> BlockedLayout {
      BlockedLayout(
        batch: batch, blocks: ChannelOrder.plain(channels: foldedChannels).blocks, height: rows(), width: columns(),
        halo: 0)
    }
    let steps = recording == .nothing ? 1 : leadFrames
    let output = bare(configuration.foldedOutputChannels)
    input = (0..<(recording == .nothing ? 1 : inputFrames)).map { _ in BlockedImage(folded) }
    outputs = (0..<steps).map { _ in BlockedImage(output) }
    outputGradient = BlockedImage(output)
    guidance = (0..<(guidanceChannels > 0 ? steps : 0)).map { _ in
      BlockedImage(bare(configuration.foldedGuidanceChannels))
    }
    func plain(channels: Int, patch: Int, frames: Int) -> PlainImages {
      PlainImages(
        channels: channels, height: height, width: width, patch: patch,
        sampleStride: frames * channels * height * width)
    }
    plainInput = plain(channels: channels, patch: inputPatch, frames: inputFrames)
    plainOutput = plain(channels: configuration.outputChannels, patch: configuration.patch, frames: leadFrames)
    plainGuidance = plain(channels: guidanceChannels, patch: configuration.patch, frames: leadFrames)
    inputCount = channels * height * width
    guidanceCount = guidanceChannels * height * width
    outputCount = configuration.outputChannels * height * width
  }

  /// The first samples of another tape, in the same memory.
  init(_ other: EncoderForecasterTape, batch: Int) {
    precondition(batch > 0 && batch <= other.inputShape[0], "more samples than the tape has")
    inputShape = [batch] + other.inputShape.dropFirst()
    outputShape = [batch] + other.outputShape.dropFirst()
    guidanceShape = other.guidanceShape.map { [batch] + $0.dropFirst() }
    (inputFrames, leadFrames, recording) = (other.inputFrames, other.leadFrames, other.recording)
    encoder = other.encoder.map { StageTape($0, batch: batch) }
    forecaster = other.forecaster.map { StageTape($0, batch: batch) }
    outputConvolution = other.outputConvolution.map { ResamplingTape($0, batch: batch) }
    input = other.input.map { $0.first(batch) }
    outputs = other.outputs.map { $0.first(batch) }
    guidance = other.guidance.map { $0.first(batch) }
    outputGradient = other.outputGradient.first(batch)
    (plainInput, plainOutput, plainGuidance) = (other.plainInput, other.plainOutput, other.plainGuidance)
    (inputCount, outputCount, guidanceCount) = (other.inputCount, other.outputCount, other.guidanceCount)
  }

  /// The frames of the input, of the output and of guidance.
  private let plainInput: PlainImages
  private let plainOutput: PlainImages
  private let plainGuidance: PlainImages
  /// Floats of one plain frame of the input, of the output and of guidance.
  private let inputCount: Int
  private let outputCount: Int
  private let guidanceCount: Int

  func output(_ t: Int) -> BlockedImage { outputs[t % outputs.count] }

  /// How the folded output frames lie in memory.
  var outputLayout: BlockedLayout { outputs[0].layout }

  /// What the head reads at step `t`.
  func headInputs(_ t: Int) -> [BlockedImage] {
    let hidden = outputConvolution.map { [$0.output(t)] } ?? forecaster.map { $0.layer.hiddenImage(t + 1) }
    return guidance.isEmpty ? hidden : hidden + [guidance[t % guidance.count]]
  }

  /// What has the gradient with respect to it added: all that the head reads but guidance.
  var headInputGradients: [BlockedImage] {
    outputConvolution?.outputGradient.map { [$0] } ?? forecaster.map(\.layer.hiddenGradientImage)
  }

  /// Folds frame `t` of `[b, inputFrames, c, h, w]`.
  func readInput(_ t: Int, _ tensor: Tensor, pool: WorkerPool) -> BlockedImage {
    let image = input[t % input.count]
    tensor.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plainInput.copy(base + t * inputCount, toBlocks: image.buffer.pointer, image.layout, pool: pool)
    }
    return image
  }

  /// Folds the guidance for step `t`, of `[b, leadFrames, c, h, w]`.
  func readGuidance(_ t: Int, _ tensor: Tensor, pool: WorkerPool) {
    let image = guidance[t % guidance.count]
    tensor.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plainGuidance.copy(base + t * guidanceCount, toBlocks: image.buffer.pointer, image.layout, pool: pool)
    }
  }

  func writeOutput(_ t: Int, to tensor: inout Tensor, pool: WorkerPool) {
    tensor.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plainOutput.copy(
        fromBlocks: output(t).buffer.pointer, output(t).layout, to: base + t * outputCount, pool: pool)
    }
  }

  func readOutputGradient(_ t: Int, _ tensor: Tensor, pool: WorkerPool) {
    tensor.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plainOutput.copy(
        base + t * outputCount, toBlocks: outputGradient.buffer.pointer, outputGradient.layout, pool: pool)
    }
  }

  func makeInputGradient() -> BlockedImage {
    BlockedImage(input[0].layout.with(blocks: input[0].layout.blocks, halo: 0))
  }

  func writeInputGradient(_ t: Int, _ image: BlockedImage, to tensor: inout Tensor?, pool: WorkerPool) {
    tensor?.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      plainInput.copy(fromBlocks: image.buffer.pointer, image.layout, to: base + t * inputCount, pool: pool)
    }
  }
}
