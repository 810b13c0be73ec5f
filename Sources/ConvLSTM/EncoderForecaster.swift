import ConvKernels
import Tensor

/// The encoder–forecaster of Shi et al. 2015: ConvLSTM layers read the frames seen, and further layers, which start from
/// their last states and have no input of their own, unfold the frames to come.
///
/// The head is a 1×1 convolution over the hidden states of all forecaster layers, then the logistic function. Frames are
/// values in [0, 1], `[b, t, c, h, w]`, of any height and width.
public final class EncoderForecaster {
  /// The architecture.
  public let configuration: EncoderForecasterConfiguration
  /// All weights. Setting them has them packed anew before they are used.
  ///
  /// - Precondition: they have the architecture's layout.
  public var parameters: ParameterSet {
    didSet {
      precondition(parameters.layout == parameterLayout, "parameters of another architecture")
      packed = nil
    }
  }
  private let parameterLayout: ParameterLayout

  /// What the layers' weights are packed for.
  private struct Packing {
    let forBackward: Bool
    let height: Int
    let width: Int
  }
  private var packed: Packing?
  private let encoder: [Layer]
  private let forecaster: [Layer]
  private let head: Head
  let pool: WorkerPool

  /// Makes a network with given weights.
  ///
  /// - Precondition: the parameters have the architecture's layout.
  public init(
    _ configuration: EncoderForecasterConfiguration, parameters: ParameterSet, pool: WorkerPool = .standard
  ) {
    parameterLayout = configuration.parameterLayout
    precondition(parameters.layout == parameterLayout, "parameters of another architecture")
    self.configuration = configuration
    self.parameters = parameters
    self.pool = pool
    encoder = configuration.encoderLayers.enumerated().map { Layer($1, prefix: "encoder.layers.\($0).") }
    forecaster = configuration.forecasterLayers.enumerated().map { Layer($1, prefix: "forecaster.layers.\($0).") }
    head = Head(layers: configuration.forecasterLayers.map(\.hiddenChannels), output: configuration.foldedChannels)
  }

  /// Makes a network with random first weights; the same seed gives the same weights.
  public convenience init(_ configuration: EncoderForecasterConfiguration, seed: UInt64, pool: WorkerPool = .standard) {
    var parameters = ParameterSet(configuration.parameterLayout)
    var source = RandomSource(seed: seed)
    for (part, layers) in [("encoder", configuration.encoderLayers), ("forecaster", configuration.forecasterLayers)] {
      for (index, layer) in layers.enumerated() {
        parameters.drawLayer(layer, prefix: "\(part).layers.\(index).", using: &source)
      }
    }
    let shape = [configuration.foldedChannels, configuration.hidden.reduce(0, +), 1, 1]
    let bound = 1 / Float(shape[1]).squareRoot()
    parameters["head.weight"] = Tensor.uniform(shape: shape, low: -bound, high: bound, using: &source)
    // Most pixels of most radar frames are dry, that is zero: begin near there.
    parameters["head.bias"] = Tensor(shape: [configuration.foldedChannels], repeating: -3)
    self.init(configuration, parameters: parameters, pool: pool)
  }

  private func pack(for tape: EncoderForecasterTape) {
    let layout = tape.input[0].layout
    let wanted = Packing(forBackward: tape.recording != .nothing, height: layout.height, width: layout.width)
    if let packed, packed.height == wanted.height, packed.width == wanted.width,
      packed.forBackward || !wanted.forBackward
    {
      return
    }
    for layer in encoder + forecaster {
      layer.pack(
        parameters, forBackward: wanted.forBackward, height: wanted.height, width: wanted.width, pool: pool)
    }
    head.pack(parameters, forBackward: wanted.forBackward, pool: pool)
    packed = wanted
  }

  /// Makes the memory for forecasts, or for training steps, of one size. It can be used again and again.
  ///
  /// - Parameter recording: what is kept for a backward pass.
  public func makeTape(
    batch: Int, inputFrames: Int, leadFrames: Int, height: Int, width: Int, recording: TapeRecording
  ) -> EncoderForecasterTape {
    EncoderForecasterTape(
      configuration, batch: batch, inputFrames: inputFrames, leadFrames: leadFrames, height: height, width: width,
      recording: recording)
  }

  /// Forecasts `leadFrames` frames from `input`, `[b, t, c, h, w]`; the result is `[b, leadFrames, c, h, w]`.
  public func forecast(_ input: Tensor, leadFrames: Int) -> Tensor {
    precondition(input.rank == 5, "frames are [b, t, c, h, w], not \(input.shape)")
    let tape = makeTape(
      batch: input.shape[0], inputFrames: input.shape[1], leadFrames: leadFrames, height: input.shape[3],
      width: input.shape[4], recording: .nothing)
    return forward(tape, input)
  }

  /// Forecasts with the memory of `tape`.
  ///
  /// - Parameter input: `[b, inputFrames, c, h, w]`.
  /// - Returns: `[b, leadFrames, c, h, w]`.
  public func forward(_ tape: EncoderForecasterTape, _ input: Tensor) -> Tensor {
    precondition(input.shape == tape.inputShape, "the tape is for frames \(tape.inputShape), not \(input.shape)")
    pack(for: tape)
    for layer in tape.encoder { layer.clearInitialState(pool: pool) }
    for t in 0..<tape.inputFrames {
      var image = tape.readInput(t, input, pool: pool)
      for (layer, memory) in zip(encoder, tape.encoder) {
        layer.forward(memory, step: t, input: image, pool: pool)
        image = memory.hiddenImage(t + 1)
      }
    }
    var output = Tensor(uninitialized: tape.outputShape)
    for t in 0..<tape.leadFrames {
      var image: BlockedImage?
      for (layer, memory) in zip(forecaster, tape.forecaster) {
        layer.forward(memory, step: t, input: image, pool: pool)
        image = memory.hiddenImage(t + 1)
      }
      head.forward(tape.forecaster.map { $0.hiddenImage(t + 1) }, output: tape.output(t), pool: pool)
      tape.writeOutput(t, to: &output, pool: pool)
    }
    return output
  }

