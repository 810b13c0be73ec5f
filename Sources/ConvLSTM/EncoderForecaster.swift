import ConvKernels
import Tensor

/// The encoder–forecaster of Shi et al. 2015: ConvLSTM layers read the frames seen, and further layers, which start from
/// their last states and have no input of their own, unfold the frames to come.
///
/// The head is a 1×1 convolution over the hidden states of all forecaster layers, then the logistic function. With
/// ``Scales`` (Shi et al. 2017) each encoder layer reads through a strided convolution what is below it, a transposed one
/// follows each forecaster layer, and the head reads the last of them through one more convolution. Frames are values in
/// [0, 1], `[b, t, c, h, w]`, of any height and width.
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
  /// The parameters of the head and of each layer, as places in the flat buffer, in the order in which the backward pass
  /// has done with them.
  public let gradientBuckets: [Range<Int>]

  /// What the layers' weights are packed for.
  private struct Packing {
    let forBackward: Bool
    let height: Int
    let width: Int
  }
  private var packed: Packing?
  private let encoder: [Stage]
  private let forecaster: [Stage]
  /// The convolution in front of the head, in a network of several scales.
  private let outputConvolution: Resampling?
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
    encoder = configuration.encoderLayers.enumerated().map { index, layer in
      let prefix = "encoder.layers.\(index)."
      return Stage(
        layer: Layer(layer, prefix: prefix),
        before: configuration.scales.isEmpty
          ? nil : Resampling(configuration.downsamplings[index], prefix: prefix + "downsampling."), after: nil)
    }
    forecaster = configuration.forecasterLayers.enumerated().map { index, layer in
      let prefix = "forecaster.layers.\(index)."
      return Stage(
        layer: Layer(layer, prefix: prefix), before: nil,
        after: configuration.scales.isEmpty
          ? nil : Resampling(configuration.upsamplings[index], prefix: prefix + "upsampling."))
    }
    outputConvolution = configuration.outputConvolution.map { Resampling($0, prefix: "head.convolution.") }
    head = Head(layers: configuration.headChannels, output: configuration.foldedOutputChannels)
    let prefixes = ["head."] + (forecaster.reversed() + encoder.reversed()).map(\.layer.prefix)
    gradientBuckets = prefixes.compactMap(parameterLayout.range)
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
    for (index, resampling) in configuration.downsamplings.enumerated() {
      parameters.drawResampling(resampling, prefix: "encoder.layers.\(index).downsampling.", using: &source)
    }
    for (index, resampling) in configuration.upsamplings.enumerated() {
      parameters.drawResampling(resampling, prefix: "forecaster.layers.\(index).upsampling.", using: &source)
    }
    if let resampling = configuration.outputConvolution {
      parameters.drawResampling(resampling, prefix: "head.convolution.", using: &source)
    }
    let hidden = configuration.headChannels.reduce(0, +) - configuration.foldedGuidanceChannels
    let bound = 1 / Float(hidden).squareRoot()
    parameters["head.weight"] = Tensor.uniform(
      shape: [configuration.foldedOutputChannels, hidden, 1, 1], low: -bound, high: bound, using: &source
    ).widened(by: configuration.foldedGuidanceChannels)
    // Most pixels of most radar frames are dry, that is zero: begin near there.
    parameters["head.bias"] = Tensor(shape: [configuration.foldedOutputChannels], repeating: -3)
    self.init(configuration, parameters: parameters, pool: pool)
  }

  private func pack(for tape: EncoderForecasterTape) {
    let wanted = Packing(
      forBackward: tape.recording != .nothing, height: tape.inputShape[3], width: tape.inputShape[4])
    if let packed, packed.height == wanted.height, packed.width == wanted.width,
      packed.forBackward || !wanted.forBackward
    {
      return
    }
    let forBackward = wanted.forBackward
    for (stage, memory) in zip(encoder + forecaster, tape.encoder + tape.forecaster) {
      let layout = memory.layer.hiddenLayout
      stage.layer.pack(parameters, forBackward: forBackward, height: layout.height, width: layout.width, pool: pool)
      for resampling in [stage.before, stage.after] {
        resampling?.pack(parameters, forBackward: forBackward, height: layout.height, width: layout.width, pool: pool)
      }
    }
    let output = tape.outputLayout
    outputConvolution?.pack(
      parameters, forBackward: forBackward, height: output.height, width: output.width, pool: pool)
    head.pack(parameters, forBackward: forBackward, pool: pool)
    packed = wanted
  }

  /// Makes the memory for forecasts, or for training steps, of one size. It can be used again and again.
  ///
  /// - Parameters:
  ///   - batch: samples.
  ///   - inputFrames: frames of a sample that are read.
  ///   - leadFrames: frames that are forecast.
  ///   - height: rows of a frame.
  ///   - width: its columns.
  ///   - recording: what is kept for a backward pass.
  public func makeTape(
    batch: Int, inputFrames: Int, leadFrames: Int, height: Int, width: Int, recording: TapeRecording
  ) -> EncoderForecasterTape {
    EncoderForecasterTape(
      configuration, batch: batch, inputFrames: inputFrames, leadFrames: leadFrames, height: height, width: width,
      recording: recording)
  }

  /// Forecasts `leadFrames` frames from `input`, `[b, t, c, h, w]`; the result is `[b, leadFrames, c, h, w]`.
  ///
  /// - Precondition: the network reads no guidance.
  public func forecast(_ input: Tensor, leadFrames: Int) -> Tensor {
    precondition(input.rank == 5, "frames are [b, t, c, h, w], not \(input.shape)")
    let tape = makeTape(
      batch: input.shape[0], inputFrames: input.shape[1], leadFrames: leadFrames, height: input.shape[3],
      width: input.shape[4], recording: .nothing)
    return forward(tape, input)
  }

  /// Forecasts with the memory of `tape`.
  ///
  /// - Parameters:
  ///   - tape: made for frames of the input's size.
  ///   - input: `[b, inputFrames, c, h, w]`.
  ///   - guidance: `[b, leadFrames, guidanceChannels, h, w]`, for a network that reads some.
  /// - Returns: `[b, leadFrames, c, h, w]`.
  public func forward(_ tape: EncoderForecasterTape, _ input: Tensor, guidance: Tensor? = nil) -> Tensor {
    precondition(input.shape == tape.inputShape, "the tape is for frames \(tape.inputShape), not \(input.shape)")
    precondition(
      guidance?.shape == tape.guidanceShape,
      "the tape is for guidance \(tape.guidanceShape ?? []), not \(guidance?.shape ?? [])")
    pack(for: tape)
    for stage in tape.encoder { stage.layer.clearInitialState(pool: pool) }
    for t in 0..<tape.inputFrames {
      forward(encoder, tape.encoder, step: t, input: tape.readInput(t, input, pool: pool))
    }
    var output = Tensor(uninitialized: tape.outputShape)
    for t in 0..<tape.leadFrames {
      forward(forecaster, tape.forecaster, step: t, input: nil)
      if let outputConvolution, let memory = tape.outputConvolution, let last = tape.forecaster.last {
        _ = outputConvolution.forward(memory, step: t, input: last.output(t), pool: pool)
      }
      if let guidance { tape.readGuidance(t, guidance, pool: pool) }
      head.forward(tape.headInputs(t), output: tape.output(t), pool: pool)
      tape.writeOutput(t, to: &output, pool: pool)
    }
    return output
  }

  /// One time step of a stack of layers, the first layer first.
  private func forward(_ stages: [Stage], _ memory: [StageTape], step t: Int, input: BlockedImage?) {
    var image = input
    for (stage, memory) in zip(stages, memory) {
      if let before = stage.before, let tape = memory.before, let below = image {
        image = before.forward(tape, step: t, input: below, pool: pool)
      }
      stage.layer.forward(memory.layer, step: t, input: image, pool: pool)
      image = memory.layer.hiddenImage(t + 1)
      if let after = stage.after, let tape = memory.after, let hidden = image {
        image = after.forward(tape, step: t, input: hidden, pool: pool)
      }
    }
  }

  /// Adds to `gradients` those of the loss with respect to all parameters, after a forward pass with the same tape.
  ///
  /// The tape's recording is used up. There is none with respect to guidance.
  ///
  /// - Parameters:
  ///   - tape: that of the forward pass.
  ///   - outputGradient: the loss's gradient with respect to the output, `[b, leadFrames, c, h, w]`.
  ///   - isBeforeLogistic: whether that gradient is with respect to the numbers in front of the logistic function.
  ///   - gradients: those of all parameters, which are added to.
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
  /// - Parameters:
  ///   - isLast: without it the weights' gradients wait, as sums in the transformed domain, for those of the next
  ///     sub-batch with a tape in the same memory.
  ///   - whenFinal: is called with each of ``gradientBuckets``, in their order, as soon as its gradients are final; only
  ///     where `isLast`.
  @discardableResult
  func backward(
    _ tape: EncoderForecasterTape, outputGradient: Tensor, isBeforeLogistic: Bool,
    into gradients: inout ParameterSet, wantsInputGradient: Bool = false, isLast: Bool,
    whenFinal: ((Range<Int>, ParameterSet) -> Void)? = nil
  ) -> Tensor? {
    precondition(tape.recording != .nothing, "the tape did not record")
    precondition(outputGradient.shape == tape.outputShape, "a gradient of another shape than the output")
    precondition(gradients.layout == parameters.layout, "gradients of another architecture")
    for stage in tape.forecaster { stage.layer.clearGradients() }
    for t in (0..<tape.leadFrames).reversed() {
      tape.readOutputGradient(t, outputGradient, pool: pool)
      head.backward(
        output: tape.output(t), outputGradient: tape.outputGradient, isBeforeLogistic: isBeforeLogistic,
        into: tape.headInputGradients, pool: pool)
      if let outputConvolution, let memory = tape.outputConvolution, let last = tape.forecaster.last {
        outputConvolution.backward(
          memory, step: t, input: last.output(t), inputGradient: last.outputGradient, into: &gradients, pool: pool)
      }
      backwardStep(forecaster, tape.forecaster, step: t, input: nil, inputGradient: nil, into: &gradients)
    }
    var final = gradientBuckets[...]
    func tellFinal(_ gradients: ParameterSet) {
      if isLast, let bucket = final.popFirst() { whenFinal?(bucket, gradients) }
    }
    // What is final is told at once: another machine may have it while the encoder is still at work.
    accumulateHeadGradients(tape, isLast: isLast, into: &gradients)
    tellFinal(gradients)
    for index in forecaster.indices.reversed() {
      accumulateParameterGradients(forecaster, tape.forecaster, index, input: [], isLast: isLast, into: &gradients)
      tellFinal(gradients)
    }
    var inputGradient: Tensor? = wantsInputGradient ? Tensor(shape: tape.inputShape) : nil
    for t in (0..<tape.inputFrames).reversed() {
      let image = wantsInputGradient ? tape.makeInputGradient() : nil
      backwardStep(
        encoder, tape.encoder, step: t, input: tape.input[t], inputGradient: image, into: &gradients)
      if let image { tape.writeInputGradient(t, image, to: &inputGradient, pool: pool) }
    }
    for index in encoder.indices.reversed() {
      accumulateParameterGradients(encoder, tape.encoder, index, input: tape.input, isLast: isLast, into: &gradients)
      tellFinal(gradients)
    }
    return inputGradient
  }

  /// One time step of a stack of layers, the last layer first.
  private func backwardStep(
    _ stages: [Stage], _ memory: [StageTape], step t: Int, input: BlockedImage?, inputGradient: BlockedImage?,
    into gradients: inout ParameterSet
  ) {
    for index in stages.indices.reversed() {
      let (stage, tape) = (stages[index], memory[index])
      if let after = stage.after, let memory = tape.after {
        after.backward(
          memory, step: t, input: tape.layer.hiddenImage(t + 1), inputGradient: tape.layer.hiddenGradientImage,
          into: &gradients, pool: pool)
      }
      let below = index > 0 ? memory[index - 1].output(t) : input
      let belowGradient = index > 0 ? memory[index - 1].outputGradient : inputGradient
      let source = tape.before?.output(t) ?? below
      let recomputes = tape.layer.recording == .states
      if recomputes { stage.layer.recomputeGates(tape.layer, step: t, input: source, pool: pool) }
      stage.layer.backward(
        tape.layer, step: t, inputGradient: tape.before?.outputGradient ?? belowGradient,
        wantsStateGradient: t > 0 || !tape.layer.startsFromZero, pool: pool)
      // The next layer needs the memory of these gates.
      if recomputes {
        stage.layer.accumulateParameterGradients(
          tape.layer, steps: t..<t + 1, inputs: source.map { [$0] } ?? [], into: &gradients, pool: pool)
      }
      if let before = stage.before, let memory = tape.before, let below {
        before.backward(memory, step: t, input: below, inputGradient: belowGradient, into: &gradients, pool: pool)
      }
    }
  }

  /// The gradients of one layer and its resampling over all steps.
  ///
  /// - Parameter input: what the first layer read.
  private func accumulateParameterGradients(
    _ stages: [Stage], _ memory: [StageTape], _ index: Int, input: [BlockedImage], isLast: Bool,
    into gradients: inout ParameterSet
  ) {
    let (stage, own) = (stages[index], memory[index])
    let steps = 0..<own.layer.steps
    let below = index == 0 ? input : steps.map(memory[index - 1].output)
    let inputs = own.before.map { steps.map($0.output) } ?? below
    if own.layer.recording == .all {
      stage.layer.accumulateParameterGradients(own.layer, steps: steps, inputs: inputs, into: &gradients, pool: pool)
    }
    guard isLast else { return }
    stage.layer.finishParameterGradients(own.layer, inputs: inputs, into: &gradients, pool: pool)
    if let before = stage.before, let memory = own.before {
      before.finishParameterGradients(memory, input: below[0], into: &gradients, pool: pool)
    }
    if let after = stage.after, let memory = own.after {
      after.finishParameterGradients(memory, input: own.layer.hiddenImage(1), into: &gradients, pool: pool)
    }
  }

  private func accumulateHeadGradients(
    _ tape: EncoderForecasterTape, isLast: Bool, into gradients: inout ParameterSet
  ) {
    if isLast, let outputConvolution, let memory = tape.outputConvolution, let last = tape.forecaster.last {
      outputConvolution.finishParameterGradients(memory, input: last.output(0), into: &gradients, pool: pool)
    }
    head.accumulateParameterGradients(
      hidden: (0..<tape.leadFrames).map(tape.headInputs),
      outputGradients: (0..<tape.leadFrames).map(tape.output), into: &gradients, pool: pool)
  }
}

extension Tensor {
  /// Weights `[rows, columns, 1, 1]` with columns of zeros behind them.
  fileprivate func widened(by count: Int) -> Tensor {
    let (rows, columns) = (shape[0], shape[1])
    var result = Tensor(shape: [rows, columns + count, 1, 1])
    for row in 0..<rows {
      for column in 0..<columns { result[row, column, 0, 0] = self[row, column, 0, 0] }
    }
    return result
  }
}
