import ConvKernels
import ConvLSTM
import Tensor
import Testing

@Suite struct ConvLSTMTests {
  /// The example of the classic PyTorch class.
  @Test func theClassicExample() throws {
    let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [30], kernels: [3], layerCount: 1, batchFirst: true)
    var random = RandomSource(seed: 1)
    let x = Tensor.uniform(shape: [64, 20, 1, 64, 64], low: 0, high: 1, using: &random)
    let result = try lstm(x)
    #expect(result.outputs.map(\.shape) == [[64, 20, 30, 64, 64]])
    #expect(result.lastStates[0].hidden.shape == [64, 30, 64, 64])
    // The last output is the last hidden state.
    #expect(result.outputs[0].part(63).part(19) == result.lastStates[0].hidden.part(63))
    #expect(result.lastStates[0].hidden.part(63).elements.allSatisfy { abs($0) < 1 })
  }

  @Test func onlyTheLastLayerUnlessAllAreAskedFor() throws {
    let x = Tensor(shape: [2, 1, 3, 4, 5], repeating: 0.5)
    let one = try ConvLSTM(inputChannels: 3, hiddenChannels: [4, 2], kernels: [3], batchFirst: true)(x)
    let all = try ConvLSTM(
      inputChannels: 3, hiddenChannels: [4, 2], kernels: [3], batchFirst: true, returnAllLayers: true)(x)
    #expect(one.outputs.map(\.shape) == [[2, 1, 2, 4, 5]] && one.lastStates.count == 1)
    #expect(all.outputs.map(\.shape) == [[2, 1, 4, 4, 5], [2, 1, 2, 4, 5]] && all.lastStates.count == 2)
    #expect(one.outputs[0] == all.outputs[1])
  }

  /// A sequence in two halves, the second started from the first's last states, is the whole sequence.
  @Test func statesCarryOn() throws {
    let lstm = try ConvLSTM(
      inputChannels: 2, hiddenChannels: [17, 3], kernels: [KernelSize(3, 5), 3], peephole: true, returnAllLayers: true)
    var random = RandomSource(seed: 2)
    let x = Tensor.normal(shape: [6, 2, 2, 7, 9], using: &random)
    let whole = try lstm(x)
    let first = try lstm(x.parts(0..<2))
    let second = try lstm(x.parts(2..<6), initialStates: first.lastStates)
    #expect(second.lastStates == whole.lastStates)
  }

  @Test func whatMakesNoNetworkIsRefused() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "nothing was refused"
      } catch { return "\(error)" }
    }
    func make(_ hidden: [Int], _ kernels: [KernelSize], _ layers: Int?) -> String {
      message { _ = try ConvLSTM(inputChannels: 1, hiddenChannels: hidden, kernels: kernels, layerCount: layers) }
    }
    #expect(
      make([4, 4], [3], 3) == "2 numbers of hidden channels for 3 layers; give one for all or one for each layer")
    #expect(make([4], [3, 3], 3) == "2 kernels for 3 layers; give one for all or one for each layer")
    #expect(make([4], [2], 1) == "layer 0's input kernel is 2×2; both sides of a kernel must be odd and positive")
    #expect(make([0], [3], 1) == "layer 0 has 0 hidden channels; it needs 1 to 65536")
    #expect(make([], [3], nil) == "a ConvLSTM needs at least one layer")
    let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [4], kernels: [3], batchFirst: true)
    #expect(
      message { _ = try lstm(Tensor(shape: [1, 2, 3, 4, 4])) }
        == "the input [b, t, c, h, w] has shape [1, 2, 3, 4, 4], so 3 channels; the first layer reads 1")
    #expect(
      message { _ = try lstm(Tensor(shape: [2, 3])) } == "the input has shape [2, 3]; it must be [b, t, c, h, w]")
    #expect(message { _ = try lstm(Tensor(shape: [1, 0, 1, 4, 4])) }.contains("empty"))
    let state = ConvLSTMState(hidden: Tensor(shape: [1, 4, 5, 4]), cell: Tensor(shape: [1, 4, 4, 4]))
    #expect(
      message { _ = try lstm(Tensor(shape: [1, 1, 1, 4, 4]), initialStates: [state]) }
        == "layer 0's initial hidden state has shape [1, 4, 5, 4]; it must be [1, 4, 4, 4]")
    #expect(message { _ = try lstm(Tensor(shape: [1, 1, 1, 4, 4]), initialStates: []) }.contains("0 initial states"))
  }
}

/// Kernels check no bounds, so what would lead them out of a tensor ends the program first.
@Suite struct PreconditionTests {
  /// Whether the process was ended by a signal, as a precondition does it, and not by an error that was thrown.
  private func trapped(_ result: ExitTest.Result?) -> Bool {
    if case .signal = result?.exitStatus { true } else { false }
  }

