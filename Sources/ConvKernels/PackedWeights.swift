/// The weights of a convolution in the order in which the direct kernel reads them.
///
/// `[output block][input block][ky][kx][input lane][16 output lanes]`, one stream per output block. Lanes without a
/// channel hold zeros. Packing costs one pass over the weights and is done once per update of the weights, while no
/// convolution reads them (hence `@unchecked Sendable`).
public final class PackedWeights: @unchecked Sendable {
  /// The order of the channels that the convolution reads.
  public let input: ChannelOrder
  /// The order of the channels that it writes.
  public let output: ChannelOrder
  /// Rows of the kernel, odd.
  public let kernelHeight: Int
  /// Columns of the kernel, odd.
  public let kernelWidth: Int
  let buffer: AlignedBuffer
  /// Lanes that are used in each input block.
  let usedLanesPointer: UnsafeMutablePointer<Int>

  /// Makes room for the weights of a convolution; ``pack(_:from:)`` fills it.
  ///
  /// - Precondition: the kernel's sides are odd and positive.
  public init(input: ChannelOrder, output: ChannelOrder, kernelHeight: Int, kernelWidth: Int) {
    precondition(kernelHeight > 0 && kernelHeight % 2 == 1 && kernelWidth > 0 && kernelWidth % 2 == 1)
    self.input = input
    self.output = output
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    usedLanesPointer = .allocate(capacity: max(input.blocks, 1))
    for block in 0..<input.blocks { usedLanesPointer[block] = input.usedLanes(block: block) }
    buffer = AlignedBuffer(count: output.blocks * input.blocks * kernelHeight * kernelWidth * 256)
  }

  deinit { usedLanesPointer.deallocate() }

  /// Floats of one output block.
  var outputStride: Int { input.blocks * inputStride }
  /// Floats of one input block within an output block.
  var inputStride: Int { kernelHeight * kernelWidth * 256 }

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
    _ direction: Direction, from weights: UnsafePointer<Float>, rowChannels: Int? = nil, firstChannel: Int = 0
  ) {
    let taps = kernelHeight * kernelWidth
    let perRow = rowChannels ?? (direction == .forward ? input.channels : output.channels)
    var target = buffer.pointer
    for outputBlock in 0..<output.blocks {
      for inputBlock in 0..<input.blocks {
        for tap in 0..<taps {
          let sourceTap = direction == .forward ? tap : taps - 1 - tap
          for inputLane in 0..<BlockedLayout.lanes {
            for outputLane in 0..<BlockedLayout.lanes {
              if let i = input.channel(block: inputBlock, lane: inputLane),
                let o = output.channel(block: outputBlock, lane: outputLane)
              {
                let (row, column) = direction == .forward ? (o, i) : (i, o)
                target[outputLane] = weights[(row * perRow + firstChannel + column) * taps + sourceTap]
              }
            }
            target += BlockedLayout.lanes
          }
        }
      }
    }
  }
}
