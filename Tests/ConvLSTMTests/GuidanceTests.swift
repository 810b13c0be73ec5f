import ConvKernels
import ConvLSTM
import Tensor
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Guidance: an image for each lead frame that the head reads beside the hidden states.
@Suite struct GuidanceTests {
  private func configuration(guidance: Int) throws -> EncoderForecasterConfiguration {
    try EncoderForecasterConfiguration(outputChannels: 3, guidanceChannels: guidance, patch: 2, hidden: [3, 2])
  }

  private func random(_ shape: [Int], seed: UInt64) -> Tensor {
    var source = RandomSource(seed: seed)
    return Tensor.uniform(shape: shape, low: 0, high: 1, using: &source)
  }

  private func forecast(_ network: EncoderForecaster, _ input: Tensor, _ guidance: Tensor?) -> Tensor {
    let tape = network.makeTape(
      batch: input.shape[0], inputFrames: input.shape[1], leadFrames: 3, height: input.shape[3], width: input.shape[4],
      recording: .nothing)
    return network.forward(tape, input, guidance: guidance)
  }

  /// First weights are those of the network without guidance, which counts for nothing yet.
  @Test func countsForNothingAtFirst() throws {
    let input = random([2, 2, 1, 5, 7], seed: 1)
    let plain = EncoderForecaster(try configuration(guidance: 0), seed: 3)
    let guided = EncoderForecaster(try configuration(guidance: 2), seed: 3)
    #expect(guided.parameters["head.weight"]?.shape == [12, 5 + 8, 1, 1])
    let guidance = random([2, 3, 2, 5, 7], seed: 2)
    #expect(forecast(guided, input, guidance) == forecast(plain, input, nil))
  }

  /// A 1×1 convolution adds to the numbers in front of the logistic function: the sum by hand, of pixels folded by hand.
  @Test func theHeadReadsIt() throws {
    let network = EncoderForecaster(try configuration(guidance: 2), seed: 3)
    let input = random([2, 2, 1, 5, 7], seed: 1)
    let guidance = random([2, 3, 2, 5, 7], seed: 2)
    let without = forecast(network, input, guidance)
    let columns = random([12, 8], seed: 5)
    var weight = try #require(network.parameters["head.weight"])
    for row in 0..<12 { for column in 0..<8 { weight[row, 5 + column, 0, 0] = columns[row, column] - 0.5 } }
    network.parameters["head.weight"] = weight
    let with = forecast(network, input, guidance)
    func logit(_ p: Float) -> Double { log(Double(p) / (1 - Double(p))) }
    var worst = 0.0
    for (b, t, channel) in [(0, 0, 0), (1, 2, 2), (0, 1, 1), (1, 0, 2)] {
      for y in 0..<5 {
        for x in 0..<7 {
          let row = (y % 2 * 2 + x % 2) * 3 + channel
          var sum = 0.0
          for from in 0..<2 {
            for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
              let (sourceY, sourceX) = (y / 2 * 2 + dy, x / 2 * 2 + dx)
              guard sourceY < 5, sourceX < 7 else { continue }
              let weight = Double(columns[row, (dy * 2 + dx) * 2 + from] - 0.5)
              sum += weight * Double(guidance[b, t, from, sourceY, sourceX])
            }
          }
          worst = max(
            worst, abs(logit(with[b, t, channel, y, x]) - logit(without[b, t, channel, y, x]) - sum))
        }
      }
    }
    print("guidance by hand: largest difference \(worst)")
    #expect(worst < 1e-4)
  }

  /// The gradients of all weights, with a batch in two parts, against differences of the loss in both directions.
  @Test(arguments: [false, true]) func finiteDifferences(recomputes: Bool) throws {
    let network = EncoderForecaster(try configuration(guidance: 2), seed: 3)
    var source = RandomSource(seed: 4)
    for index in 0..<network.parameters.values.count {
      network.parameters.values[index] += 0.3 * (source.uniform() - 0.5)
    }
    network.parameters["head.bias"] = Tensor(shape: [12], repeating: 0)
    let input = random([2, 2, 1, 5, 7], seed: 1)
    let guidance = random([2, 3, 2, 5, 7], seed: 2)
    let target = random([2, 3, 1, 5, 7], seed: 6)
    let step = TrainingStep(
      network, loss: .exceedance([0.2, 0.5, 0.8]), batch: 2, inputFrames: 2, leadFrames: 3, height: 5, width: 7,
      recomputes: recomputes)
    var gradients = ParameterSet(network.parameters.layout)
    _ = step(input: input, target: target, guidance: guidance, into: &gradients)
    func loss() -> Double {
      var loss = MaskedLoss(.exceedance([0.2, 0.5, 0.8]))
      loss.add(prediction: forecast(network, input, guidance), target: target)
      return loss.mean ?? .nan
    }
    let scale = Double(gradients.values.elements.map(abs).max() ?? 0)
    let delta: Float = 1e-2
    var worst = 0.0
    for index in stride(from: 0, to: network.parameters.values.count, by: 2) {
      let value = network.parameters.values[index]
      network.parameters.values[index] = value + delta
      let above = loss()
      network.parameters.values[index] = value - delta
      let below = loss()
      network.parameters.values[index] = value
      worst = max(worst, abs((above - below) / (2 * Double(delta)) - Double(gradients.values[index])) / scale)
    }
    print("guidance, finite differences: largest deviation \(worst) of the largest gradient")
    #expect(worst < 2e-3)
    let weight = try #require(gradients["head.weight"])
    #expect((0..<12).allSatisfy { weight[$0, 5 + 3, 0, 0] != 0 })
  }

  @Test func impossibleNumbers() {
    #expect { try configuration(guidance: 2000) } throws: {
      "\($0)" == "guidance has 2000 channels; it may have 0 to 1024"
    }
  }
}
