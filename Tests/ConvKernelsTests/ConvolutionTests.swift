import ConvKernels
import Tensor
import Testing

/// The sizes of a convolution; one list drives the checks of the convolution and both gradients.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  var batch = 1
  var input: Int
  var output: Int
  var height: Int
  var width: Int
  var kernelHeight: Int
  var kernelWidth: Int

  init(
    _ input: Int, _ output: Int, _ height: Int, _ width: Int, _ kernel: Int, by kernelWidth: Int? = nil, batch: Int = 1
  ) {
    (self.input, self.output, self.height, self.width) = (input, output, height, width)
    (kernelHeight, self.kernelWidth, self.batch) = (kernel, kernelWidth ?? kernel, batch)
  }

  var testDescription: String {
    "[\(batch), \(input), \(height), \(width)] -> \(output) by \(kernelHeight)x\(kernelWidth)"
  }

  static let all: [ConvolutionCase] =
    // Every width up to two tiles, so that each way to cut a row into tiles is taken.
    (1...14).map { ConvolutionCase(3, 5, 4, $0, 3) }
    // Every kernel, on an image larger and on one smaller than itself.
    + [1, 3, 5, 7, 9].flatMap { [ConvolutionCase(4, 7, 11, 13, $0), ConvolutionCase(2, 3, 3, 2, $0)] }
    // Channel numbers around the lanes of a block.
    + [1, 15, 16, 17, 33, 64].map { ConvolutionCase($0, 16, 6, 9, 3) }
    + [1, 15, 16, 17, 33, 200].map { ConvolutionCase(18, $0, 5, 7, 3) }
    + [
      ConvolutionCase(6, 6, 8, 8, 3, by: 5), ConvolutionCase(6, 6, 8, 8, 7, by: 1),
      ConvolutionCase(5, 20, 9, 10, 5, batch: 3), ConvolutionCase(1, 1, 1, 1, 9), ConvolutionCase(8, 8, 40, 70, 3),
    ]
    // Winograd's tiles of 4×4 and 6×6: sizes around one, two and three of them in both directions.
    + [3, 5].flatMap { kernel in
      [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 18, 19].flatMap { size in
        [
          ConvolutionCase(9, 18, size, 6, kernel, batch: 2), ConvolutionCase(9, 18, 6, size, kernel, batch: 2),
        ]
      }
    }
    // Channels beyond one group of output blocks, and one chunk of input blocks.
    + [3, 5].flatMap { kernel in
      [(200, 150), (70, 3), (2, 145), (40, 64)].map { ConvolutionCase($0, $1, 9, 14, kernel) }
    }

  /// Every way to compute one of the cases.
  static let ways: [ConvolutionWay] = all.flatMap { c in
    ConvolutionAlgorithm.allCases
      .filter { $0.handles(kernelHeight: c.kernelHeight, kernelWidth: c.kernelWidth) }
      .flatMap { algorithm in
        InstructionSet.allCases.filter(\.isSupported).map {
          ConvolutionWay(sizes: c, algorithm: algorithm, instructionSet: $0)
        }
      }
  }
}

/// A case, and how it is computed.
struct ConvolutionWay: Sendable, CustomTestStringConvertible {
  let sizes: ConvolutionCase
  let algorithm: ConvolutionAlgorithm
  let instructionSet: InstructionSet

  var testDescription: String { "\(sizes.testDescription), \(algorithm), \(instructionSet)" }
  var run: ConvolutionRun { ConvolutionRun(sizes, algorithm: algorithm) }
  var pool: WorkerPool { WorkerPool(threadCount: 2, instructionSet: instructionSet) }

  /// The largest error that is accepted, relative to the largest output.
  var bound: Double {
    switch (algorithm, sizes.kernelHeight) {
    // One sum in order, whose rounding errors grow with its length.
    case (.direct, _): max(sizes.input, sizes.output) * sizes.kernelHeight * sizes.kernelWidth > 1000 ? 4e-6 : 2e-6
    case (.winograd4, 3): 5e-6
    case (.winograd4, _), (.winograd6, _): 2e-5
    }
  }
}