  @Test func gradientsOfAnotherShape() async {
    let outputs = await #expect(processExitsWith: .failure) {
      let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [2], kernels: [3], batchFirst: true)
      let (_, tape) = try lstm.forwardRecording(Tensor(shape: [2, 3, 1, 8, 8]))
      // Fewer rows than the outputs have.
      _ = lstm.backward(tape, outputGradients: [Tensor(shape: [2, 3, 2, 4, 8])], lastStateGradients: [nil])
    }
    let states = await #expect(processExitsWith: .failure) {
      let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [2], kernels: [3], batchFirst: true)
      let (output, tape) = try lstm.forwardRecording(Tensor(shape: [2, 3, 1, 8, 8]))
      let state = ConvLSTMState(hidden: output.lastStates[0].hidden, cell: Tensor(shape: [1, 2, 8, 8]))
      _ = lstm.backward(tape, outputGradients: [nil], lastStateGradients: [state])
    }
    #expect(trapped(outputs) && trapped(states))
  }

  @Test func parametersOfOtherLayers() async {
    let layers = await #expect(processExitsWith: .failure) {
      let small = try ConvLSTM(inputChannels: 1, hiddenChannels: [2], kernels: [3])
      let large = try ConvLSTM(inputChannels: 1, hiddenChannels: [9], kernels: [3])
      large.parameters = small.parameters
    }
    let network = await #expect(processExitsWith: .failure) {
      let large = EncoderForecaster(try EncoderForecasterConfiguration(hidden: [9]), seed: 1)
      large.parameters = ParameterSet(try EncoderForecasterConfiguration(hidden: [2]).parameterLayout)
    }
    let values = await #expect(processExitsWith: .failure) {
      var parameters = ParameterSet(try EncoderForecasterConfiguration(hidden: [2]).parameterLayout)
      parameters.values = Tensor(shape: [3])
    }
    #expect(trapped(layers) && trapped(network) && trapped(values))
  }
}

@Suite struct EncoderForecasterTests {
  /// Shi et al. 2015, tables 1 and 2: the numbers of parameters of their Moving-MNIST networks.
  @Test(arguments: [
    ([256], 5, 5, 13_524_496), ([128, 128], 5, 5, 10_042_896), ([128, 64, 64], 5, 5, 7_585_296),
    ([128, 128], 9, 1, 11_550_224), ([128, 64, 64], 9, 1, 8_830_480),
  ])
  func parameterCountsOfThePaper(hidden: [Int], input: Int, state: Int, count: Int) throws {
    let configuration = try EncoderForecasterConfiguration(
      patch: 4, hidden: hidden, inputKernel: [KernelSize(input)], stateKernel: [KernelSize(state)])
    #expect(configuration.parameterLayout.count == count)
  }

