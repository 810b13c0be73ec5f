import ConvLSTM
import Foundation
import Tensor
import Testing

/// Losses by the names of their fixtures.
private let losses: [(name: String, loss: PixelLoss)] = [
  ("mse", .squared), ("mae", .absolute), ("mse-mae", .squaredPlusAbsolute), ("cross-entropy", .crossEntropy),
  ("balanced", .balanced(weights)), ("huber", .huber(delta: 0.1)),
]

/// As in `Scripts/make-training-fixtures.py`.
private let weights = TargetWeights(
  [(0.3, 2), (0.5, 5), (0.7, 10), (0.9, 30)].map { TargetWeights.Step(threshold: $0, weight: $1) })

@Suite struct LossTests {
  /// Value and gradient over the valid pixels, against PyTorch's.
  @Test(arguments: losses.indices) func agreesWithPyTorch(index: Int) throws {
    let (name, loss) = losses[index]
    let reference = try Reference("losses", in: "training")
    let target = reference["target"]
    let prediction = logistic(reference["logits"])
    var sum = MaskedLoss(loss)
    sum.add(prediction: prediction, target: target)
    let valid = MaskedLoss.validCount(target)
    #expect(sum.count == valid && valid < target.count)
    let expected = Double(reference[name + ".value"][0])
    #expect(abs(try #require(sum.mean) - expected) < 1e-6 * expected)
    let gradient = MaskedLoss.gradient(loss, prediction: prediction, target: target, validCount: valid)
    #expect(difference(name, gradient, reference[name + ".gradient"], relative: true) < 1e-5)
    for (slope, truth) in zip(gradient.elements, target.elements) where truth.isNaN { #expect(slope == 0) }
  }

  /// The largest deviation of a network's gradients from differences of the loss, in shares of the largest gradient.
  private func deviation(_ network: EncoderForecaster, _ loss: PixelLoss, input: Tensor, target: Tensor) -> Double {
    let step = TrainingStep(network, loss: loss, batch: 2, inputFrames: 2, leadFrames: 2, height: 5, width: 7)
    var gradients = ParameterSet(network.configuration.parameterLayout)
    _ = step(input: input, target: target, into: &gradients)
    func value() -> Double {
      var sum = MaskedLoss(loss)
      sum.add(prediction: network.forecast(input, leadFrames: 2), target: target)
      return sum.mean ?? .nan
    }
    let scale = Double(gradients.values.elements.map(abs).max() ?? 0)
    #expect(scale > 0)
    var worst = 0.0
    let width: Float = 1e-2
    for index in stride(from: 0, to: network.parameters.values.count, by: 5) {
      let before = network.parameters.values[index]
      network.parameters.values[index] = before + width
      let above = value()
      network.parameters.values[index] = before - width
      let below = value()
      network.parameters.values[index] = before
      worst = max(worst, abs((above - below) / (2 * Double(width)) - Double(gradients.values[index])) / scale)
    }
    return worst
  }

  /// Every loss through a whole network: the gradients of its weights against differences of the loss.
  @Test(arguments: losses.indices) func finiteDifferences(index: Int) throws {
    let (name, loss) = losses[index]
    let configuration = try EncoderForecasterConfiguration(patch: 2, hidden: [3, 2])
    let network = EncoderForecaster(configuration, seed: 3)
    network.parameters["head.bias"] = Tensor(shape: [4], repeating: -0.4)
    var random = RandomSource(seed: 9)
    let input = Tensor.uniform(shape: [2, 2, 1, 5, 7], low: 0, high: 1, using: &random)
    // No target where |p − t| has its kink or Huber's loss its bend: differences across it would be no derivative.
    let output = network.forecast(input, leadFrames: 2)
    var target = output
    for index in 0..<target.count {
      let distance = 0.15 + 0.2 * random.uniform()
      target.withUnsafeMutableBufferPointer { $0[index] += index % 2 == 0 ? distance : -distance }
    }
    target[0, 1, 0, 2, 3] = .nan
    let worst = deviation(network, loss, input: input, target: target)
    print("finite differences, \(name): largest deviation \(worst) of the largest gradient")
    #expect(worst < 2e-3)
  }

  /// A network that is certain and wrong still learns: its gradient does not vanish with p·(1 − p), and nothing is infinite.
  @Test func crossEntropyOfACertainForecast() throws {
    let prediction = Tensor(shape: [4], [1, 0, 1, 0])
    let target = Tensor(shape: [4], [0, 1, 1, 0])
    var sum = MaskedLoss(.crossEntropy)
    sum.add(prediction: prediction, target: target)
    #expect(sum.mean == 50)
    let gradient = MaskedLoss.gradient(.crossEntropy, prediction: prediction, target: target, validCount: 4)
    #expect(gradient.elements == [0.25, -0.25, 0, 0])
  }

  /// A truth on a threshold has its weight.
  @Test func weightsBeginAtTheirThresholds() {
    #expect([0, 0.29999998, 0.3, 0.5, 0.89, 0.9, 1].map(weights.weight(of:)) == [1, 1, 2, 5, 10, 30, 30])
  }

  private func logistic(_ tensor: Tensor) -> Tensor {
    Tensor(shape: tensor.shape, tensor.elements.map { Float(1 / (1 + exp(-Double($0)))) })
  }

  /// Probabilities of two thresholds: the sum of two cross-entropies whose truth is whether the threshold is reached.
  @Test func exceedance() throws {
    var random = RandomSource(seed: 2)
    let prediction = Tensor.uniform(shape: [2, 3, 2, 4, 5], low: 0.05, high: 0.95, using: &random)
    var target = Tensor.uniform(shape: [2, 3, 1, 4, 5], low: 0, high: 1, using: &random)
    target[1, 2, 0, 3, 3] = .nan
    target[0, 1, 0, 0, 0] = 0.4
    let loss = PixelLoss.exceedance([0.4, 0.7])
    var sum = MaskedLoss(loss)
    sum.add(prediction: prediction, target: target)
    #expect(sum.count == target.count - 1)
    let gradient = MaskedLoss.gradient(loss, prediction: prediction, target: target, validCount: sum.count)
    var expected = 0.0
    for (channel, threshold) in [Float(0.4), 0.7].enumerated() {
      func plane(_ tensor: Tensor) -> Tensor {
        Tensor(
          shape: target.shape, (0..<6).flatMap { tensor.part($0 / 3).part($0 % 3).part(channel).elements })
      }
      let truth = Tensor(shape: target.shape, target.elements.map { $0.isNaN ? .nan : $0 >= threshold ? 1 : 0 })
      var one = MaskedLoss(.crossEntropy)
      one.add(prediction: plane(prediction), target: truth)
      expected += one.sum
      let slopes = MaskedLoss.gradient(
        .crossEntropy, prediction: plane(prediction), target: truth, validCount: sum.count)
      #expect(plane(gradient).elements == slopes.elements)
    }
    #expect(abs(sum.sum - expected) < 1e-9)
  }

  /// The same through a network that has a channel for each threshold: gradients against differences of the loss.
  @Test func exceedanceThroughANetwork() throws {
    let configuration = try EncoderForecasterConfiguration(outputChannels: 3, patch: 2, hidden: [3, 2])
    let network = EncoderForecaster(configuration, seed: 3)
    var random = RandomSource(seed: 9)
    let input = Tensor.uniform(shape: [2, 2, 1, 5, 7], low: 0, high: 1, using: &random)
    let target = Tensor.uniform(shape: [2, 2, 1, 5, 7], low: 0, high: 1, using: &random)
    let loss = PixelLoss.exceedance([0.2, 0.5, 0.8])
    #expect(network.forecast(input, leadFrames: 2).shape == [2, 2, 3, 5, 7])
    let worst = deviation(network, loss, input: input, target: target)
    print("exceedance through a network: largest difference from finite differences \(worst)")
    #expect(worst < 2e-3)
  }
}
