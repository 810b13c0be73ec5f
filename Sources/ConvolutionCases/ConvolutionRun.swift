import ConvKernels
import Tensor

/// Random operands of a case in blocks of channels, the memory for its results, and the convolution and its gradients by
/// one algorithm.
public struct ConvolutionRun {
  /// The case.
  public let sizes: ConvolutionCase
  /// How it is computed.
  public let algorithm: ConvolutionAlgorithm
  /// Images, `[b, in, h, w]`, from -1 to 1.
  public let x: [Float]
  /// `[out, in, kh, kw]`, from -1 to 1.
  public let weights: [Float]
  /// `[out]`, from -1 to 1.
  public let bias: [Float]
  /// The gradient with respect to the output, `[b, out, h, w]`, from -1 to 1.
  public let outputGradient: [Float]

  private let pool: WorkerPool
  private let (inOrder, outOrder): (ChannelOrder, ChannelOrder)
  private let (inLayout, outLayout): (BlockedLayout, BlockedLayout)
  private let (xBlocks, gradientBlocks, outputBlocks): (AlignedBuffer, AlignedBuffer, AlignedBuffer)
  private let (inputGradientBlocks, biasBlocks): (AlignedBuffer, AlignedBuffer)
  private let weightGradientBuffer: AlignedBuffer
  private let (forwardWeights, turnedWeights): (PackedWeights, PackedWeights)
  private let geometry: WeightGradientGeometry

  /// Draws the operands and packs the weights.
  ///
  /// - Parameter algorithm: by default the one that is chosen for the case.
  public init(_ sizes: ConvolutionCase, algorithm: ConvolutionAlgorithm? = nil, pool: WorkerPool) {
    (self.sizes, self.algorithm, self.pool) = (sizes, algorithm ?? sizes.chosenAlgorithm, pool)
    var random = RandomSource(seed: 7)
    func draw(_ shape: [Int]) -> [Float] {
      Tensor.uniform(shape: shape, low: -1, high: 1, using: &random).elements
    }
    let (batch, height, width) = (sizes.batch, sizes.height, sizes.width)
    x = draw([batch, sizes.input, height, width])
    weights = draw([sizes.output, sizes.input, sizes.kernelHeight, sizes.kernelWidth])
    bias = draw([sizes.output])
    outputGradient = draw([batch, sizes.output, height, width])

    (inOrder, outOrder) = (.plain(channels: sizes.input), .plain(channels: sizes.output))
    let halo = max(sizes.kernelHeight, sizes.kernelWidth) / 2
    inLayout = BlockedLayout(batch: batch, blocks: inOrder.blocks, height: height, width: width, halo: halo)
    outLayout = inLayout.with(blocks: outOrder.blocks, halo: halo)
    (xBlocks, inputGradientBlocks) = (AlignedBuffer(count: inLayout.count), AlignedBuffer(count: inLayout.count))
    (gradientBlocks, outputBlocks) = (AlignedBuffer(count: outLayout.count), AlignedBuffer(count: outLayout.count))
    biasBlocks = AlignedBuffer(count: outOrder.blocks * BlockedLayout.lanes)
    weightGradientBuffer = AlignedBuffer(count: weights.count)
    packChannels(bias, outOrder, biasBlocks.pointer)
    func images(_ order: ChannelOrder) -> PlainImages {
      PlainImages(channels: order.channels, height: height, width: width)
    }
    images(inOrder).copy(x, toBlocks: xBlocks.pointer, inLayout, pool: pool)
    images(outOrder).copy(outputGradient, toBlocks: gradientBlocks.pointer, outLayout, pool: pool)

    forwardWeights = PackedWeights(
      input: inOrder, output: outOrder, kernelHeight: sizes.kernelHeight, kernelWidth: sizes.kernelWidth,
      algorithm: self.algorithm)
    turnedWeights = PackedWeights(
      input: outOrder, output: inOrder, kernelHeight: sizes.kernelHeight, kernelWidth: sizes.kernelWidth,
      algorithm: self.algorithm)
    geometry = WeightGradientGeometry(
      inputLayout: inLayout, outputLayout: outLayout, input: inOrder, output: outOrder,
      kernelHeight: sizes.kernelHeight, kernelWidth: sizes.kernelWidth, algorithm: self.algorithm)
    pack()
  }

  /// Packs the weights for the convolution and for the gradient with respect to its input.
  public func pack() {
    forwardWeights.pack(.forward, from: weights, pool: pool)
    turnedWeights.pack(.dataGradient, from: weights, pool: pool)
  }

  /// The convolution; replaces `output`.
  public func forward() {
    convolve(
      [ConvolutionInput(xBlocks.pointer, inLayout, forwardWeights)],
      to: ConvolutionTarget(start: .bias(biasBlocks.pointer), output: outputBlocks.pointer, outLayout), pool: pool)
  }

  /// Adds the gradient with respect to the images to `inputGradient`.
  public func addInputGradient() {
    convolve(
      [ConvolutionInput(gradientBlocks.pointer, outLayout, turnedWeights)],
      to: ConvolutionTarget(start: .output, output: inputGradientBlocks.pointer, inLayout), pool: pool)
  }

  /// Adds the gradient with respect to the weights to `weightGradient`.
  public func addWeightGradient() {
    accumulateWeightGradients(
      [WeightGradientPart([xBlocks.pointer], geometry, into: weightGradientBuffer.pointer)],
      outputGradients: [gradientBlocks.pointer], pool: pool)
  }

  /// What `forward` gave, `[b, out, h, w]`.
  public var output: [Float] { plain(outputBlocks, outLayout, outOrder) }
  /// What `addInputGradient` gave, `[b, in, h, w]`.
  public var inputGradient: [Float] { plain(inputGradientBlocks, inLayout, inOrder) }
  /// What `addWeightGradient` gave, `[out, in, kh, kw]`.
  public var weightGradient: [Float] { (0..<weights.count).map { weightGradientBuffer.pointer[$0] } }

  /// Whether the margins of the output and of the gradient with respect to the images are still zero. A kernel that
  /// wrote there would spoil the padding of the next convolution.
  public var marginsAreZero: Bool {
    isZeroOutside(outputBlocks, outLayout) && isZeroOutside(inputGradientBlocks, inLayout)
  }

  private func plain(_ buffer: AlignedBuffer, _ layout: BlockedLayout, _ order: ChannelOrder) -> [Float] {
    var result = [Float](repeating: .nan, count: sizes.batch * order.channels * sizes.height * sizes.width)
    PlainImages(channels: order.channels, height: sizes.height, width: sizes.width)
      .copy(fromBlocks: buffer.pointer, layout, to: &result, pool: pool)
    return result
  }

  private func isZeroOutside(_ buffer: AlignedBuffer, _ layout: BlockedLayout) -> Bool {
    var inside = [Bool](repeating: false, count: buffer.count)
    for sample in 0..<layout.batch {
      for block in 0..<layout.blocks {
        for y in 0..<layout.height {
          let row = layout.offset(sample: sample, block: block, y: y, x: 0)
          for position in row..<row + layout.width * BlockedLayout.lanes { inside[position] = true }
        }
      }
    }
    return (0..<buffer.count).allSatisfy { inside[$0] || buffer.pointer[$0] == 0 }
  }
}
