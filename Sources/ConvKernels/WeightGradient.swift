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

  /// Describes a weight gradient.
  ///
  /// - Precondition: both layouts are of one size, and the halo holds the kernel.
  public init(
    inputLayout: BlockedLayout, outputLayout: BlockedLayout, input: ChannelOrder, output: ChannelOrder,
    kernelHeight: Int, kernelWidth: Int
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
  }
}

/// Adds to `gradient`, a plain tensor `[out, rowChannels, kh, kw]`, the gradient of a convolution's weights, summed over
/// all pairs (time steps), images and pixels.
///
/// A task owns some elements of the result and walks through all pixels in a fixed order: first sums over a few rows in
/// registers, then over those sums. So the result is the same for any number of threads, and rounding errors grow slowly.
public func accumulateWeightGradient(
  _ pairs: [WeightGradientPair], _ geometry: WeightGradientGeometry, into gradient: UnsafeMutablePointer<Float>,
  rowChannels: Int? = nil, firstChannel: Int = 0, pool: WorkerPool
) {
  let (input, output) = (geometry.input, geometry.output)
  let (kernelHeight, kernelWidth) = (geometry.kernelHeight, geometry.kernelWidth)
  let perRow = rowChannels ?? input.channels
  pool.run(tasks: output.blocks * input.blocks * kernelHeight) { task in
    let ky = task % kernelHeight
    let inputBlock = task / kernelHeight % input.blocks
    let outputBlock = task / kernelHeight / input.blocks
    let quads = (input.usedLanes(block: inputBlock) + 3) / 4
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: kernelWidth * BlockedLayout.lanes) { sums in
      sums.initialize(repeating: .zero)
      guard let sums = sums.baseAddress else { return }
      for pair in pairs {
        for sample in 0..<geometry.inputLayout.batch {
          addImage(
            pair, geometry, sample: sample, outputBlock: outputBlock, inputBlock: inputBlock, ky: ky, quads: quads, sums
          )
        }
      }
      for inputLane in 0..<BlockedLayout.lanes {
        guard let i = input.channel(block: inputBlock, lane: inputLane) else { continue }
        for outputLane in 0..<BlockedLayout.lanes {
          guard let o = output.channel(block: outputBlock, lane: outputLane) else { continue }
          let target = gradient + ((o * perRow + firstChannel + i) * kernelHeight + ky) * kernelWidth
          for kx in 0..<kernelWidth { target[kx] += sums[kx * BlockedLayout.lanes + inputLane][outputLane] }
        }
      }
    }
  }
}

/// Adds one image's part to `sums`, `[kx][16 input lanes][16 output lanes]`.
private func addImage(
  _ pair: WeightGradientPair, _ geometry: WeightGradientGeometry, sample: Int, outputBlock: Int, inputBlock: Int,
  ky: Int, quads: Int, _ sums: UnsafeMutablePointer<Lanes>
) {
  let (inputLayout, outputLayout) = (geometry.inputLayout, geometry.outputLayout)
  let (height, width) = (outputLayout.height, outputLayout.width)
  // About 256 pixels: 16 KB of either operand, which stay in the first cache for all taps and channels. A constant, not
  // the cache's size, since the order of sums depends on it.
  let rows = max(1, 256 / max(width, 1))
  var y = 0
  while y < height {
    let here = min(rows, height - y)
    let g = pair.outputGradient + outputLayout.offset(sample: sample, block: outputBlock, y: y, x: 0)
    for kx in 0..<geometry.kernelWidth {
      let x =
        pair.input
        + inputLayout.offset(
          sample: sample, block: inputBlock, y: y + ky - geometry.kernelHeight / 2, x: kx - geometry.kernelWidth / 2)
      for quad in 0..<quads {
        f32WeightGradient4x16(
          x + quad * 4, inputLayout.rowStride, g, outputLayout.rowStride, rows: here, width: width,
          sums + kx * BlockedLayout.lanes + quad * 4)
      }
    }
    y += here
  }
}

/// Adds to four vectors: for four input channels the sum over pixels of input × output gradient of sixteen channels.
private func f32WeightGradient4x16(
  _ input: UnsafePointer<Float>, _ inputStride: Int, _ gradient: UnsafePointer<Float>, _ gradientStride: Int, rows: Int,
  width: Int, _ sums: UnsafeMutablePointer<Lanes>
) {
  var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  for row in 0..<rows {
    var x = input + row * inputStride
    var g = UnsafeRawPointer(gradient + row * gradientStride).assumingMemoryBound(to: Lanes.self)
    for _ in 0..<width {
      let w = g[0]
      a0.addProduct(Lanes(repeating: x[0]), w)
      a1.addProduct(Lanes(repeating: x[1]), w)
      a2.addProduct(Lanes(repeating: x[2]), w)
      a3.addProduct(Lanes(repeating: x[3]), w)
      x += BlockedLayout.lanes
      g += 1
    }
  }
  sums[0] += a0
  sums[1] += a1
  sums[2] += a2
  sums[3] += a3
}

/// Adds to `sums`, `[channels]`, each channel's sum over all images and pixels of all batches: the gradient of a bias.
public func accumulateChannelSums(
  _ batches: [UnsafePointer<Float>], _ layout: BlockedLayout, _ order: ChannelOrder,
  into sums: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  precondition(layout.blocks == order.blocks, "a layout of another number of channels")
  pool.run(tasks: layout.blocks) { block in
    var total = SIMD16<Double>.zero
    for batch in batches {
      for sample in 0..<layout.batch {
        for y in 0..<layout.height {
          let row = UnsafeRawPointer(batch + layout.offset(sample: sample, block: block, y: y, x: 0))
            .assumingMemoryBound(to: Lanes.self)
          var sum = Lanes.zero
          for x in 0..<layout.width { sum += row[x] }
          total += SIMD16<Double>(sum)
        }
      }
    }
    for lane in 0..<BlockedLayout.lanes {
      if let channel = order.channel(block: block, lane: lane) { sums[channel] += Float(total[lane]) }
    }
  }
}
