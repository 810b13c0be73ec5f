import ConvKernels
import Tensor
import Testing

@testable import ConvLSTM

/// What a training step tells of gradients that are final, while others are still computed.
@Suite struct GradientBucketTests {
  private static let oneScale: EncoderForecasterConfiguration? = try? EncoderForecasterConfiguration(
    patch: 1, hidden: [20, 6], inputKernel: [3], stateKernel: [3, 5])
  private static let manyScales: EncoderForecasterConfiguration? = try? MultiScaleTests.hko7(hidden: [4, 3, 3])

  @Test(arguments: [oneScale, manyScales], [false, true])
  func bucketsAreFinalWhenTheyAreTold(configuration: EncoderForecasterConfiguration?, recomputes: Bool) throws {
    let configuration = try #require(configuration)
    let size = configuration.scales.isEmpty ? 45 : 300
    var random = RandomSource(seed: 4)
    let input = Tensor.uniform(shape: [5, 2, 1, size, size], low: 0, high: 1, using: &random)
    let target = Tensor.uniform(shape: [5, 3, 1, size, size], low: 0, high: 1, using: &random)
    // In sub-batches: before the last one nothing is final.
    #expect(TrainingStep.subBatchSize(configuration, batch: 5, height: size, width: size) < 5)
    let network = EncoderForecaster(configuration, seed: 6)
    let step = TrainingStep(
      network, batch: 5, inputFrames: 2, leadFrames: 3, height: size, width: size, recomputes: recomputes)
    var gradients = ParameterSet(configuration.parameterLayout)
    var told: [(bucket: Range<Int>, values: [Float], rest: [Float])] = []
    _ = step(input: input, target: target, into: &gradients) { bucket, gradients in
      let values = gradients.values.elements
      told.append((bucket, Array(values[bucket]), values))
    }
    let final = gradients.values.elements
    #expect(told.map(\.bucket) == network.gradientBuckets)
    // Together they are everything, each weight once.
    let sorted = network.gradientBuckets.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.first?.lowerBound == 0 && sorted.last?.upperBound == final.count)
    #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    for (bucket, values, _) in told { #expect(values == Array(final[bucket])) }
    // The head is told of while most of the others are still to come.
    #expect(try #require(told.first).rest != final)
  }

  /// A share of a batch with the valid pixels of the whole: the shares' gradients add up to those of the whole.
  @Test func sharesOfABatchAddUp() throws {
    let configuration = try #require(Self.oneScale)
    var random = RandomSource(seed: 5)
    let input = Tensor.uniform(shape: [4, 2, 1, 45, 37], low: 0, high: 1, using: &random)
    var target = Tensor.uniform(shape: [4, 3, 1, 45, 37], low: 0, high: 1, using: &random)
    // All of the first sample, most of the second.
    target.withUnsafeMutableBufferPointer { values in for index in 0..<9000 { values[index] = .nan } }
    let network = EncoderForecaster(configuration, seed: 6)
    func gradients(_ samples: Range<Int>, validCount: Int?) -> (Tensor, MaskedLoss) {
      let step = TrainingStep(
        network, batch: samples.count, inputFrames: 2, leadFrames: 3, height: 45, width: 37)
      var gradients = ParameterSet(configuration.parameterLayout)
      let loss = step(
        input: input.parts(samples), target: target.parts(samples), into: &gradients, validCount: validCount)
      return (gradients.values, loss)
    }
    let (whole, loss) = gradients(0..<4, validCount: nil)
    let parts = (0..<4).map { gradients($0..<$0 + 1, validCount: loss.count) }
    #expect(parts[0].1.count == 0 && parts.reduce(0) { $0 + $1.1.count } == loss.count)
    let sum = parts.dropFirst().reduce(parts[0].0.elements) { zip($0, $1.0.elements).map { $0 + $1 } }
    #expect(difference("shares", Tensor(shape: whole.shape, sum), whole, relative: true) < 1e-5)
  }
}
