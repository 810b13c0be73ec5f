import ConvKernels
import ConvLSTM
import Foundation
import Nowcasting
import Tensor
import Testing

/// One file of `Fixtures`, written from PyTorch: those in `convlstm` by `Scripts/make-convlstm-fixtures.py`, those in
/// `training` by `Scripts/make-training-fixtures.py`.
struct Reference {
  private let file: SafetensorsFile

  init(_ name: String, in folder: String = "convlstm") throws {
    let fixtures = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Fixtures/\(folder)").standardized
    file = try SafetensorsFile(contentsOf: fixtures.appendingPathComponent(name + ".safetensors").path)
  }

  subscript(_ name: String) -> Tensor {
    guard let tensor = file.tensors[name] else { preconditionFailure("the fixture has no tensor \(name)") }
    return tensor
  }

  /// The parameters of a layout; `rename` gives a parameter's name in the file.
  func parameters(_ layout: ParameterLayout, _ rename: (String) -> String = { $0 }) -> ParameterSet {
    var result = ParameterSet(layout)
    for entry in layout.entries { result[entry.name] = self[rename(entry.name)] }
    return result
  }
}

/// The largest difference, after it was printed. NaN counts as infinite.
func difference(_ name: String, _ a: Tensor, _ b: Tensor, relative: Bool = false) -> Double {
  guard a.shape == b.shape else {
    print("\(name): shape \(a.shape), not \(b.shape)")
    return .infinity
  }
  var (worst, scale) = (0.0, 0.0)
  for (x, y) in zip(a.elements, b.elements) {
    let d = abs(Double(x) - Double(y))
    worst = d.isNaN ? .infinity : max(worst, d)
    scale = max(scale, abs(Double(y)))
  }
  let result = relative ? worst / max(scale, 1e-30) : worst
  print("\(name): largest \(relative ? "relative " : "")difference \(result)")
  return result
}

/// Every gradient of a set against the fixture's `grad.NAME`.
func expectGradients(
  _ gradients: ParameterSet, _ reference: Reference, _ rename: (String) -> String = { $0 },
  sourceLocation: SourceLocation = #_sourceLocation
) {
  for entry in gradients.layout.entries {
    guard let tensor = gradients[entry.name] else { continue }
    let name = "grad." + rename(entry.name)
    #expect(difference(name, tensor, reference[name], relative: true) < 1e-4, sourceLocation: sourceLocation)
  }
}

/// Agreement with PyTorch on the same weights: outputs within 1e-5, gradients within 1e-4 relative.
@Suite struct PyTorchTests {
  /// Few channels, and more than the sixteen of a block, whose gates then lie apart; by Winograd's algorithm and directly.
  @Test(arguments: [
    ("cell", LayerConfiguration(inputChannels: 3, hiddenChannels: 5, inputKernel: 3, stateKernel: 5)),
    (
      "cell-plain",
      LayerConfiguration(
        inputChannels: 3, hiddenChannels: 16, inputKernel: 1, stateKernel: 3, bias: false, peephole: false)
    ),
    ("cell-wide", LayerConfiguration(inputChannels: 3, hiddenChannels: 20, inputKernel: 3, stateKernel: 3)),
    ("cell-wide-direct", LayerConfiguration(inputChannels: 2, hiddenChannels: 18, inputKernel: 7, stateKernel: 1)),
  ])
  func cell(_ name: String, _ configuration: LayerConfiguration) throws {
    let reference = try Reference(name)
    let cell = try ConvLSTMCell(configuration)
    let rename = { (name: String) in String(name.dropFirst("layers.0.".count)) }
    cell.parameters = reference.parameters(cell.parameters.layout, rename)
    let state = ConvLSTMState(hidden: reference["h0"], cell: reference["c0"])
    let (after, tape) = try cell.forwardRecording(reference["x"], state: state)
    #expect(difference("h1", after.hidden, reference["h1"]) < 1e-5)
    #expect(difference("c1", after.cell, reference["c1"]) < 1e-5)
    #expect(try cell(reference["x"], state: state) == after)

    let gradients = cell.backward(
      tape, stateGradient: ConvLSTMState(hidden: reference["gh"], cell: reference["gc"]))
    expectGradients(gradients.parameters, reference, rename)
    #expect(difference("grad.x", gradients.input, reference["grad.x"], relative: true) < 1e-4)
    #expect(difference("grad.h0", gradients.state.hidden, reference["grad.h0"], relative: true) < 1e-4)
    #expect(difference("grad.c0", gradients.state.cell, reference["grad.c0"], relative: true) < 1e-4)
  }

