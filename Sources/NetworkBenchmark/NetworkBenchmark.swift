import ConvKernels
import ConvLSTM
import Foundation
import Tensor

/// Takes the time of whole forecasts and training steps, the cases of the table beside PyTorch.
///
///     NetworkBenchmark S|T3|T5|P... [threads] [rounds]
///     NetworkBenchmark S|T3|T5|P [threads] each-line
///
/// S: the classic example. T3, T5: training steps with Adam; T3/8: T3 with a batch of one; T3r: T3 with gates computed
/// again in the backward pass. P: a forecast of large frames.
/// The median counts; the first round is not counted. With `each-line` it does a round for each line of standard input and
/// answers with its seconds, so that `Scripts/benchmark` can measure two programs in turn.
@main
struct NetworkBenchmark {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    let numbers = arguments.compactMap { Int($0) }
    let threads = max(1, numbers.first ?? WorkerPool.coreCount)
    let rounds = max(1, numbers.count > 1 ? numbers[1] : 5)
    let pool = WorkerPool(threadCount: threads)
    let onRequest = arguments.contains("each-line")
    let names = arguments.filter { Int($0) == nil && $0 != "each-line" }
    for name in names.isEmpty ? ["S", "T3", "T5", "P"] : names {
      let body = try make(name, pool)
      body()
      if onRequest {
        answer("ready \(pool.instructionSet)")
        while readLine() != nil { answer("\(seconds(ContinuousClock().measure(body)))") }
        continue
      }
      let before = processorSeconds()
      let times = (0..<rounds).map { _ in seconds(ContinuousClock().measure(body)) }.sorted()
      print(
        "\(name), \(threads) thread(s), \(pool.instructionSet): median \(rounded(times[rounds / 2])) s,",
        "least \(rounded(times[0])) s, processor \(rounded((processorSeconds() - before) / Double(rounds))) s")
    }
  }

  /// A line that arrives at once, also through a pipe.
  private static func answer(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  private static func seconds(_ time: Duration) -> Double {
    Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }

  /// Processor time of this process: what counts when other programs use the machine, too.
  private static func processorSeconds() -> Double {
    Double(clock()) / Double(CLOCKS_PER_SEC)
  }

  private static func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }

  private static func make(_ name: String, _ pool: WorkerPool) throws -> () -> Void {
    switch name {
    case "S":
      let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [30], kernels: [3], batchFirst: true, pool: pool)
      let x = frames([64, 20, 1, 64, 64])
      return { _ = try? lstm(x) }
    case "T3":
      return training(
        try EncoderForecasterConfiguration(patch: 1, hidden: [64, 64]), batch: 8, pool)
    case "T3r":
      return training(
        try EncoderForecasterConfiguration(patch: 1, hidden: [64, 64]), batch: 8, recomputes: true, pool)
    case "T3/8":
      return training(try EncoderForecasterConfiguration(patch: 1, hidden: [64, 64]), batch: 1, pool)
    case "T5":
      return training(
        try EncoderForecasterConfiguration(
          patch: 4, hidden: [128, 64, 64], inputKernel: [5], stateKernel: [5]), batch: 16, pool)
    case "P":
      let network = EncoderForecaster(
        try EncoderForecasterConfiguration(patch: 1, hidden: [64, 64]), seed: 1, pool: pool)
      let x = frames([1, 4, 1, 512, 512])
      return { _ = network.forecast(x, leadFrames: 12) }
    default: preconditionFailure("no case named \(name)")
    }
  }

  /// Steps on 10 → 10 frames of 64×64.
  private static func training(
    _ configuration: EncoderForecasterConfiguration, batch: Int, recomputes: Bool = false, _ pool: WorkerPool
  ) -> () -> Void {
    let network = EncoderForecaster(configuration, seed: 1, pool: pool)
    let step = TrainingStep(
      network, batch: batch, inputFrames: 10, leadFrames: 10, height: 64, width: 64, recomputes: recomputes)
    var adam = Optimizer(.adam(), count: configuration.parameterLayout.count)
    let (x, target) = (frames([batch, 10, 1, 64, 64]), frames([batch, 10, 1, 64, 64]))
    return {
      var gradients = ParameterSet(configuration.parameterLayout)
      _ = step(input: x, target: target, into: &gradients)
      adam.update(&network.parameters, gradients: gradients, learningRate: 1e-3)
    }
  }

  private static func frames(_ shape: [Int]) -> Tensor {
    var random = RandomSource(seed: 7)
    return Tensor.uniform(shape: shape, low: 0, high: 1, using: &random)
  }
}