  /// Adds to `gradients` those of the loss with respect to all parameters, after a forward pass with the same tape.
  ///
  /// The tape's recording is used up.
  ///
  /// - Parameters:
  ///   - outputGradient: the loss's gradient with respect to the output, `[b, leadFrames, c, h, w]`.
  ///   - isBeforeLogistic: whether that gradient is with respect to the numbers in front of the logistic function.
  ///   - wantsInputGradient: whether to compute the gradient with respect to the input, too.
  /// - Returns: the gradient with respect to the input, `[b, inputFrames, c, h, w]`, where wanted.
  @discardableResult
  public func backward(
    _ tape: EncoderForecasterTape, outputGradient: Tensor, isBeforeLogistic: Bool = false,
    into gradients: inout ParameterSet, wantsInputGradient: Bool = false
  ) -> Tensor? {
    backward(
      tape, outputGradient: outputGradient, isBeforeLogistic: isBeforeLogistic, into: &gradients,
      wantsInputGradient: wantsInputGradient, isLast: true)
  }

  /// As ``backward(_:outputGradient:isBeforeLogistic:into:wantsInputGradient:)``.
  ///
  /// - Parameter isLast: without it the weights' gradients wait, as sums in the transformed domain, for those of the next
  ///   sub-batch with a tape in the same memory.
  @discardableResult
  func backward(
    _ tape: EncoderForecasterTape, outputGradient: Tensor, isBeforeLogistic: Bool,
    into gradients: inout ParameterSet, wantsInputGradient: Bool = false, isLast: Bool
  ) -> Tensor? {
    precondition(tape.recording != .nothing, "the tape did not record")
    precondition(outputGradient.shape == tape.outputShape, "a gradient of another shape than the output")
    precondition(gradients.layout == parameters.layout, "gradients of another architecture")
    for layer in tape.forecaster { layer.clearGradients() }
    for t in (0..<tape.leadFrames).reversed() {
      tape.readOutputGradient(t, outputGradient, pool: pool)
      head.backward(
        output: tape.output(t), outputGradient: tape.outputGradient, isBeforeLogistic: isBeforeLogistic,
        into: tape.forecaster.map(\.hiddenGradientImage), pool: pool)
      backwardStep(forecaster, tape.forecaster, step: t, input: nil, inputGradient: nil, into: &gradients)
    }
    var inputGradient: Tensor? = wantsInputGradient ? Tensor(shape: tape.inputShape) : nil
    for t in (0..<tape.inputFrames).reversed() {
      let image = wantsInputGradient ? tape.makeInputGradient() : nil
      backwardStep(
        encoder, tape.encoder, step: t, input: tape.input[t], inputGradient: image, into: &gradients)
      if let image { tape.writeInputGradient(t, image, to: &inputGradient, pool: pool) }
    }
    accumulateParameterGradients(tape, isLast: isLast, into: &gradients)
    return inputGradient
  }

  /// One time step of a stack of layers, the last layer first.
  private func backwardStep(
    _ layers: [Layer], _ memory: [LayerTape], step t: Int, input: BlockedImage?, inputGradient: BlockedImage?,
    into gradients: inout ParameterSet
  ) {
    for index in layers.indices.reversed() {
      let (layer, tape) = (layers[index], memory[index])
      let source = index > 0 ? memory[index - 1].hiddenImage(t + 1) : input
      let below = index > 0 ? memory[index - 1].hiddenGradientImage : inputGradient
      let recomputes = tape.recording == .states
      if recomputes { layer.recomputeGates(tape, step: t, input: source, pool: pool) }
      layer.backward(
        tape, step: t, inputGradient: below, wantsStateGradient: t > 0 || !tape.startsFromZero, pool: pool)
      // The next layer needs the memory of these gates.
      if recomputes {
        layer.accumulateParameterGradients(
          tape, steps: t..<t + 1, inputs: source.map { [$0] } ?? [], into: &gradients, pool: pool)
      }
    }
  }

  private func accumulateParameterGradients(
    _ tape: EncoderForecasterTape, isLast: Bool, into gradients: inout ParameterSet
  ) {
    for (layers, memory, input) in [(encoder, tape.encoder, tape.input), (forecaster, tape.forecaster, [])] {
      for index in layers.indices {
        let steps = 0..<memory[index].steps
        let inputs = index == 0 ? input : steps.map { memory[index - 1].hiddenImage($0 + 1) }
        if tape.recording == .all {
          layers[index].accumulateParameterGradients(
            memory[index], steps: steps, inputs: inputs, into: &gradients, pool: pool)
        }
        if isLast {
          layers[index].finishParameterGradients(memory[index], inputs: inputs, into: &gradients, pool: pool)
        }
      }
    }
    head.accumulateParameterGradients(
      hidden: (0..<tape.leadFrames).map { t in tape.forecaster.map { $0.hiddenImage(t + 1) } },
      outputGradients: (0..<tape.leadFrames).map(tape.output), into: &gradients, pool: pool)
  }
}
