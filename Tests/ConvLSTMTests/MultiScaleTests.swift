import ConvKernels
import ConvLSTM
import Tensor
import Testing

/// Networks of several scales: strided and transposed convolutions between the layers.
@Suite struct MultiScaleTests {
  /// The strides and kernels of HKO-7.
  static func hko7(hidden: [Int], channels: (down: [Int], up: [Int]) = ([], [])) throws
    -> EncoderForecasterConfiguration
  {
    try EncoderForecasterConfiguration(
      patch: 1, hidden: hidden, peephole: false, forecasterOrder: .reversed,
      scales: Scales(stride: [5, 3, 2], hidden: hidden, downChannels: channels.down, upChannels: channels.up))
  }

  /// Kernels that reach further, a stride of 1, a patch, more channels than a block.
  private static func patched() throws -> EncoderForecasterConfiguration {
    try EncoderForecasterConfiguration(
      patch: 2, hidden: [3, 18], inputKernel: [5], forecasterOrder: .reversed,
      scales: Scales(
        stride: [1, 2], downKernel: [3, 6], downChannels: [5, 4], upKernel: [3, 6], upChannels: [2, 17],
        outputKernel: 5))
  }

  /// What is left out is as in HKO-7, and so is the number of weights (counted by PyTorch, see
  /// `Scripts/make-convlstm-fixtures.py`).
  @Test func theNetworkOfHKO7() throws {
    let configuration = try Self.hko7(hidden: [64, 192, 192])
    #expect(configuration.scales.downKernel == [7, 5, 3] && configuration.scales.upKernel == [7, 5, 4])
    #expect(
      configuration.scales.downChannels == [8, 192, 192] && configuration.scales.upChannels == [8, 64, 192])
    #expect(configuration.parameterLayout.count == 11_316_841)
    let shape = { (name: String) in configuration.parameterLayout.entry(name)?.shape }
    #expect(shape("encoder.layers.1.downsampling.weight") == [192, 64, 5, 5])
    #expect(shape("forecaster.layers.1.upsampling.weight") == [192, 64, 5, 5])
    #expect(shape("forecaster.layers.2.upsampling.weight") == [64, 8, 7, 7])
    #expect(shape("head.convolution.weight") == [8, 8, 3, 3] && shape("head.weight") == [1, 8, 1, 1])
  }

  @Test(arguments: ["multi-scale-hko7", "multi-scale-patch"], [TapeRecording.all, .states])
  func agreesWithPyTorch(name: String, recording: TapeRecording) throws {
    let reference = try Reference(name)
    let configuration =
      try name == "multi-scale-hko7"
      ? Self.hko7(hidden: [4, 5, 3], channels: ([2, 6, 4], [3, 4, 5])) : Self.patched()
    let network = EncoderForecaster(
      configuration, parameters: reference.parameters(configuration.parameterLayout))
    try expectAgreement(network, reference, recording: recording)
  }

  /// The gradient of every third parameter against differences of the loss in both directions.
  @Test func finiteDifferences() throws {
    let configuration = try EncoderForecasterConfiguration(
      patch: 1, hidden: [3, 2], forecasterOrder: .reversed,
      scales: Scales(stride: [3, 2], hidden: [3, 2], downChannels: [2, 3], upChannels: [3, 2]))
    let network = EncoderForecaster(configuration, seed: 3)
    var random = RandomSource(seed: 4)
    // Peepholes begin at zero; give them something to do.
    for index in 0..<network.parameters.values.count {
      network.parameters.values[index] += 0.3 * (random.uniform() - 0.5)
    }
    // No step may carry a rectifier's argument over its kink, which no derivative knows: some are positive, some negative.
    for entry in configuration.parameterLayout.entries
    where entry.name.contains("pling.bias") || entry.name.contains("convolution.bias") {
      network.parameters[entry.name] = Tensor(
        shape: entry.shape, (0..<entry.count).map { $0 % 2 == 0 ? 4 : -4 })
    }
    network.parameters["head.bias"] = Tensor(shape: [1], repeating: 0)
    let input = Tensor.uniform(shape: [2, 2, 1, 8, 13], low: 0, high: 1, using: &random)
    let target = Tensor.uniform(shape: [2, 2, 1, 8, 13], low: 0, high: 1, using: &random)
    func loss() -> Double {
      var loss = MaskedLoss(.squared)
      loss.add(prediction: network.forecast(input, leadFrames: 2), target: target)
      return loss.mean ?? .nan
    }
    let tape = network.makeTape(batch: 2, inputFrames: 2, leadFrames: 2, height: 8, width: 13, recording: .all)
    let output = network.forward(tape, input)
    var gradients = ParameterSet(configuration.parameterLayout)
    network.backward(
      tape,
      outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: target.count),
      into: &gradients)
    let step: Float = 1e-2
    let scale = Double(gradients.values.elements.map(abs).max() ?? 0)
    var deviations: [Double] = []
    for index in stride(from: 0, to: network.parameters.values.count, by: 3) {
      let value = network.parameters.values[index]
      network.parameters.values[index] = value + step
      let above = loss()
      network.parameters.values[index] = value - step
      let below = loss()
      network.parameters.values[index] = value
      deviations.append(abs((above - below) / (2 * Double(step)) - Double(gradients.values[index])) / scale)
    }
    let worst = deviations.max() ?? .nan
    print("several scales: largest deviation of a parameter's gradient \(worst) of the largest one")
    #expect(worst < 2e-3)
  }

  @Test func theNumberOfThreadsChangesNoBit() throws {
    expectSameBitsForAnyThreads(try Self.hko7(hidden: [20, 16, 9]), height: 70, width: 52)
  }

  /// A batch that is worked on in parts has the gradients of the whole.
  @Test func subBatches() throws {
    let configuration = try Self.hko7(hidden: [4, 3, 3])
    var random = RandomSource(seed: 9)
    let size = 300
    let input = Tensor.uniform(shape: [5, 1, 1, size, size], low: 0, high: 1, using: &random)
    let target = Tensor.uniform(shape: [5, 1, 1, size, size], low: 0, high: 1, using: &random)
    #expect(TrainingStep.subBatchSize(configuration, batch: 5, height: size, width: size) == 2)
    let network = EncoderForecaster(configuration, seed: 6)
    let step = TrainingStep(network, batch: 5, inputFrames: 1, leadFrames: 1, height: size, width: size)
    let tape = network.makeTape(batch: 5, inputFrames: 1, leadFrames: 1, height: size, width: size, recording: .all)
    for _ in 1...2 {
      var parts = ParameterSet(configuration.parameterLayout)
      _ = step(input: input, target: target, into: &parts)
      let output = network.forward(tape, input)
      var whole = ParameterSet(configuration.parameterLayout)
      network.backward(
        tape,
        outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: target.count),
        into: &whole)
      for entry in configuration.parameterLayout.entries {
        let (a, b) = (try #require(parts[entry.name]), try #require(whole[entry.name]))
        #expect(difference(entry.name, a, b, relative: true) < 1e-4)
      }
    }
  }

  @Test func whatMakesNoNetworkIsRefused() {
    func message(_ scales: Scales, _ order: EncoderForecasterConfiguration.ForecasterOrder = .reversed) -> String {
      do {
        _ = try EncoderForecasterConfiguration(hidden: [4, 4], forecasterOrder: order, scales: scales)
        return "nothing was refused"
      } catch { return error.message }
    }
    let hidden = [4, 4]
    #expect(message(Scales(stride: [2, 2], hidden: hidden)) == "nothing was refused")
    #expect(message(Scales(stride: [2, 2], hidden: hidden), .same).contains("'reversed'"))
    #expect(message(Scales(stride: [2], hidden: hidden)) == "1 strides for 2 layers; give one for each layer")
    #expect(message(Scales(stride: [2, 0], hidden: hidden)).contains("stride 1 is 0"))
    #expect(message(Scales(stride: [2, 2], hidden: hidden, downKernel: [3])).hasPrefix("1 kernels of strided"))
    #expect(message(Scales(stride: [2, 2], hidden: hidden, downKernel: [1, 3])).contains("at least the stride"))
    #expect(message(Scales(stride: [1, 2], hidden: hidden, downKernel: [2, 3])).contains("odd where the stride is 1"))
    #expect(message(Scales(stride: [2, 2], hidden: hidden, upKernel: [4, 5])).contains("by an even number"))
    #expect(message(Scales(stride: [2, 2], hidden: hidden, upChannels: [0, 5])).contains("0 channels"))
    #expect(message(Scales(stride: [2, 2], hidden: hidden, outputKernel: 2)).contains("must be odd"))
    #expect(message(Scales(stride: [64, 64], hidden: hidden)) == "nothing was refused")
    #expect(
      (try? EncoderForecasterConfiguration(
        hidden: [4, 4, 4], forecasterOrder: .reversed, scales: Scales(stride: [64, 64, 2], hidden: [4, 4, 4]))) == nil)
  }
}
