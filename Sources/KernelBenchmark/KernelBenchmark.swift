import ConvKernels
import Tensor

/// Prints what the convolution reaches beside what the processor can do at most, measured in turn in one run.
///
///     KernelBenchmark [input channels] [output channels] [kernel] [size] [threads]
///
/// Rates of Winograd's algorithm are effective ones: operations are counted as the direct sum needs them.
@main
struct KernelBenchmark {
  static func main() {
    let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    func argument(_ index: Int, _ standard: Int) -> Int { index < numbers.count ? max(1, numbers[index]) : standard }
    let (input, output, kernel) = (argument(0, 64), argument(1, 256), argument(2, 3) | 1)
    let (size, threads) = (argument(3, 96), argument(4, 1))
    print("\(input) -> \(output) channels, \(kernel)x\(kernel), \(size)x\(size) pixels, \(threads) thread(s), GFLOP/s")
    for set in InstructionSet.allCases where set.isSupported {
      let pool = WorkerPool(threadCount: threads, instructionSet: set)
      let operands = ConvolutionAlgorithm.allCases
        .filter { $0.handles(kernelHeight: kernel, kernelWidth: kernel) }
        .map { Operands(input: input, output: output, kernel: kernel, size: size, algorithm: $0, pool: pool) }
      var rates = Rates()
      for _ in 0..<15 {
        let rounds = 2_000_000
        rates.measure("FMA limit, one core") { sink in fmaLimitOperations(rounds: rounds, &sink, pool: pool) }
        for operands in operands { operands.measure(&rates) }
      }
      rates.report(set, threads: threads)
    }
  }
}

/// A convolution, its gradients, and the memory for both.
struct Operands {
  let algorithm: ConvolutionAlgorithm
  let pool: WorkerPool
  private let inLayout: BlockedLayout
  private let outLayout: BlockedLayout
  private let x: AlignedBuffer
  private let y: AlignedBuffer
  private let result: AlignedBuffer
  private let dx: AlignedBuffer
  private let dw: AlignedBuffer
  private let bias: AlignedBuffer
  private let weights: Tensor
  private let forward: PackedWeights
  private let turned: PackedWeights
  private let geometry: WeightGradientGeometry
  /// Operations of the direct sum.
  private let operations: Int

  init(input: Int, output: Int, kernel: Int, size: Int, algorithm: ConvolutionAlgorithm, pool: WorkerPool) {
    (self.algorithm, self.pool) = (algorithm, pool)
    var random = RandomSource(seed: 1)
    let (inOrder, outOrder) = (ChannelOrder.plain(channels: input), ChannelOrder.plain(channels: output))
    inLayout = BlockedLayout(batch: 1, blocks: inOrder.blocks, height: size, width: size, halo: kernel / 2)
    outLayout = inLayout.with(blocks: outOrder.blocks, halo: kernel / 2)
    (x, y) = (AlignedBuffer(count: inLayout.count), AlignedBuffer(count: outLayout.count))
    (result, dx) = (AlignedBuffer(count: outLayout.count), AlignedBuffer(count: inLayout.count))
    bias = AlignedBuffer(count: outOrder.blocks * BlockedLayout.lanes)
    weights = Tensor.uniform(shape: [output, input, kernel, kernel], low: -0.1, high: 0.1, using: &random)
    dw = AlignedBuffer(count: weights.count)
    let image = Tensor.uniform(shape: [1, input, size, size], low: 0, high: 1, using: &random)
    let gradient = Tensor.uniform(shape: [1, output, size, size], low: 0, high: 1, using: &random)
    forward = PackedWeights(
      input: inOrder, output: outOrder, kernelHeight: kernel, kernelWidth: kernel, algorithm: algorithm)
    turned = PackedWeights(
      input: outOrder, output: inOrder, kernelHeight: kernel, kernelWidth: kernel, algorithm: algorithm)
    geometry = WeightGradientGeometry(
      inputLayout: inLayout, outputLayout: outLayout, input: inOrder, output: outOrder, kernelHeight: kernel,
      kernelWidth: kernel, algorithm: algorithm)
    operations = 2 * input * output * kernel * kernel * size * size
    image.withUnsafeBufferPointer {
      PlainImages(channels: input, height: size, width: size)
        .copy($0.baseAddress.unsafelyUnwrapped, toBlocks: x.pointer, inLayout, pool: pool)
    }
    gradient.withUnsafeBufferPointer {
      PlainImages(channels: output, height: size, width: size)
        .copy($0.baseAddress.unsafelyUnwrapped, toBlocks: y.pointer, outLayout, pool: pool)
    }
    pack()
  }

  private func pack() {
    weights.withUnsafeBufferPointer { buffer in
      forward.pack(.forward, from: buffer.baseAddress.unsafelyUnwrapped, pool: pool)
      turned.pack(.dataGradient, from: buffer.baseAddress.unsafelyUnwrapped, pool: pool)
    }
  }

  func measure(_ rates: inout Rates) {
    rates.measure("\(algorithm), forward") { _ in
      convolve(
        [ConvolutionInput(x.pointer, inLayout, forward)],
        to: ConvolutionTarget(start: .bias(bias.pointer), output: result.pointer, outLayout), pool: pool)
      return operations
    }
    rates.measure("\(algorithm), data gradient") { _ in
      convolve(
        [ConvolutionInput(y.pointer, outLayout, turned)],
        to: ConvolutionTarget(start: .output, output: dx.pointer, inLayout), pool: pool)
      return operations
    }
    rates.measure("\(algorithm), weight gradient") { _ in
      accumulateWeightGradients(
        [WeightGradientPart([x.pointer], geometry, into: dw.pointer)], outputGradients: [y.pointer], pool: pool)
      return operations
    }
    rates.measure("\(algorithm), packing both (weights per ns)") { _ in
      pack()
      return 2 * weights.count
    }
  }
}

/// Rates measured in rounds, in turn, so that a change of the machine's speed meets all alike; the median counts.
struct Rates {
  private var names: [String] = []
  private var values: [String: [Double]] = [:]
  private var sink: Float = 0.5

  /// Takes the time of `body`, which returns the operations it has done.
  mutating func measure(_ name: String, _ body: (inout Float) -> Int) {
    var operations = 0
    let time = ContinuousClock().measure { operations = body(&sink) }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    if values[name] == nil { names.append(name) }
    values[name, default: []].append(Double(operations) / seconds * 1e-9)
  }

  func report(_ set: InstructionSet, threads: Int) {
    func median(_ name: String) -> Double { values[name, default: [0]].sorted()[values[name, default: [0]].count / 2] }
    let limit = median(names[0])
    print("\(set):")
    for name in names {
      let rate = median(name)
      guard !name.contains("packing") else {
        print("  \(name): \(Double(Int(rate * 100)) / 100)")
        continue
      }
      let share = Int((rate / limit / Double(name.hasPrefix("FMA") ? 1 : threads) * 1000).rounded())
      print("  \(name): \(Int(rate.rounded()))  (\(share / 10).\(share % 10) % of the limit)")
    }
  }
}
