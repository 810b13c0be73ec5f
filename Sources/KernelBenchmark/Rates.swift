import ConvKernels
import ConvolutionCases

/// Rates measured in rounds, in turn, so that a change of the machine's speed meets all alike; the median counts.
struct Rates {
  /// What is measured of a convolution.
  static let steps = ["forward", "data gradient", "weight gradient"]
  private static let limit = "FMA limit, one core"

  private var names: [String] = []
  private var values: [String: [Double]] = [:]
  private var sink: Float = 0.5

  /// Takes the time of `body`, which returns the operations it has done.
  private mutating func measure(_ name: String, _ body: (inout Float) -> Int) {
    var operations = 0
    let time = ContinuousClock().measure { operations = body(&sink) }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    if values[name] == nil { names.append(name) }
    values[name, default: []].append(Double(operations) / seconds * 1e-9)
  }

  /// What one core of the processor can do at most.
  mutating func measureLimit(_ pool: WorkerPool) {
    measure(Self.limit) { sink in fmaLimitOperations(rounds: 2_000_000, &sink, pool: pool) }
  }

  /// A convolution, its gradients, and how fast its weights are packed.
  mutating func measure(_ run: ConvolutionRun, repetitions: Int = 1) {
    for (step, body) in zip(Self.steps, [run.forward, run.addInputGradient, run.addWeightGradient]) {
      measure("\(run.algorithm), \(step)") { _ in
        for _ in 0..<repetitions { body() }
        return run.sizes.operations * repetitions
      }
    }
    measure("\(run.algorithm), packing both (weights per ns)") { _ in
      run.pack()
      return 2 * run.weights.count
    }
  }

  /// The median of a rate, in operations per nanosecond.
  func median(_ name: String) -> Double {
    let sorted = values[name, default: [0]].sorted()
    return sorted[sorted.count / 2]
  }

  /// Prints all rates and their shares of the limit.
  func report(_ set: InstructionSet, threads: Int) {
    print("\(set):")
    for name in names {
      let rate = median(name)
      guard !name.contains("packing") else {
        print("  \(name): \(Double(Int(rate * 100)) / 100)")
        continue
      }
      let share = Int((rate / median(Self.limit) / Double(name == Self.limit ? 1 : threads) * 1000).rounded())
      print("  \(name): \(Int(rate.rounded()))  (\(share / 10).\(share % 10) % of the limit)")
    }
  }
}
