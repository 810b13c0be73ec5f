import ConvKernels
import ConvolutionCases

/// Prints what the convolution reaches beside what the processor can do at most, measured in turn in one run.
///
///     KernelBenchmark [input channels] [output channels] [kernel] [size] [threads]
///     KernelBenchmark --cases [threads]
///
/// The first one measures a convolution and its gradients by every algorithm and with every instruction set. The second
/// one takes every case that the tests check, and says by which algorithm it is computed and which would be fastest.
/// Rates of Winograd's algorithm are effective ones: operations are counted as the direct sum needs them.
@main
struct KernelBenchmark {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    let numbers = arguments.compactMap { Int($0) }
    func argument(_ index: Int, _ standard: Int) -> Int { index < numbers.count ? max(1, numbers[index]) : standard }
    if arguments.contains("--cases") { return measureCases(threads: argument(0, 1)) }
    let size = argument(3, 96)
    measure(
      ConvolutionCase(argument(0, 64), argument(1, 256), size, size, argument(2, 3) | 1), threads: argument(4, 1))
  }

  /// One case in detail.
  private static func measure(_ sizes: ConvolutionCase, threads: Int) {
    print("\(sizes), \(threads) thread(s), GFLOP/s")
    for set in InstructionSet.allCases where set.isSupported {
      let pool = WorkerPool(threadCount: threads, instructionSet: set)
      let runs = sizes.algorithms.map { ConvolutionRun(sizes, algorithm: $0, pool: pool) }
      var rates = Rates()
      for _ in 0..<15 {
        rates.measureLimit(pool)
        for run in runs { rates.measure(run) }
      }
      rates.report(set, threads: threads)
    }
  }

  /// Every case by the algorithm that is chosen for it, beside the fastest one.
  private static func measureCases(threads: Int) {
    let pool = WorkerPool(threadCount: threads)
    print("GFLOP/s with \(pool.instructionSet), \(threads) thread(s): convolution, input gradient, weight gradient")
    for sizes in ConvolutionCase.all {
      let runs = sizes.algorithms.map { ConvolutionRun(sizes, algorithm: $0, pool: pool) }
      // Enough repetitions of a small case for the clock to see it.
      let repetitions = max(1, 20_000_000 / sizes.operations)
      var rates = Rates()
      for _ in 0..<5 {
        for run in runs { rates.measure(run, repetitions: repetitions) }
      }
      let steps = Rates.steps.map { step in
        let chosen = rates.median("\(sizes.chosenAlgorithm), \(step)")
        let fastest = sizes.algorithms.map { ($0, rates.median("\($0), \(step)")) }.max { $0.1 < $1.1 }
        guard let fastest, fastest.1 > chosen * 1.1 else { return rounded(chosen) }
        return "\(rounded(chosen)) (\(fastest.0) \(rounded(fastest.1)))"
      }
      print("\(sizes), \(sizes.chosenAlgorithm): \(steps.joined(separator: "  "))")
    }
  }

  private static func rounded(_ rate: Double) -> String { "\((rate * 10).rounded() / 10)" }
}