/// Random operands of a case, and what the kernels make of them, as plain tensors.
struct ConvolutionRun {
  let reference: ReferenceConvolution
  let x: [Float]
  let weights: [Float]
  let bias: [Float]
  let gradient: [Float]
  let algorithm: ConvolutionAlgorithm

  /// - Parameter algorithm: by default the fastest one.
  init(_ c: ConvolutionCase, algorithm: ConvolutionAlgorithm? = nil, seed: UInt64 = 7) {
    self.algorithm =
      algorithm
      ?? .fastest(
        kernelHeight: c.kernelHeight, kernelWidth: c.kernelWidth, inputChannels: c.input, height: c.height,
        width: c.width)
    reference = ReferenceConvolution(
      batch: c.batch, input: c.input, output: c.output, height: c.height, width: c.width,
      kernelHeight: c.kernelHeight, kernelWidth: c.kernelWidth)
    var random = RandomSource(seed: seed)
    func draw(_ shape: [Int]) -> [Float] {
      Tensor.uniform(shape: shape, low: -1, high: 1, using: &random).elements
    }
    x = draw([c.batch, c.input, c.height, c.width])
    weights = draw([c.output, c.input, c.kernelHeight, c.kernelWidth])
    bias = draw([c.output])
    gradient = draw([c.batch, c.output, c.height, c.width])
  }

  private var halo: Int { max(reference.kernelHeight, reference.kernelWidth) / 2 }
  private var inputOrder: ChannelOrder { .plain(channels: reference.input) }
  private var outputOrder: ChannelOrder { .plain(channels: reference.output) }

  private func layout(_ order: ChannelOrder) -> BlockedLayout {
    BlockedLayout(
      batch: reference.batch, blocks: order.blocks, height: reference.height, width: reference.width, halo: halo)
  }

  private func images(_ order: ChannelOrder) -> PlainImages {
    PlainImages(channels: order.channels, height: reference.height, width: reference.width)
  }

  private func blocks(_ plain: [Float], _ order: ChannelOrder) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: layout(order).count)
    images(order).copy(plain, toBlocks: buffer.pointer, layout(order), pool: .init(threadCount: 1))
    return buffer
  }

  private func plain(_ buffer: AlignedBuffer, _ order: ChannelOrder) -> [Float] {
    var result = [Float](
      repeating: .nan, count: reference.batch * order.channels * reference.height * reference.width)
    images(order).copy(fromBlocks: buffer.pointer, layout(order), to: &result, pool: .init(threadCount: 1))
    return result
  }

  func forward(pool: WorkerPool) -> [Float] {
    let packed = PackedWeights(
      input: inputOrder, output: outputOrder, kernelHeight: reference.kernelHeight, kernelWidth: reference.kernelWidth,
      algorithm: algorithm)
    packed.pack(.forward, from: weights, pool: pool)
    let start = AlignedBuffer(count: outputOrder.blocks * BlockedLayout.lanes)
    packChannels(bias, outputOrder, start.pointer)
    let input = blocks(x, inputOrder)
    let output = AlignedBuffer(count: layout(outputOrder).count)
    convolve(
      [ConvolutionInput(input.pointer, layout(inputOrder), packed)],
      to: ConvolutionTarget(start: .bias(start.pointer), output: output.pointer, layout(outputOrder)), pool: pool)
    expectZeroHalo(output, layout(outputOrder))
    return plain(output, outputOrder)
  }

  func dataGradient(pool: WorkerPool) -> [Float] {
    let packed = PackedWeights(
      input: outputOrder, output: inputOrder, kernelHeight: reference.kernelHeight, kernelWidth: reference.kernelWidth,
      algorithm: algorithm)
    packed.pack(.dataGradient, from: weights, pool: pool)
    let input = blocks(gradient, outputOrder)
    let output = AlignedBuffer(count: layout(inputOrder).count)
    convolve(
      [ConvolutionInput(input.pointer, layout(outputOrder), packed)],
      to: ConvolutionTarget(start: .output, output: output.pointer, layout(inputOrder)), pool: pool)
    return plain(output, inputOrder)
  }

  func weightGradient(pool: WorkerPool) -> [Float] {
    let (input, output) = (blocks(x, inputOrder), blocks(gradient, outputOrder))
    var result = [Float](repeating: 0, count: weights.count)
    let geometry = WeightGradientGeometry(
      inputLayout: layout(inputOrder), outputLayout: layout(outputOrder), input: inputOrder, output: outputOrder,
      kernelHeight: reference.kernelHeight, kernelWidth: reference.kernelWidth, algorithm: algorithm)
    result.withUnsafeMutableBufferPointer { buffer in
      accumulateWeightGradients(
        [WeightGradientPart([input.pointer], geometry, into: buffer.baseAddress.unsafelyUnwrapped)],
        outputGradients: [output.pointer], pool: pool)
    }
    return result
  }

  /// A kernel that wrote into the halo would spoil the zero padding of the next convolution.
  private func expectZeroHalo(_ buffer: AlignedBuffer, _ layout: BlockedLayout) {
    var inside = Set<Int>()
    for sample in 0..<layout.batch {
      for block in 0..<layout.blocks {
        for y in 0..<layout.height {
          let row = layout.offset(sample: sample, block: block, y: y, x: 0)
          inside.formUnion(row..<row + layout.width * BlockedLayout.lanes)
        }
      }
    }
    #expect((0..<buffer.count).allSatisfy { inside.contains($0) || buffer.pointer[$0] == 0 })
  }
}

