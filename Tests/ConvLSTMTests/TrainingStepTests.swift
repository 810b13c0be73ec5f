import ConvKernels
import Tensor
import Testing

@testable import ConvLSTM

/// Sub-batches and recomputed gates change memory and time, and the result by no more than rounding.
@Suite struct TrainingStepTests {
  private static let configuration: EncoderForecasterConfiguration? = try? EncoderForecasterConfiguration(
    patch: 1, hidden: [20, 6], inputKernel: [3], stateKernel: [3, 5])

  /// 45 × 37 pixels: sub-batches of two, two and one samples, an odd border, and some targets missing.
  private struct Batch {
    let configuration: EncoderForecasterConfiguration
    let input: Tensor
    var target: Tensor

    init() throws {
      configuration = try #require(TrainingStepTests.configuration)
      var random = RandomSource(seed: 11)
      input = Tensor.uniform(shape: [5, 2, 1, 45, 37], low: 0, high: 1, using: &random)
      target = Tensor.uniform(shape: [5, 3, 1, 45, 37], low: 0, high: 1, using: &random)
      // Most of the first sample: a mean over each sub-batch would differ from that over the batch.
      target.withUnsafeMutableBufferPointer { values in
        for index in 0..<4000 { values[index] = .nan }
      }
    }

    func step(recomputes: Bool, threads: Int = 2, rounds: Int = 1) -> (loss: MaskedLoss, gradients: Tensor) {
      let network = EncoderForecaster(configuration, seed: 6, pool: WorkerPool(threadCount: threads))
      let step = TrainingStep(
        network, batch: 5, inputFrames: 2, leadFrames: 3, height: 45, width: 37, recomputes: recomputes)
      var gradients = ParameterSet(configuration.parameterLayout)
      var loss = MaskedLoss(.squared)
      for _ in 0..<rounds {
        gradients = ParameterSet(configuration.parameterLayout)
        loss = step(input: input, target: target, into: &gradients)
      }
      return (loss, gradients.values)
    }

    /// The whole batch at once.
    func whole() -> (loss: MaskedLoss, gradients: Tensor) {
      let network = EncoderForecaster(configuration, seed: 6)
      let tape = network.makeTape(batch: 5, inputFrames: 2, leadFrames: 3, height: 45, width: 37, recording: .all)
      let output = network.forward(tape, input)
      var loss = MaskedLoss(.squared)
      loss.add(prediction: output, target: target)
      var gradients = ParameterSet(configuration.parameterLayout)
      network.backward(
        tape,
        outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: loss.count),
        into: &gradients)
      return (loss, gradients.values)
    }
  }

  @Test(arguments: [false, true]) func agreesWithTheWholeBatch(recomputes: Bool) throws {
    let batch = try Batch()
    // Twice with the same memory: the second step must not see the first.
    let (parts, whole) = (batch.step(recomputes: recomputes, rounds: 2), batch.whole())
    // A sample's forecast does not depend on its neighbours.
    #expect(parts.loss.mean == whole.loss.mean && parts.loss.count == whole.loss.count)
    #expect(difference("gradients", parts.gradients, whole.gradients, relative: true) < 1e-5)
  }

  @Test(arguments: [false, true]) func theNumberOfThreadsChangesNoBit(recomputes: Bool) throws {
    let batch = try Batch()
    let results = (1...3).map { batch.step(recomputes: recomputes, threads: $0) }
    #expect(results.allSatisfy { $0.gradients == results[0].gradients && $0.loss.sum == results[0].loss.sum })
  }

  @Test func withoutValidPixelsThereIsNoGradient() throws {
    var batch = try Batch()
    batch.target = Tensor(shape: batch.target.shape, repeating: .nan)
    let (loss, gradients) = batch.step(recomputes: false)
    #expect(loss.mean == nil && gradients.elements.allSatisfy { $0 == 0 })
  }

  @Test(arguments: [
    (8, 4096.0, [1, 1, 1, 1, 1, 1, 1, 1]), (2, 1e9, [1, 1]), (16, 256.0, [16]), (5, 1024.0, [3, 2]), (1, 1.0, [1]),
    (4, 2304.0, [2, 2]), (7, 1365.0, [3, 2, 2]),
  ])
  func sizesOfSubBatches(batch: Int, pixels: Double, sizes: [Int]) {
    #expect(SubBatches.sizes(batch: batch, pixels: pixels, together: 4096) == sizes)
  }

  /// Without recording a few samples at a time, with recording all at once: the same bytes.
  @Test func layersInSubBatches() throws {
    let lstm = try ConvLSTM(
      inputChannels: 2, hiddenChannels: [5, 17], kernels: [3, 5], batchFirst: true, peephole: true,
      returnAllLayers: true)
    var random = RandomSource(seed: 12)
    let x = Tensor.uniform(shape: [25, 2, 2, 45, 37], low: 0, high: 1, using: &random)
    let first = try lstm.forwardRecording(x).output
    #expect(try lstm(x).outputs == first.outputs)
    let second = try lstm.forwardRecording(x, initialStates: first.lastStates).output
    let parts = try lstm(x, initialStates: first.lastStates)
    #expect(parts.outputs == second.outputs && parts.lastStates == second.lastStates)
  }
}