  /// The gradient of every parameter and of the input, against differences of the loss in both directions.
  @Test(arguments: [EncoderForecasterConfiguration.ForecasterOrder.same, .reversed])
  func finiteDifferences(order: EncoderForecasterConfiguration.ForecasterOrder) throws {
    let configuration = try EncoderForecasterConfiguration(
      patch: 2, hidden: [3, 2], inputKernel: [3, KernelSize(1, 5)], stateKernel: [KernelSize(5, 3), 1],
      forecasterOrder: order)
    let network = EncoderForecaster(configuration, seed: 3)
    var random = RandomSource(seed: 4)
    // Peepholes begin at zero; give them something to do.
    for index in 0..<network.parameters.values.count {
      network.parameters.values[index] += 0.3 * (random.uniform() - 0.5)
    }
    network.parameters["head.bias"] = Tensor(shape: [4], repeating: 0)
    // An odd size, so that a border is filled up.
    var input = Tensor.uniform(shape: [2, 2, 1, 5, 7], low: 0, high: 1, using: &random)
    var target = Tensor.uniform(shape: [2, 3, 1, 5, 7], low: 0, high: 1, using: &random)
    for index in 0..<20 { target[0, index % 3, 0, index % 5, index % 7] = .nan }
    let valid = MaskedLoss.validCount(target)
    func loss() -> Double {
      var loss = MaskedLoss(.squared)
      loss.add(prediction: network.forecast(input, leadFrames: 3), target: target)
      return loss.mean ?? .nan
    }
    let tape = network.makeTape(batch: 2, inputFrames: 2, leadFrames: 3, height: 5, width: 7, recording: .all)
    let output = network.forward(tape, input)
    var gradients = ParameterSet(configuration.parameterLayout)
    let inputGradient = try #require(
      network.backward(
        tape, outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: valid),
        into: &gradients, wantsInputGradient: true))

    let step: Float = 1e-2
    var worst = 0.0
    let scale = Double(gradients.values.elements.map(abs).max() ?? 0)
    for index in stride(from: 0, to: network.parameters.values.count, by: 3) {
      let value = network.parameters.values[index]
      network.parameters.values[index] = value + step
      let above = loss()
      network.parameters.values[index] = value - step
      let below = loss()
      network.parameters.values[index] = value
      worst = max(worst, abs((above - below) / (2 * Double(step)) - Double(gradients.values[index])) / scale)
    }
    print("finite differences, \(order): largest deviation of a parameter's gradient \(worst) of the largest gradient")
    #expect(worst < 2e-3)

    worst = 0
    let inputScale = Double(inputGradient.elements.map(abs).max() ?? 0)
    for index in [(0, 0, 0, 0), (1, 1, 4, 6), (0, 1, 2, 3), (1, 0, 4, 0), (0, 1, 0, 6)] {
      let (b, t, y, x) = index
      let value = input[b, t, 0, y, x]
      input[b, t, 0, y, x] = value + step
      let above = loss()
      input[b, t, 0, y, x] = value - step
      let below = loss()
      input[b, t, 0, y, x] = value
      let slope = (above - below) / (2 * Double(step))
      worst = max(worst, abs(slope - Double(inputGradient[b, t, 0, y, x])) / inputScale)
    }
    print("finite differences, \(order): largest deviation of an input's gradient \(worst)")
    #expect(worst < 2e-3)
  }

  @Test func theNumberOfThreadsChangesNoBit() throws {
    expectSameBitsForAnyThreads(try EncoderForecasterConfiguration(patch: 2, hidden: [20, 16]), height: 30, width: 22)
  }

  /// Kernels for other instructions round differently, and that is all they do.
  @Test(arguments: [3, 5]) func instructionSetsAgree(kernel: Int) throws {
    let configuration = try EncoderForecasterConfiguration(
      patch: 1, hidden: [20, 17], inputKernel: [3], stateKernel: [KernelSize(kernel)])
    var random = RandomSource(seed: 8)
    let input = Tensor.uniform(shape: [2, 2, 1, 11, 18], low: 0, high: 1, using: &random)
    let target = Tensor.uniform(shape: [2, 3, 1, 11, 18], low: 0, high: 1, using: &random)
    var results: [(output: Tensor, gradients: Tensor)] = []
    for set in InstructionSet.allCases where set.isSupported {
      let network = EncoderForecaster(configuration, seed: 6, pool: WorkerPool(threadCount: 2, instructionSet: set))
      let tape = network.makeTape(batch: 2, inputFrames: 2, leadFrames: 3, height: 11, width: 18, recording: .all)
      let output = network.forward(tape, input)
      // Without recording the gates are not stored: another path, the same numbers.
      #expect(network.forecast(input, leadFrames: 3) == output)
      var gradients = ParameterSet(configuration.parameterLayout)
      network.backward(
        tape,
        outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: target.count),
        into: &gradients)
      results.append((output, gradients.values))
    }
    for result in results.dropFirst() {
      #expect(difference("output", result.output, results[0].output) < 1e-6)
      #expect(difference("gradients", result.gradients, results[0].gradients, relative: true) < 1e-5)
    }
  }

  @Test func anyNumberOfLeadFrames() throws {
    let network = EncoderForecaster(try EncoderForecasterConfiguration(patch: 1, hidden: [4]), seed: 1)
    let input = Tensor(shape: [1, 3, 1, 6, 6], repeating: 0.4)
    let long = network.forecast(input, leadFrames: 9)
    let short = network.forecast(input, leadFrames: 2)
    #expect(long.part(0).parts(0..<2) == short.part(0))
  }
}

/// Expects outputs and gradients of a network not to depend on the number of threads.
func expectSameBitsForAnyThreads(_ configuration: EncoderForecasterConfiguration, height: Int, width: Int) {
  var random = RandomSource(seed: 5)
  let shape = [3, 2, 1, height, width]
  let input = Tensor.uniform(shape: shape, low: 0, high: 1, using: &random)
  let target = Tensor.uniform(shape: shape, low: 0, high: 1, using: &random)
  let results = (1...3).map { threads in
    let network = EncoderForecaster(configuration, seed: 6, pool: WorkerPool(threadCount: threads))
    let tape = network.makeTape(
      batch: 3, inputFrames: 2, leadFrames: 2, height: height, width: width, recording: .all)
    let output = network.forward(tape, input)
    var gradients = ParameterSet(configuration.parameterLayout)
    network.backward(
      tape,
      outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: target.count),
      into: &gradients)
    return [output, gradients.values]
  }
  #expect(results.allSatisfy { $0 == results[0] })
}