/// The largest difference, relative to the largest reference value.
func largestError(_ values: [Float], _ reference: [Double]) -> Double {
  guard values.count == reference.count else { return .infinity }
  let scale = reference.reduce(1e-30) { max($0, abs($1)) }
  return zip(values, reference).reduce(0) { worst, pair in
    let error = abs(Double(pair.0) - pair.1) / scale
    return error <= worst ? worst : error  // a NaN wins
  }
}

@Suite struct ConvolutionTests {
  @Test(arguments: ConvolutionCase.ways) func forward(_ way: ConvolutionWay) {
    let run = way.run
    let error = largestError(
      run.forward(pool: way.pool), run.reference.forward(run.x, weights: run.weights, bias: run.bias))
    #expect(error < way.bound)
  }

  @Test(arguments: ConvolutionCase.ways) func dataGradient(_ way: ConvolutionWay) {
    let run = way.run
    let error = largestError(
      run.dataGradient(pool: way.pool), run.reference.dataGradient(run.gradient, weights: run.weights))
    #expect(error < way.bound)
  }

  @Test(arguments: ConvolutionCase.ways) func weightGradient(_ way: ConvolutionWay) {
    let run = way.run
    let error = largestError(
      run.weightGradient(pool: way.pool), run.reference.weightGradient(run.x, outputGradient: run.gradient))
    #expect(error < way.bound)
  }

  @Test(arguments: ConvolutionAlgorithm.allCases, [3, 5]) func theNumberOfThreadsChangesNoBit(
    algorithm: ConvolutionAlgorithm, kernel: Int
  ) {
    guard algorithm.handles(kernelHeight: kernel, kernelWidth: kernel) else { return }
    // Four blocks and a bit of output, and more tiles than a task takes.
    let run = ConvolutionRun(ConvolutionCase(20, 70, 30, 37, kernel, batch: 3), algorithm: algorithm)
    for set in InstructionSet.allCases where set.isSupported {
      let alone = WorkerPool(threadCount: 1, instructionSet: set)
      let expected = (run.forward(pool: alone), run.dataGradient(pool: alone), run.weightGradient(pool: alone))
      for threads in [2, 3, 5] {
        let pool = WorkerPool(threadCount: threads, instructionSet: set)
        #expect(run.forward(pool: pool) == expected.0)
        #expect(run.dataGradient(pool: pool) == expected.1)
        #expect(run.weightGradient(pool: pool) == expected.2)
      }
    }
  }

