import ConvKernels
import Tensor

/// Prints what the convolution reaches beside what the processor can do at most, measured in turn in one run.
///
///     KernelBenchmark [input channels] [output channels] [kernel] [size] [threads]
@main
struct KernelBenchmark {
  static func main() {
    let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    func argument(_ index: Int, _ standard: Int) -> Int { index < numbers.count ? max(1, numbers[index]) : standard }
    let (input, output, kernel) = (argument(0, 64), argument(1, 256), argument(2, 3) | 1)
    let (size, threads) = (argument(3, 96), argument(4, 1))
    let pool = WorkerPool(threadCount: threads)
    var random = RandomSource(seed: 1)
    let (inOrder, outOrder) = (ChannelOrder.plain(channels: input), ChannelOrder.plain(channels: output))
    let inLayout = BlockedLayout(batch: 1, blocks: inOrder.blocks, height: size, width: size, halo: kernel / 2)
    let outLayout = inLayout.with(blocks: outOrder.blocks, halo: kernel / 2)
    let (x, y) = (AlignedBuffer(count: inLayout.count), AlignedBuffer(count: outLayout.count))
    let bias = AlignedBuffer(count: outOrder.blocks * BlockedLayout.lanes)
    let weights = Tensor.uniform(shape: [output, input, kernel, kernel], low: -0.1, high: 0.1, using: &random)
    let image = Tensor.uniform(shape: [1, input, size, size], low: 0, high: 1, using: &random)
    let gradient = Tensor.uniform(shape: [1, output, size, size], low: 0, high: 1, using: &random)
    let forward = PackedWeights(input: inOrder, output: outOrder, kernelHeight: kernel, kernelWidth: kernel)
    let turned = PackedWeights(input: outOrder, output: inOrder, kernelHeight: kernel, kernelWidth: kernel)
    weights.withUnsafeBufferPointer { buffer in
      forward.pack(.forward, from: buffer.baseAddress.unsafelyUnwrapped)
      turned.pack(.dataGradient, from: buffer.baseAddress.unsafelyUnwrapped)
    }
    image.withUnsafeBufferPointer {
      PlainImages(channels: input, height: size, width: size)
        .copy($0.baseAddress.unsafelyUnwrapped, toBlocks: x.pointer, inLayout)
    }
    gradient.withUnsafeBufferPointer {
      PlainImages(channels: output, height: size, width: size)
        .copy($0.baseAddress.unsafelyUnwrapped, toBlocks: y.pointer, outLayout)
    }
    let result = AlignedBuffer(count: outLayout.count)
    let dx = AlignedBuffer(count: inLayout.count)
    let dw = AlignedBuffer(count: weights.count)
    let geometry = WeightGradientGeometry(
      inputLayout: inLayout, outputLayout: outLayout, input: inOrder, output: outOrder, kernelHeight: kernel,
      kernelWidth: kernel)
    let flops = 2.0 * Double(input * output * kernel * kernel * size * size)

    // Rounds in turn, so that a change of the machine's speed meets all alike; the median of each counts.
    var rates: [String: [Double]] = [:]
    var sink: Float = 0.5
    let clock = ContinuousClock()
    func measure(_ name: String, _ operations: Double, _ body: () -> Void) {
      let time = clock.measure(body)
      let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
      rates[name, default: []].append(operations / seconds * 1e-9)
    }
    for _ in 0..<15 {
      let rounds = 2_000_000
      measure("FMA limit, one core", Double(rounds) * 192) { _ = fmaLimitOperations(rounds: rounds, &sink) }
      measure("forward", flops) {
        convolve(
          [ConvolutionInput(x.pointer, inLayout, forward)], start: .bias(bias.pointer), output: result.pointer,
          outLayout, pool: pool)
      }
      measure("data gradient", flops) {
        convolve(
          [ConvolutionInput(y.pointer, outLayout, turned)], start: .output, output: dx.pointer, inLayout, pool: pool)
      }
      measure("weight gradient", flops) {
        accumulateWeightGradient(
          [WeightGradientPair(input: x.pointer, outputGradient: y.pointer)], geometry, into: dw.pointer, pool: pool)
      }
    }
    func median(_ name: String) -> Double { rates[name, default: [0]].sorted()[rates[name, default: [0]].count / 2] }
    let limit = median("FMA limit, one core")
    print("\(input) -> \(output) channels, \(kernel)x\(kernel), \(size)x\(size) pixels, \(threads) thread(s), GFLOP/s")
    for name in ["FMA limit, one core", "forward", "data gradient", "weight gradient"] {
      let share = Int((median(name) / limit / Double(name.hasPrefix("FMA") ? 1 : threads) * 1000).rounded())
      print("\(name): \(Int(median(name).rounded()))  (\(share / 10).\(share % 10) % of the limit)")
    }
    if sink.isNaN { print("") }
  }
}
