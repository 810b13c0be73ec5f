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
  /// - Precondition: both layouts are of one size, and the halo holds the kernel.
  public init(
    inputLayout: BlockedLayout, outputLayout: BlockedLayout, input: ChannelOrder, output: ChannelOrder,
    kernelHeight: Int, kernelWidth: Int, algorithm: ConvolutionAlgorithm
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
    self.algorithm = algorithm
    precondition(algorithm.handles(kernelHeight: kernelHeight, kernelWidth: kernelWidth), "not for this kernel")
  }
}

/// One convolution's weight gradient: what the convolution read, and where the gradient goes.
public struct WeightGradientPart {
  let inputs: [UnsafePointer<Float>]
  let geometry: WeightGradientGeometry
  private let gradient: UnsafeMutablePointer<Float>
  private let rowChannels: Int
  private let firstChannel: Int

  /// Describes one of the gradients.
  ///
  /// - Parameters:
  ///   - inputs: the convolution's input at each step.
  ///   - gradient: a plain tensor `[out, rowChannels, kh, kw]` to which the gradient is added.
  ///   - rowChannels: by default the input's channels.
  ///   - firstChannel: the first of them that is this input's.
  public init(
    _ inputs: [UnsafePointer<Float>], _ geometry: WeightGradientGeometry, into gradient: UnsafeMutablePointer<Float>,
    rowChannels: Int? = nil, firstChannel: Int = 0
  ) {
    self.inputs = inputs
    self.geometry = geometry
    self.gradient = gradient
    self.rowChannels = rowChannels ?? geometry.input.channels
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

/// Adds the gradients of the weights of one or more convolutions that were summed up, and so have the same output
/// gradients, over all steps, images and pixels.
///
/// A task owns some elements of the result and walks through all pixels in a fixed order. So the result is the same for
/// any number of threads.
///
/// - Parameters:
///   - outputGradients: the gradient with respect to the sum at each step.
///   - sums: where sums that are to be transformed back wait for those of more steps, until
///     ``addWeightGradientSums(_:_:pool:)``; `nil` transforms them at once.
public func accumulateWeightGradients(
  _ parts: [WeightGradientPart], outputGradients: [UnsafePointer<Float>], sums: WeightGradientSums? = nil,
  pool: WorkerPool
) {
  for part in parts {
    precondition(
      part.inputs.count == outputGradients.count && part.geometry.outputLayout == parts[0].geometry.outputLayout,
      "inputs and output gradients of different steps or sizes")
  }
  if let winograd = WinogradWeightGradient(parts, pool: pool) {
    if let sums {
      winograd.accumulate(outputGradients, sums.begin(count: winograd.sumsCount), pool: pool)
    } else {
      winograd.accumulate(outputGradients, pool: pool)
    }
  } else if parts.count > 1 {
    for (index, part) in parts.enumerated() {
      accumulateWeightGradients([part], outputGradients: outputGradients, sums: sums?.part(index), pool: pool)
    }
  } else if let part = parts.first {
    accumulateWeightGradientDirectly(part, outputGradients, pool: pool)
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
