import KernelInterface

/// The weights of a convolution in the order in which a kernel reads them.
///
/// Direct: `[output block][input block][ky][kx][input lane][16 output lanes]`, one stream per output block. Winograd:
/// transformed, `[point][output block][input block][input lane][16 output lanes]`. Lanes without a channel hold zeros.
/// Packing costs one pass over the weights and is done once per update of the weights, while no convolution reads them
/// (hence `@unchecked Sendable`).
public final class PackedWeights: @unchecked Sendable {
  /// The order of the channels that the convolution reads.
  public let input: ChannelOrder
  /// The order of the channels that it writes.
  public let output: ChannelOrder
  /// Rows of the kernel, odd.
  public let kernelHeight: Int
  /// Columns of the kernel, odd.
  public let kernelWidth: Int
  /// How convolutions with these weights are computed.
  public let algorithm: ConvolutionAlgorithm
  let buffer: AlignedBuffer
  /// Lanes that are used in each input block.
  let usedLanesPointer: UnsafeMutablePointer<Int>
  /// Vectors that one pair of channels becomes: taps, or points of the transform.
  let elements: Int

  /// Makes room for the weights of a convolution; ``pack(_:from:rowChannels:firstChannel:pool:)`` fills it.
  ///
  /// - Precondition: the kernel's sides are odd and positive.
  public init(
    input: ChannelOrder, output: ChannelOrder, kernelHeight: Int, kernelWidth: Int,
    algorithm: ConvolutionAlgorithm
  ) {
    precondition(kernelHeight > 0 && kernelHeight % 2 == 1 && kernelWidth > 0 && kernelWidth % 2 == 1)
    self.input = input
    self.output = output
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    precondition(algorithm.handles(kernelHeight: kernelHeight, kernelWidth: kernelWidth), "not for this kernel")
    self.algorithm = algorithm
    elements = algorithm.elements(kernelHeight: kernelHeight, kernelWidth: kernelWidth)
    usedLanesPointer = .allocate(capacity: max(input.blocks, 1))
    for block in 0..<input.blocks { usedLanesPointer[block] = input.usedLanes(block: block) }
    buffer = AlignedBuffer(count: output.blocks * input.blocks * elements * 256)
  }

  deinit { usedLanesPointer.deallocate() }

  /// Floats that the packed weights of a convolution take.
  ///
  /// A double, since sizes without sense may need more than an integer can count.
  public static func floats(
    input: ChannelOrder, output: ChannelOrder, kernelHeight: Int, kernelWidth: Int,
    algorithm: ConvolutionAlgorithm
  ) -> Double {
    let elements = algorithm.elements(kernelHeight: kernelHeight, kernelWidth: kernelWidth)
    return Double(output.blocks) * Double(input.blocks) * Double(elements) * 256
  }

  /// Floats from an output block to the next one.
  var outputStride: Int { input.blocks * (algorithm == .direct ? elements : 1) * 256 }
  /// Floats from a point of the transform to the next one.
  var pointStride: Int { output.blocks * input.blocks * 256 }

  /// How a plain weight tensor `[out, in, kh, kw]` is read while packing.
  public enum Direction: Sendable {
    /// For the convolution itself.
    case forward
    /// For the gradient with respect to the input: the convolution's channels exchanged and its kernel turned by 180°.
    ///
    /// `input` and `output` of the packed weights are then the orders of the *gradient's* convolution: it reads the
    /// original's output channels and writes the original's input channels.
    case dataGradient
  }

  /// Copies `weights`, a row-major tensor `[channels of the convolution's output, rowChannels, kh, kw]`, into place.
  ///
  /// `rowChannels` and `firstChannel` select a slice of the tensor's second dimension: a head over several inputs has
  /// one tensor, and each input takes its part.
  public func pack(
    _ direction: Direction, from weights: UnsafePointer<Float>, rowChannels: Int? = nil, firstChannel: Int = 0,
    pool: WorkerPool
  ) {
    let taps = kernelHeight * kernelWidth
    let perRow = rowChannels ?? (direction == .forward ? input.channels : output.channels)
    // Floats from an input or an output channel to the next one, from a tap to the next one, and to the first tap.
    let (inputStep, outputStep) = direction == .forward ? (taps, perRow * taps) : (perRow * taps, taps)
    let (tapStep, first) = direction == .forward ? (1, firstChannel * taps) : (-1, firstChannel * taps + taps - 1)
    let transform = pool.kernels.winograd(algorithm, kernel: kernelHeight)?.weights
    pool.run(tasks: output.blocks * input.blocks) { task in
      let (outputBlock, inputBlock) = task.quotientAndRemainder(dividingBy: input.blocks)
      pool.withScratch(taps * 16 + WinogradKernels.scratchCount) { scratch in
        // The taps of one input channel, sixteen output channels side by side; those of unused lanes stay zero.
        let gathered = scratch + WinogradKernels.scratchCount
        gathered.update(repeating: 0, count: taps * 16)
        for inputLane in 0..<usedLanesPointer[inputBlock] {
          guard let i = input.channel(block: inputBlock, lane: inputLane) else { continue }
          for outputLane in 0..<BlockedLayout.lanes {
            guard let o = output.channel(block: outputBlock, lane: outputLane) else { continue }
            let source = weights + (first + i * inputStep + o * outputStep)
            for tap in 0..<taps { gathered[tap * 16 + outputLane] = source[tap * tapStep] }
          }
          let target = buffer.pointer + outputBlock * outputStride + inputLane * 16
          if let transform {
            transform(gathered, 16, target + inputBlock * 256, pointStride, scratch)
          } else {
            for tap in 0..<taps {
              (target + (inputBlock * taps + tap) * 256).update(from: gathered + tap * 16, count: 16)
            }
          }
        }
      }
    }
  }
}
