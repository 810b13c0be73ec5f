/// The two batches whose correlation is a weight gradient: what the convolution read, and the gradient of what it wrote.
public struct WeightGradientPair {
  /// The start of the convolution's input.
  public let input: UnsafePointer<Float>
  /// The start of the gradient with respect to the convolution's output.
  public let outputGradient: UnsafePointer<Float>

  /// Couples the two.
  public init(input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>) {
    self.input = input
    self.outputGradient = outputGradient
  }
}

/// The sizes of a weight gradient.
public struct WeightGradientGeometry: Sendable {
  /// How each input lies in memory, its halo at least half the kernel.
  public let inputLayout: BlockedLayout
  /// How each output gradient lies in memory.
  public let outputLayout: BlockedLayout
  /// The order of the input's channels.
  public let input: ChannelOrder
  /// The order of the output's channels.
  public let output: ChannelOrder
  /// Rows of the kernel.
  public let kernelHeight: Int
  /// Columns of the kernel.
  public let kernelWidth: Int
  /// How it is computed.
  public let algorithm: ConvolutionAlgorithm

  /// Describes a weight gradient.
  ///
  /// - Parameter algorithm: by default the fastest one for these sizes.
  /// - Precondition: both layouts are of one size, and the halo holds the kernel.
  public init(
    inputLayout: BlockedLayout, outputLayout: BlockedLayout, input: ChannelOrder, output: ChannelOrder,
    kernelHeight: Int, kernelWidth: Int, algorithm: ConvolutionAlgorithm? = nil
  ) {
    precondition(
      inputLayout.batch == outputLayout.batch && inputLayout.height == outputLayout.height
        && inputLayout.width == outputLayout.width && inputLayout.blocks == input.blocks
        && outputLayout.blocks == output.blocks, "input and output of different sizes")
    precondition(inputLayout.halo >= max(kernelHeight, kernelWidth) / 2, "the halo is narrower than the kernel")
    self.inputLayout = inputLayout
    self.outputLayout = outputLayout
    self.input = input
    self.output = output
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
    self.algorithm =
      algorithm
      ?? .fastest(
        kernelHeight: kernelHeight, kernelWidth: kernelWidth, inputChannels: input.channels)
    precondition(self.algorithm.handles(kernelHeight: kernelHeight, kernelWidth: kernelWidth), "not for this kernel")
  }
}

/// Adds to `gradient`, a plain tensor `[out, rowChannels, kh, kw]`, the gradient of a convolution's weights, summed over
/// all pairs (time steps), images and pixels.
///
/// A task owns some elements of the result and walks through all pixels in a fixed order. So the result is the same for
/// any number of threads.
public func accumulateWeightGradient(
  _ pairs: [WeightGradientPair], _ geometry: WeightGradientGeometry, into gradient: UnsafeMutablePointer<Float>,
  rowChannels: Int? = nil, firstChannel: Int = 0, pool: WorkerPool
) {
  let target = WeightGradientTarget(
    gradient, geometry, rowChannels: rowChannels ?? geometry.input.channels, firstChannel: firstChannel)
  switch geometry.algorithm {
  case .direct: accumulateWeightGradientDirectly(pairs, geometry, into: target, pool: pool)
  case .winograd: WinogradWeightGradient(geometry, pool: pool).accumulate(pairs, into: target, pool: pool)
  }
}

/// Where a weight gradient goes.
struct WeightGradientTarget {
  private let gradient: UnsafeMutablePointer<Float>
  private let geometry: WeightGradientGeometry
  private let rowChannels: Int
  private let firstChannel: Int

  init(
    _ gradient: UnsafeMutablePointer<Float>, _ geometry: WeightGradientGeometry, rowChannels: Int, firstChannel: Int
  ) {
    self.gradient = gradient
    self.geometry = geometry
    self.rowChannels = rowChannels
    self.firstChannel = firstChannel
  }

  /// Adds the sums of one pair of blocks, `[kx][16 input lanes][16 output lanes]` for each `ky` of `rows`.
  func add(_ sums: UnsafePointer<Float>, outputBlock: Int, inputBlock: Int, rows: Range<Int>) {
    let (height, width) = (geometry.kernelHeight, geometry.kernelWidth)
    for inputLane in 0..<BlockedLayout.lanes {
      guard let i = geometry.input.channel(block: inputBlock, lane: inputLane) else { continue }
      for outputLane in 0..<BlockedLayout.lanes {
        guard let o = geometry.output.channel(block: outputBlock, lane: outputLane) else { continue }
        let target = gradient + (o * rowChannels + firstChannel + i) * height * width + rows.lowerBound * width
        for tap in 0..<rows.count * width { target[tap] += sums[tap * 256 + inputLane * 16 + outputLane] }
      }
    }
  }
}

/// Adds to `sums`, `[channels]`, each channel's sum over all images and pixels of all batches: the gradient of a bias.
public func accumulateChannelSums(
  _ batches: [UnsafePointer<Float>], _ layout: BlockedLayout, _ order: ChannelOrder,
  into sums: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  precondition(layout.blocks == order.blocks, "a layout of another number of channels")
  pool.run(tasks: layout.blocks) { block in
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 64) { bytes in
      let total = bytes.bindMemory(to: Double.self)
      total.initialize(repeating: 0)
      for batch in batches {
        for sample in 0..<layout.batch {
          for y in 0..<layout.height {
            pool.kernels.channelSums(
              batch + layout.offset(sample: sample, block: block, y: y, x: 0), layout.width,
              total.baseAddress.unsafelyUnwrapped)
          }
        }
      }
      for lane in 0..<BlockedLayout.lanes {
        if let channel = order.channel(block: block, lane: lane) { sums[channel] += Float(total[lane]) }
      }
    }
  }
}
