import ConvKernels
import Tensor

/// One ConvLSTM layer's parameters, packed for the kernels, and its arithmetic over the steps of a ``LayerTape``.
///
/// Forward and backward stand side by side. `@unchecked Sendable`: packing happens while nothing else uses the layer.
final class Layer: @unchecked Sendable {
  let configuration: LayerConfiguration
  let prefix: String
  /// The weights for images of the size that was packed for; `nil` before.
  private var weights: LayerWeights?
  private let bias: AlignedBuffer
  private let peephole: AlignedBuffer?
  /// Sixteen zeros for each block of the input or the hidden state: a convolution that starts from nothing.
  private let zeros: AlignedBuffer
  private let gateOrder: ChannelOrder
  private let hiddenOrder: ChannelOrder
  private let inputOrder: ChannelOrder?

  init(_ configuration: LayerConfiguration, prefix: String) {
    self.configuration = configuration
    self.prefix = prefix
    let gates = ChannelOrder.gates(hidden: configuration.hiddenChannels)
    let hidden = ChannelOrder.plain(channels: configuration.hiddenChannels)
    let input = configuration.inputChannels.map(ChannelOrder.plain(channels:))
    bias = AlignedBuffer(count: gates.blocks * BlockedLayout.lanes)
    peephole = configuration.peephole ? AlignedBuffer(count: hidden.blocks * 3 * BlockedLayout.lanes) : nil
    zeros = AlignedBuffer(count: max(hidden.blocks, input?.blocks ?? 0) * BlockedLayout.lanes)
    (gateOrder, hiddenOrder, inputOrder) = (gates, hidden, input)
  }