  /// Several convolutions of one image give bit by bit what each gives alone, whether they share its transform or not.
  @Test(arguments: [3, 5, 7]) func severalConvolutionsOfOneImage(kernel: Int) {
    var random = RandomSource(seed: 3)
    let order = ChannelOrder.plain(channels: 37)
    let layout = BlockedLayout(batch: 2, blocks: order.blocks, height: 13, width: 11, halo: kernel / 2)
    let plain = Tensor.uniform(shape: [2, 37, 13, 11], low: -1, high: 1, using: &random)
    let pool = WorkerPool(threadCount: 2)
    let image = AlignedBuffer(count: layout.count)
    PlainImages(channels: 37, height: 13, width: 11)
      .copy(plain.elements, toBlocks: image.pointer, layout, pool: pool)
    let outputs = [5, 70].map { ChannelOrder.plain(channels: $0) }
    let weights = outputs.map { output in
      let packed = PackedWeights(
        input: order, output: output, kernelHeight: kernel, kernelWidth: kernel,
        algorithm: .fastest(
          kernelHeight: kernel, kernelWidth: kernel, inputChannels: order.channels, height: 13, width: 11))
      let values = Tensor.uniform(
        shape: [output.channels, order.channels, kernel, kernel], low: -1, high: 1, using: &random)
      packed.pack(.forward, from: values.elements, pool: pool)
      return packed
    }
    func results(_ body: ([(input: ConvolutionInput, target: ConvolutionTarget)]) -> Void) -> [[Float]] {
      let buffers = outputs.map { AlignedBuffer(count: layout.with(blocks: $0.blocks, halo: 0).count) }
      body(
        zip(weights, buffers).map { weights, buffer in
          (
            ConvolutionInput(image.pointer, layout, weights),
            ConvolutionTarget(
              start: .output, output: buffer.pointer, layout.with(blocks: weights.output.blocks, halo: 0))
          )
        })
      return buffers.map { buffer in (0..<buffer.count).map { buffer.pointer[$0] } }
    }
    let together = results { convolve($0, pool: pool) }
    let alone = results { for (input, target) in $0 { convolve([input], to: target, pool: pool) } }
    #expect(together == alone)
    #expect(together.allSatisfy { $0.contains { $0 != 0 } })
  }

  /// PyTorch: `F.pixel_unshuffle`, with the patch's position before the channel.
  @Test func patchesAreFoldedRowMajor() {
    let images = PlainImages(channels: 2, height: 3, width: 4, patch: 2)
    let layout = BlockedLayout(batch: 1, blocks: 1, height: 2, width: 2, halo: 1)
    let plain = (0..<24).map(Float.init)
    let buffer = AlignedBuffer(count: layout.count)
    let pool = WorkerPool(threadCount: 2)
    images.copy(plain, toBlocks: buffer.pointer, layout, pool: pool)
    let pixel = buffer.pointer + layout.offset(sample: 0, block: 0, y: 0, x: 1)
    #expect((0..<8).map { pixel[$0] } == [2, 14, 3, 15, 6, 18, 7, 19])
    let corner = buffer.pointer + layout.offset(sample: 0, block: 0, y: 1, x: 1)
    #expect((0..<8).map { corner[$0] } == [10, 22, 11, 23, 0, 0, 0, 0])
    var back = [Float](repeating: .nan, count: 24)
    images.copy(fromBlocks: buffer.pointer, layout, to: &back, pool: pool)
    #expect(back == plain)
  }

  @Test func gatesOfOneHiddenChannelAreNeighbours() {
    let order = ChannelOrder.gates(hidden: 20)
    #expect(order.blocks == 8 && order.channels == 80)
    #expect(order.channel(block: 0, lane: 3) == 3 && order.channel(block: 3, lane: 3) == 63)
    #expect(order.channel(block: 6, lane: 1) == 57 && order.channel(block: 6, lane: 4) == nil)
  }
}