  /// The classic class with its concatenated convolution, two layers of different kernels, and initial states.
  @Test(arguments: [true, false]) func layers(batchFirst: Bool) throws {
    let reference = try Reference("layers")
    let lstm = try ConvLSTM(
      inputChannels: 2, hiddenChannels: [4, 6], kernels: [3, 5], batchFirst: batchFirst, returnAllLayers: true)
    lstm.parameters = reference.parameters(lstm.parameters.layout)
    let initial = (0..<2).map {
      ConvLSTMState(hidden: reference["layers.\($0).initial.h"], cell: reference["layers.\($0).initial.c"])
    }
    let x = batchFirst ? reference["x"] : reference["x"].swappingFirstTwoDimensions()
    let (result, tape) = try lstm.forwardRecording(x, initialStates: initial)
    for layer in 0..<2 {
      let name = "layers.\(layer)"
      #expect(difference("\(name).output", result.outputs[layer], reference["\(name).output"]) < 1e-5)
      #expect(difference("\(name).last.h", result.lastStates[layer].hidden, reference["\(name).last.h"]) < 1e-5)
      #expect(difference("\(name).last.c", result.lastStates[layer].cell, reference["\(name).last.c"]) < 1e-5)
    }
    let gradients = lstm.backward(
      tape, outputGradients: [nil, reference["go"]],
      lastStateGradients: (0..<2).map {
        ConvLSTMState(hidden: reference["layers.\($0).gh"], cell: reference["layers.\($0).gc"])
      })
    expectGradients(gradients.parameters, reference)
    let dx = batchFirst ? gradients.input : gradients.input.swappingFirstTwoDimensions()
    #expect(difference("grad.x", dx, reference["grad.x"], relative: true) < 1e-4)
    for layer in 0..<2 {
      let (name, state) = ("grad.layers.\(layer).initial", gradients.initialStates[layer])
      #expect(difference("\(name).h", state.hidden, reference["\(name).h"], relative: true) < 1e-4)
      #expect(difference("\(name).c", state.cell, reference["\(name).c"], relative: true) < 1e-4)
    }
  }

  @Test(arguments: ["encoder-forecaster", "encoder-forecaster-reversed"], [TapeRecording.all, .states])
  func encoderForecaster(_ name: String, recording: TapeRecording) throws {
    let reference = try Reference(name)
    let reversed = name.hasSuffix("reversed")
    let configuration = try EncoderForecasterConfiguration(
      patch: 2, hidden: [6, 4], inputKernel: [3], stateKernel: [reversed ? 5 : 3], peephole: !reversed,
      forecasterOrder: reversed ? .reversed : .same)
    let network = EncoderForecaster(
      configuration, parameters: reference.parameters(configuration.parameterLayout))
    try expectAgreement(network, reference, recording: recording)
  }

  /// Fifty steps of Adam with clipping from the same weights and batches.
  @Test(arguments: [false, true]) func trainingTrajectory(recomputes: Bool) throws {
    let reference = try Reference("trajectory")
    let configuration = try EncoderForecasterConfiguration(patch: 2, hidden: [8, 8])
    let network = EncoderForecaster(
      configuration, parameters: reference.parameters(configuration.parameterLayout) { "initial." + $0 })
    let trainingStep = TrainingStep(
      network, batch: 2, inputFrames: 3, leadFrames: 3, height: 16, width: 16, recomputes: recomputes)
    var adam = Optimizer(.adam(), count: configuration.parameterLayout.count)
    var (worstLoss, worstNorm) = (0.0, 0.0)
    for step in 0..<50 {
      let batch = "batches.\(step % 5)."
      let target = reference[batch + "target"].missing(where: reference[batch + "mask"])
      var gradients = ParameterSet(configuration.parameterLayout)
      let loss = trainingStep(input: reference[batch + "input"], target: target, into: &gradients)
      let norm = gradients.clip(toNorm: 0.075)
      adam.update(&network.parameters, gradients: gradients, learningRate: 1e-3)
      let expected = (Double(reference["losses"][step]), Double(reference["gradient_norms"][step]))
      worstLoss = max(worstLoss, abs((loss.mean ?? .infinity) - expected.0) / expected.0)
      worstNorm = max(worstNorm, abs(norm - expected.1) / expected.1)
    }
    print("trajectory: largest relative differences, loss \(worstLoss), gradient norm \(worstNorm)")
    #expect(worstLoss < 1e-4)
    #expect(worstNorm < 1e-3)
    for entry in configuration.parameterLayout.entries {
      let final = try #require(network.parameters[entry.name])
      #expect(difference("final.\(entry.name)", final, reference["final.\(entry.name)"]) < 1e-5)
    }
  }
}

extension Tensor {
  /// NaN where `mask` is zero.
  func missing(where mask: Tensor) -> Tensor {
    Tensor(shape: shape, zip(elements, mask.elements).map { $1 == 0 ? .nan : $0 })
  }
}

/// Expects a network's outputs, loss and gradients to be those of a fixture.
func expectAgreement(_ network: EncoderForecaster, _ reference: Reference, recording: TapeRecording) throws {
  let (input, expected) = (reference["input"], reference["output"])
  let leadFrames = expected.shape[1]
  let tape = network.makeTape(
    batch: input.shape[0], inputFrames: input.shape[1], leadFrames: leadFrames, height: input.shape[3],
    width: input.shape[4], recording: recording)
  // Twice with the same memory: the second step must not see the first.
  for round in 1...2 {
    let output = network.forward(tape, input)
    #expect(difference("output, round \(round)", output, expected) < 1e-5)
    #expect(output == network.forecast(input, leadFrames: leadFrames))

    let target = reference["target"].missing(where: reference["mask"])
    var loss = MaskedLoss(.squared)
    loss.add(prediction: output, target: target)
    #expect(abs((loss.mean ?? .nan) - Double(reference["loss"][0])) < 1e-7)
    var gradients = ParameterSet(network.configuration.parameterLayout)
    let dx = network.backward(
      tape,
      outputGradient: MaskedLoss.gradient(.squared, prediction: output, target: target, validCount: loss.count),
      into: &gradients, wantsInputGradient: true)
    expectGradients(gradients, reference)
    #expect(difference("grad.input", try #require(dx), reference["grad.input"], relative: true) < 1e-4)
  }
}