  /// Takes the layer's parameters out of `parameters`, for images of one size.
  func pack(_ parameters: ParameterSet, forBackward: Bool, height: Int, width: Int, pool: WorkerPool) {
    let algorithms = configuration.algorithms(height: height, width: width)
    let packed =
      weights.flatMap { $0.algorithms == algorithms && ($0.hasTurned || !forBackward) ? $0 : nil }
      ?? LayerWeights(configuration, algorithms, forBackward: forBackward)
    weights = packed
    parameters.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      func pointer(_ name: String) -> UnsafePointer<Float>? {
        parameters.layout.entry(prefix + name).map { base + $0.offset }
      }
      packed.pack(input: pointer("input.weight"), state: pointer("state.weight"), forBackward: forBackward, pool: pool)
      if let plain = pointer("bias") { packChannels(plain, gateOrder, bias.pointer) }
      if let plain = pointer("peephole"), let peephole {
        packPeepholes(plain, hidden: configuration.hiddenChannels, peephole.pointer)
      }
    }
  }

  private func geometry(_ tape: LayerTape) -> LSTMStepGeometry {
    LSTMStepGeometry(
      hidden: tape.hiddenLayout, gates: tape.gatesLayout, bias: bias.pointer, peephole: peephole?.pointer)
  }

  /// Step `t` forward: hidden and cell state `t + 1` of the tape from those of `t` and the input.
  func forward(_ tape: LayerTape, step t: Int, input: BlockedImage?, pool: WorkerPool) {
    step(tape, t, tape.memory(step: t), input: input, pool: pool)
  }

  /// Computes the gates of step `t` again, where the forward pass did not keep them. The states come out as they were.
  func recomputeGates(_ tape: LayerTape, step t: Int, input: BlockedImage?, pool: WorkerPool) {
    step(tape, t, tape.backwardMemory(step: t), input: input, pool: pool)
  }

  private var packedWeights: LayerWeights {
    guard let weights else { preconditionFailure("a layer whose weights were not packed") }
    return weights
  }

  private func step(_ tape: LayerTape, _ t: Int, _ memory: LSTMStepMemory, input: BlockedImage?, pool: WorkerPool) {
    let weights = packedWeights
    var sources: [ConvolutionInput] = []
    if let input, let inputWeights = weights.input {
      sources.append(ConvolutionInput(input.buffer.pointer, input.layout, inputWeights))
    }
    if t > 0 || !tape.startsFromZero {
      sources.append(ConvolutionInput(tape.hidden(t).pointer, tape.hiddenLayout, weights.state))
    }
    lstmStepForward(sources, geometry(tape), memory, hidden: tape.hidden(t + 1).pointer, pool: pool)
  }

  /// Step `t` backward: from the tape's gradients with respect to hidden and cell state `t + 1` to those of `t`.
  ///
  /// - Parameters:
  ///   - inputGradient: has the gradient with respect to the input added to it.
  ///   - wantsStateGradient: whether the gradient with respect to hidden state `t` is of use to anybody.
  func backward(
    _ tape: LayerTape, step t: Int, inputGradient: BlockedImage?, wantsStateGradient: Bool = true, pool: WorkerPool
  ) {
    let memory = tape.backwardMemory(step: t)
    let (dh, dc) = (tape.hiddenGradient.pointer, tape.cellGradient.pointer)
    lstmStepBackward(geometry(tape), memory, hiddenGradient: dh, cellGradient: dc, pool: pool)
    guard let gates = memory.gates, let turnedState = packedWeights.turnedState else {
      preconditionFailure("the forward pass kept no gates, or the weights were packed without a backward pass")
    }
    var convolutions: [(input: ConvolutionInput, target: ConvolutionTarget)] = []
    if let inputGradient, let turnedInput = packedWeights.turnedInput {
      convolutions.append(
        (
          ConvolutionInput(gates, tape.gatesLayout, turnedInput),
          ConvolutionTarget(start: .output, output: inputGradient.buffer.pointer, inputGradient.layout)
        ))
    }
    if wantsStateGradient {
      convolutions.append(
        (
          ConvolutionInput(gates, tape.gatesLayout, turnedState),
          ConvolutionTarget(start: .bias(zeros.pointer), output: dh, tape.cellLayout)
        ))
    }
    convolve(convolutions, pool: pool)
  }

  /// Adds the gradients of biases and peepholes over some steps, after the backward pass of each, and those of the weights
  /// to sums that ``finishParameterGradients(_:inputs:into:pool:)`` adds in the end.
  ///
  /// - Parameters:
  ///   - steps: all of them, or one, if the tape has memory for one step's gates.
  ///   - inputs: the layer's input at each of them.
  func accumulateParameterGradients(
    _ tape: LayerTape, steps range: Range<Int>, inputs: [BlockedImage], into gradients: inout ParameterSet,
    pool: WorkerPool
  ) {
    precondition(tape.recording == .all || range.count == 1, "the gates of one step at a time")
    withParts(tape, range, inputs: inputs, of: &gradients) { parts, pointer in
      let steps = range.map(tape.backwardMemory(step:))
      let outputGradients = steps.map { step -> UnsafePointer<Float> in
        guard let gates = step.gates else { preconditionFailure("the forward pass kept no gates") }
        return UnsafePointer(gates)
      }
      accumulateWeightGradients(parts, outputGradients: outputGradients, sums: tape.weightSums, pool: pool)
      accumulateGateParameterGradients(
        steps, geometry(tape), hiddenChannels: configuration.hiddenChannels, bias: pointer("bias"),
        peephole: pointer("peephole"), pool: pool)
    }
  }

  /// Adds the weights' gradients that have been summed up.
  func finishParameterGradients(
    _ tape: LayerTape, inputs: [BlockedImage], into gradients: inout ParameterSet, pool: WorkerPool
  ) {
    guard let sums = tape.weightSums else { return }
    withParts(tape, 0..<tape.steps, inputs: inputs, of: &gradients) { parts, _ in
      addWeightGradientSums(parts, sums, pool: pool)
    }
  }

  /// Calls `body` with the layer's weight gradients and with what finds any of its gradients.
  private func withParts(
    _ tape: LayerTape, _ range: Range<Int>, inputs: [BlockedImage], of gradients: inout ParameterSet,
    _ body: ([WeightGradientPart], (String) -> UnsafeMutablePointer<Float>?) -> Void
  ) {
    let layout = gradients.layout
    let weights = packedWeights
    gradients.values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress else { return }
      func pointer(_ name: String) -> UnsafeMutablePointer<Float>? {
        layout.entry(prefix + name).map { base + $0.offset }
      }
      func part(
        _ target: UnsafeMutablePointer<Float>, _ images: [BlockedImage], _ order: ChannelOrder, _ weights: PackedWeights
      )
        -> WeightGradientPart
      {
        WeightGradientPart(
          images.map { UnsafePointer($0.buffer.pointer) },
          WeightGradientGeometry(
            inputLayout: images[0].layout, outputLayout: tape.gatesLayout, input: order, output: gateOrder,
            kernelHeight: weights.kernelHeight, kernelWidth: weights.kernelWidth, algorithm: weights.algorithm),
          into: target)
      }
      var parts: [WeightGradientPart] = []
      if let inputOrder, let inputWeights = weights.input, let target = pointer("input.weight"), !inputs.isEmpty {
        parts.append(part(target, inputs, inputOrder, inputWeights))
      }
      if let target = pointer("state.weight") {
        parts.append(part(target, range.map(tape.hiddenImage), hiddenOrder, weights.state))
      }
      body(parts, pointer)
    }
  }
}
