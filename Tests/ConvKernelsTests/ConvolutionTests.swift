import ConvKernels
import ConvolutionCases
import Tensor
import Testing

/// One of the cases by one algorithm and with one instruction set.
struct ConvolutionWay: CustomStringConvertible {
  let sizes: ConvolutionCase
  let algorithm: ConvolutionAlgorithm
  let instructionSet: InstructionSet

  static func all(of sizes: ConvolutionCase) -> [ConvolutionWay] {
    sizes.algorithms.flatMap { algorithm in
      InstructionSet.allCases.filter(\.isSupported).map {
        ConvolutionWay(sizes: sizes, algorithm: algorithm, instructionSet: $0)
      }
    }
  }

  var description: String { "\(algorithm), \(instructionSet)" }

  func run(threads: Int = 2) -> ConvolutionRun {
    ConvolutionRun(
      sizes, algorithm: algorithm, pool: WorkerPool(threadCount: threads, instructionSet: instructionSet))
  }

  /// The largest error that is accepted, relative to the largest output.
  var bound: Double {
    switch (algorithm, sizes.kernelHeight) {
    // One sum in order, whose rounding errors grow with its length.
    case (.direct, _):
      max(sizes.input, sizes.output) * sizes.kernelHeight * sizes.kernelWidth > 1000 ? 4e-6 : 2e-6
    case (.winograd4, 3): 5e-6
    case (.winograd4, _), (.winograd6, _): 2e-5
    }
  }
}

/// What is computed of a convolution.
enum ConvolutionStep: CaseIterable {
  case forward, inputGradient, weightGradient

  func result(of run: ConvolutionRun) -> [Float] {
    switch self {
    case .forward:
      run.forward()
      return run.output
    case .inputGradient:
      run.addInputGradient()
      return run.inputGradient
    case .weightGradient:
      run.addWeightGradient()
      return run.weightGradient
    }
  }

  func expected(of run: ConvolutionRun) -> [Double] {
    let reference = run.sizes.reference
    switch self {
    case .forward: return reference.forward(run.x, weights: run.weights, bias: run.bias)
    case .inputGradient: return reference.dataGradient(run.outputGradient, weights: run.weights)
    case .weightGradient: return reference.weightGradient(run.x, outputGradient: run.outputGradient)
    }
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
  @Test(arguments: ConvolutionCase.all, ConvolutionStep.allCases)
  func everyWayAgreesWithTheReference(_ sizes: ConvolutionCase, _ step: ConvolutionStep) {
    var expected: [Double] = []
    for way in ConvolutionWay.all(of: sizes) {
      let run = way.run()
      let result = step.result(of: run)
      // The operands of all ways are the same.
      if expected.isEmpty { expected = step.expected(of: run) }
      #expect(largestError(result, expected) < way.bound, "\(way)")
      #expect(run.marginsAreZero, "\(way)")
    }
  }

  @Test(arguments: [3, 5]) func theNumberOfThreadsChangesNoBit(kernel: Int) {
    // Four blocks and a bit of output, and more tiles than a task takes.
    for way in ConvolutionWay.all(of: ConvolutionCase(20, 70, 30, 37, kernel, batch: 3)) {
      let results = [1, 2, 3, 5].map { threads in
        ConvolutionStep.allCases.map { $0.result(of: way.run(threads: threads)) }
      }
      #expect(results.allSatisfy { $0 == results[0] }, "\(way)")
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
