import ConvKernels
import Tensor

/// One strided or transposed convolution with its leaky rectifier: its parameters, packed for the kernels, and its
/// arithmetic over the steps of a ``ResamplingTape``.
///
/// Forward and backward stand side by side. `@unchecked Sendable`: packing happens while nothing else uses it.
final class Resampling: @unchecked Sendable {
  let configuration: ResamplingConfiguration
  let prefix: String
  private var weights: PackedWeights?
  /// For the gradient with respect to the input; `nil` where no backward pass is wanted.
  private var turnedWeights: PackedWeights?
  /// The bias of every channel that the folded convolution writes.
  private let bias: AlignedBuffer
  /// Sixteen zeros for each block of the input: a convolution that starts from nothing.
  private let zeros: AlignedBuffer

  init(_ configuration: ResamplingConfiguration, prefix: String) {
    self.configuration = configuration
    self.prefix = prefix
    bias = AlignedBuffer(count: configuration.output.blocks * BlockedLayout.lanes)
    zeros = AlignedBuffer(count: configuration.input.blocks * BlockedLayout.lanes)
  }

  /// Takes the parameters out of `parameters`, for images of one size at the coarser scale.
  func pack(_ parameters: ParameterSet, forBackward: Bool, height: Int, width: Int, pool: WorkerPool) {
    let (forward, gradient) = configuration.algorithms(height: height, width: width)
    let side = configuration.foldedKernel
    func packed(
      _ known: PackedWeights?, _ input: ChannelOrder, _ output: ChannelOrder, _ algorithm: ConvolutionAlgorithm
    )
      -> PackedWeights
    {
      if let known, known.algorithm == algorithm { return known }
      return PackedWeights(input: input, output: output, kernelHeight: side, kernelWidth: side, algorithm: algorithm)
    }
    let weights = packed(self.weights, configuration.input, configuration.output, forward)
    let turned =
      forBackward ? packed(turnedWeights, configuration.output, configuration.input, gradient) : turnedWeights
    (self.weights, turnedWeights) = (weights, turned)
    let folded = AlignedBuffer(count: configuration.foldedWeights)
    parameters.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress, let weight = parameters.layout.entry(prefix + "weight"),
        let plainBias = parameters.layout.entry(prefix + "bias")
      else { preconditionFailure("no parameters \(prefix)") }
      pool.run(tasks: configuration.weightShape[0]) { first in
        configuration.forEachWeight(first: first) { folded.pointer[$1] = base[weight.offset + $0] }
      }
      packBias(base + plainBias.offset)
    }
    weights.pack(.forward, from: folded.pointer, pool: pool)
    if forBackward { turned?.pack(.dataGradient, from: folded.pointer, pool: pool) }
  }

  /// The same bias for all neighbours.
  private func packBias(_ plain: UnsafePointer<Float>) {
    let channels = configuration.outputChannels
    for channel in 0..<configuration.output.channels { bias.pointer[channel] = plain[channel % channels] }
  }

  private func folding(_ fine: BlockedImage, _ folded: BlockedImage) -> BlockFolding {
    BlockFolding(
      channels: configuration.direction == .down ? configuration.inputChannels : configuration.outputChannels,
      stride: configuration.stride, fine: fine.layout, folded: folded.layout)
  }

  private var packedWeights: PackedWeights {
    guard let weights else { preconditionFailure("a convolution whose weights were not packed") }
    return weights
  }

  /// What the folded convolution reads.
  private func source(_ tape: ResamplingTape, _ input: BlockedImage, pool: WorkerPool) -> BlockedImage {
    guard configuration.direction == .down, let folded = tape.folded else { return input }
    folding(input, folded).fold(input.buffer.pointer, to: folded.buffer.pointer, pool: pool)
    return folded
  }

  /// Step `t` forward.
  ///
  /// - Parameter input: with halo.
  /// - Returns: the output of the step, with halo.
  func forward(_ tape: ResamplingTape, step t: Int, input: BlockedImage, pool: WorkerPool) -> BlockedImage {
    let source = source(tape, input, pool: pool)
    let output = tape.output(t)
    let target = configuration.direction == .up ? tape.folded ?? output : output
    convolve(
      [ConvolutionInput(source.buffer.pointer, source.layout, packedWeights)],
      to: ConvolutionTarget(start: .bias(bias.pointer), output: target.buffer.pointer, target.layout), pool: pool)
    if configuration.direction == .up, let folded = tape.folded {
      folding(output, folded).unfold(folded.buffer.pointer, to: output.buffer.pointer, pool: pool)
    }
    leakyReLUForward(output.buffer.pointer, output.layout, slope: Scales.slope, pool: pool)
    return output
  }

  /// Step `t` backward, from the tape's gradient with respect to the output, which is used up.
  ///
  /// - Parameters:
  ///   - input: what the forward pass read.
  ///   - inputGradient: has the gradient with respect to the input added to it, folded where the input comes folded.
  ///   - gradients: have that of the bias added; that of the weights waits for
  ///     ``finishParameterGradients(_:input:into:pool:)``.
  func backward(
    _ tape: ResamplingTape, step t: Int, input: BlockedImage, inputGradient: BlockedImage?,
    into gradients: inout ParameterSet, pool: WorkerPool
  ) {
    guard let outputGradient = tape.outputGradient, let turnedWeights else {
      preconditionFailure("the forward pass recorded nothing, or the weights were packed without a backward pass")
    }
    let output = tape.output(t)
    leakyReLUBackward(
      output.buffer.pointer, output.layout, gradient: outputGradient.buffer.pointer, outputGradient.layout,
      slope: Scales.slope, pool: pool)
    if let entry = gradients.layout.entry(prefix + "bias") {
      gradients.values.withUnsafeMutableBufferPointer { values in
        guard let base = values.baseAddress else { return }
        accumulateChannelSums(
          [outputGradient.buffer.pointer], outputGradient.layout, .plain(channels: configuration.outputChannels),
          into: base + entry.offset, pool: pool)
      }
    }
    let source = source(tape, input, pool: pool)
    var gradient = outputGradient
    if configuration.direction == .up, let folded = tape.folded {
      folding(outputGradient, folded).fold(outputGradient.buffer.pointer, to: folded.buffer.pointer, pool: pool)
      gradient = folded
    }
    accumulateWeightGradients(
      [part(tape, source, gradient)], outputGradients: [gradient.buffer.pointer], sums: tape.weightSums, pool: pool)
    if let inputGradient {
      let read = ConvolutionInput(gradient.buffer.pointer, gradient.layout, turnedWeights)
      if configuration.direction == .down, let folded = tape.folded {
        convolve(
          [read], to: ConvolutionTarget(start: .bias(zeros.pointer), output: folded.buffer.pointer, folded.layout),
          pool: pool)
        folding(inputGradient, folded).addUnfolded(
          folded.buffer.pointer, to: inputGradient.buffer.pointer, pool: pool)
      } else {
        convolve(
          [read],
          to: ConvolutionTarget(start: .output, output: inputGradient.buffer.pointer, inputGradient.layout), pool: pool)
      }
    }
    pool.clear(outputGradient.buffer)
  }

  /// Adds the weights' gradients of all steps since the last time.
  ///
  /// - Parameter input: what a step's forward pass read, for its size.
  func finishParameterGradients(
    _ tape: ResamplingTape, input: BlockedImage, into gradients: inout ParameterSet, pool: WorkerPool
  ) {
    guard let sums = tape.weightSums, let folded = tape.weightGradient, let outputGradient = tape.outputGradient,
      let entry = gradients.layout.entry(prefix + "weight")
    else { preconditionFailure("the forward pass recorded nothing") }
    let isDown = configuration.direction == .down
    addWeightGradientSums(
      [part(tape, isDown ? tape.folded ?? input : input, isDown ? outputGradient : tape.folded ?? outputGradient)],
      sums,
      pool: pool)
    gradients.values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      pool.run(tasks: configuration.weightShape[0]) { first in
        configuration.forEachWeight(first: first) { base[entry.offset + $0] += folded.pointer[$1] }
      }
    }
    pool.clear(folded)
  }

  private func part(_ tape: ResamplingTape, _ source: BlockedImage, _ gradient: BlockedImage) -> WeightGradientPart {
    guard let target = tape.weightGradient else { preconditionFailure("the forward pass recorded nothing") }
    return WeightGradientPart(
      [source.buffer.pointer],
      WeightGradientGeometry(
        inputLayout: source.layout, outputLayout: gradient.layout, input: configuration.input,
        output: configuration.output, kernelHeight: packedWeights.kernelHeight, kernelWidth: packedWeights.kernelWidth,
        algorithm: packedWeights.algorithm),
      into: target.pointer)
  }
}
