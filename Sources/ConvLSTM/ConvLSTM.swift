import ConvKernels
import Tensor

/// Hidden and cell state of a layer, each `[b, hidden, h, w]`.
public struct ConvLSTMState: Sendable, Equatable {
  /// The hidden state H, which is also the layer's output.
  public var hidden: Tensor
  /// The cell state C.
  public var cell: Tensor

  /// Couples the two.
  public init(hidden: Tensor, cell: Tensor) {
    self.hidden = hidden
    self.cell = cell
  }
}

/// A stack of ConvLSTM layers, with the options of the usual PyTorch class.
///
///     let lstm = try ConvLSTM(inputChannels: 1, hiddenChannels: [30], kernels: [3], batchFirst: true, seed: 1)
///     let result = try lstm(Tensor(shape: [64, 20, 1, 64, 64]))
///     result.lastStates[0].hidden.shape  // [64, 30, 64, 64]
///
/// Each layer's input are the hidden states of the layer below (Shi et al. 2015, eq. 3).
public final class ConvLSTM {
  /// The layers, the first one first.
  public let layers: [LayerConfiguration]
  /// Whether the input is `[b, t, c, h, w]`; otherwise it is `[t, b, c, h, w]`.
  public let batchFirst: Bool
  /// Whether the outputs of all layers are returned, or those of the last one only.
  public let returnAllLayers: Bool
  /// All weights, named `layers.L.input.weight` and so on. Setting them has them packed anew before they are used.
  ///
  /// - Precondition: they have the layers' layout.
  public var parameters: ParameterSet {
    didSet {
      precondition(parameters.layout == parameterLayout, "parameters of other layers")
      packedSize = nil
    }
  }
  private let parameterLayout: ParameterLayout
  /// Height and width of the images that the layers' weights are packed for.
  private var packedSize: [Int]?
  private let stack: [Layer]
  private let pool: WorkerPool

  /// What a forward pass gives.
  public struct Output: Sendable {
    /// The hidden states of all time steps, `[b, t, hidden, h, w]`: of every layer, or of the last one only.
    public let outputs: [Tensor]
    /// The last states, of the same layers as the outputs.
    public let lastStates: [ConvLSTMState]
  }

  /// The gradients of a loss.
  public struct Gradients: Sendable {
    /// With respect to the parameters.
    public let parameters: ParameterSet
    /// With respect to the input, in its shape.
    public let input: Tensor
    /// With respect to each layer's initial state.
    public let initialStates: [ConvLSTMState]
  }

  /// Makes layers with random first weights; the same seed gives the same weights.
  ///
  /// - Parameters:
  ///   - inputChannels: those of the frames.
  ///   - hiddenChannels: one number for each layer, or one for all.
  ///   - kernels: one for each layer, or one for all; a layer uses its kernel for input and state.
  ///   - layerCount: the number of layers; by default as many as there are numbers of hidden channels.
  ///   - batchFirst: whether the input is `[b, t, c, h, w]` and not `[t, b, c, h, w]`.
  ///   - bias: whether the gates have biases.
  ///   - peephole: whether the gates see the cell state, with one weight for each channel.
  ///   - returnAllLayers: whether outputs and last states are those of all layers, or of the last one only.
  ///   - seed: what the weights are drawn from.
  ///   - pool: the threads that compute.
  /// - Throws: ``ConvLSTMError`` when the numbers contradict each other or a kernel has an even side.
  public convenience init(
    inputChannels: Int, hiddenChannels: [Int], kernels: [KernelSize], layerCount: Int? = nil, batchFirst: Bool = false,
    bias: Bool = true, peephole: Bool = false, returnAllLayers: Bool = false, seed: UInt64 = 0,
    pool: WorkerPool = .standard
  ) throws(ConvLSTMError) {
    let count = layerCount ?? hiddenChannels.count
    guard count > 0 else { throw ConvLSTMError("a ConvLSTM needs at least one layer") }
    guard hiddenChannels.count == count || hiddenChannels.count == 1 else {
      throw ConvLSTMError(
        "\(hiddenChannels.count) numbers of hidden channels for \(count) layers; give one for all or one for each layer"
      )
    }
    let hidden = hiddenChannels.count == count ? hiddenChannels : [Int](repeating: hiddenChannels[0], count: count)
    let kernels = try expandedKernels(kernels, layers: count, "kernels")
    let layers = (0..<count).map { index in
      LayerConfiguration(
        inputChannels: index == 0 ? inputChannels : hidden[index - 1], hiddenChannels: hidden[index],
        inputKernel: kernels[index], stateKernel: kernels[index], bias: bias, peephole: peephole)
    }
    try self.init(layers: layers, batchFirst: batchFirst, returnAllLayers: returnAllLayers, seed: seed, pool: pool)
  }

  /// Makes layers of given sizes with random first weights.
  ///
  /// - Throws: ``ConvLSTMError`` when a layer's input is not the output of the one below, or a size makes no layer.
  public init(
    layers: [LayerConfiguration], batchFirst: Bool = false, returnAllLayers: Bool = false, seed: UInt64 = 0,
    pool: WorkerPool = .standard
  ) throws(ConvLSTMError) {
    for (index, layer) in layers.enumerated() {
      try layer.validate("layer \(index)")
      guard let input = layer.inputChannels else { throw ConvLSTMError("layer \(index) has no input") }
      guard index == 0 || input == layers[index - 1].hiddenChannels else {
        throw ConvLSTMError(
          "layer \(index) reads \(input) channels, but layer \(index - 1) has \(layers[index - 1].hiddenChannels)")
      }
    }
    self.layers = layers
    self.batchFirst = batchFirst
    self.returnAllLayers = returnAllLayers
    self.pool = pool
    stack = layers.enumerated().map { Layer($1, prefix: "layers.\($0).") }
    var layout = ParameterLayout()
    for (index, layer) in layers.enumerated() { layer.appendParameters(to: &layout, prefix: "layers.\(index).") }
    parameterLayout = layout
    var parameters = ParameterSet(layout)
    var source = RandomSource(seed: seed)
    for (index, layer) in layers.enumerated() {
      parameters.drawLayer(layer, prefix: "layers.\(index).", using: &source)
    }
    self.parameters = parameters
  }

  /// Runs the layers over all time steps.
  ///
  /// - Parameters:
  ///   - input: `[b, t, c, h, w]`, or `[t, b, c, h, w]` without `batchFirst`.
  ///   - initialStates: one for each layer; zeros without it.
  /// - Throws: ``ConvLSTMError`` when input or states have other shapes than the layers need.
  public func callAsFunction(_ input: Tensor, initialStates: [ConvLSTMState]? = nil) throws(ConvLSTMError) -> Output {
    try forward(input, initialStates: initialStates, records: false).output
  }

  /// What a backward pass needs of the forward pass before it.
  public final class Tape {
    fileprivate let layers: [LayerTape]
    fileprivate let input: [BlockedImage]
    fileprivate init(layers: [LayerTape], input: [BlockedImage]) {
      self.layers = layers
      self.input = input
    }
  }

  /// Runs the layers as ``callAsFunction(_:initialStates:)`` does and keeps what a backward pass needs.
  public func forwardRecording(
    _ input: Tensor, initialStates: [ConvLSTMState]? = nil
  ) throws(ConvLSTMError) -> (output: Output, tape: Tape) {
    try forward(input, initialStates: initialStates, records: true)
  }

  private func forward(
    _ input: Tensor, initialStates: [ConvLSTMState]?, records: Bool
  ) throws(ConvLSTMError) -> (output: Output, tape: Tape) {
    let shape = try validatedShape(of: input)
    try validate(initialStates, shape)
    if packedSize != [shape.height, shape.width] {
      for layer in stack {
        layer.pack(parameters, forBackward: true, height: shape.height, width: shape.width, pool: pool)
      }
      packedSize = [shape.height, shape.width]
    }
    let halo = layers.reduce(0) { max($0, $1.halo) }
    // Without recording a few samples at a time, whose states stay in the cache.
    let sizes =
      records
      ? [shape.batch]
      : SubBatches.sizes(
        batch: shape.batch, pixels: Double(shape.height * shape.width), together: SubBatches.forwardPixels)
    let tapes = layers.map {
      LayerTape(
        hiddenChannels: $0.hiddenChannels, batch: sizes[0], height: shape.height, width: shape.width, halo: halo,
        steps: shape.steps, recording: records ? .all : .nothing)
    }
    let frames = batchFirst ? input : input.swappingFirstTwoDimensions()
    let layout = shape.layout(halo: halo).with(batch: sizes[0])
    let images = (0..<(records ? shape.steps : 1)).map { _ in BlockedImage(layout) }
    let returned = returnAllLayers ? Array(layers.indices) : [layers.count - 1]
    var outputs = returned.map { index in
      Tensor(uninitialized: [shape.batch, shape.steps, layers[index].hiddenChannels, shape.height, shape.width])
    }
    var states = returned.map { index in
      let size = [shape.batch, layers[index].hiddenChannels, shape.height, shape.width]
      return ConvLSTMState(hidden: Tensor(uninitialized: size), cell: Tensor(uninitialized: size))
    }
    var first = 0
    for size in sizes {
      let samples = first..<first + size
      let part = size == sizes[0] ? tapes : tapes.map { LayerTape($0, batch: size) }
      for (index, tape) in part.enumerated() {
        if let state = initialStates?[index] {
          tape.setInitialState(
            ConvLSTMState(hidden: state.hidden.parts(samples), cell: state.cell.parts(samples)), pool: pool)
        } else {
          tape.clearInitialState(pool: pool)
        }
      }
      for t in 0..<shape.steps {
        var image = images[t % images.count].first(size)
        shape.frame(t, of: frames.parts(samples)) { plain, pointer in
          plain.copy(pointer, toBlocks: image.buffer.pointer, image.layout, pool: pool)
        }
        for (layer, tape) in zip(stack, part) {
          layer.forward(tape, step: t, input: image, pool: pool)
          image = tape.hiddenImage(t + 1)
        }
        for (position, index) in returned.enumerated() {
          part[index].copyHidden(
            t + 1, to: &outputs[position], sample: first, step: t, channels: layers[index].hiddenChannels, pool: pool)
        }
      }
      for (position, index) in returned.enumerated() {
        part[index].copyLastState(
          to: &states[position], sample: first, channels: layers[index].hiddenChannels, pool: pool)
      }
      first += size
    }
    return (Output(outputs: outputs, lastStates: states), Tape(layers: tapes, input: images))
  }

  /// The gradients of a loss from those with respect to the outputs and the last states.
  ///
  /// - Parameters:
  ///   - tape: of a forward pass with recording; it is used up.
  ///   - outputGradients: for each layer `[b, t, hidden, h, w]`, or `nil` where the loss does not depend on its outputs.
  ///   - lastStateGradients: for each layer, or `nil`.
  /// - Precondition: the gradients have these shapes.
  public func backward(
    _ tape: Tape, outputGradients: [Tensor?], lastStateGradients: [ConvLSTMState?]
  ) -> Gradients {
    let layout = tape.input[0].layout
    precondition(
      outputGradients.count == layers.count && lastStateGradients.count == layers.count, "gradients of other layers")
    for (index, layer) in layers.enumerated() {
      let state = [layout.batch, layer.hiddenChannels, layout.height, layout.width]
      let outputs = [layout.batch, tape.input.count] + state.dropFirst()
      precondition(
        outputGradients[index].map { $0.shape == outputs } ?? true
          && lastStateGradients[index].map { $0.hidden.shape == state && $0.cell.shape == state } ?? true,
        "layer \(index)'s gradients must be \(outputs), and \(state) for the last state")
    }
    let inputImages = tape.input.map { _ in BlockedImage(layout.with(blocks: layout.blocks, halo: 0)) }
    for (layer, gradient) in zip(tape.layers, lastStateGradients) {
      layer.clearGradients()
      if let gradient { layer.setLastStateGradient(gradient, pool: pool) }
    }
    for t in tape.input.indices.reversed() {
      for index in layers.indices.reversed() {
        if let gradient = outputGradients[index] { tape.layers[index].addHiddenGradient(gradient, step: t, pool: pool) }
        let below = index > 0 ? tape.layers[index - 1].hiddenGradientImage : inputImages[t]
        stack[index].backward(tape.layers[index], step: t, inputGradient: below, pool: pool)
      }
    }
    var gradients = ParameterSet(parameters.layout)
    for index in layers.indices {
      let inputs = index == 0 ? tape.input : tape.input.indices.map { tape.layers[index - 1].hiddenImage($0 + 1) }
      stack[index].accumulateParameterGradients(
        tape.layers[index], steps: tape.input.indices, inputs: inputs, into: &gradients, pool: pool)
      stack[index].finishParameterGradients(tape.layers[index], inputs: inputs, into: &gradients, pool: pool)
    }
    let shape = Shape(
      batch: layout.batch, steps: tape.input.count, channels: layers[0].inputChannels ?? 0, height: layout.height,
      width: layout.width)
    let initial = zip(tape.layers, layers).map { $0.gradientState(channels: $1.hiddenChannels, pool: pool) }
    return Gradients(
      parameters: gradients, input: shape.tensor(of: inputImages, batchFirst, pool: pool), initialStates: initial)
  }

  private func validatedShape(of input: Tensor) throws(ConvLSTMError) -> Shape {
    let order = batchFirst ? "[b, t, c, h, w]" : "[t, b, c, h, w]"
    guard input.rank == 5 else { throw ConvLSTMError("the input has shape \(input.shape); it must be \(order)") }
    let s = input.shape
    guard s.allSatisfy({ $0 > 0 }) else { throw ConvLSTMError("the input \(order) has shape \(s), which is empty") }
    guard s[2] == layers[0].inputChannels else {
      throw ConvLSTMError(
        "the input \(order) has shape \(s), so \(s[2]) channels; the first layer reads \(layers[0].inputChannels ?? 0)")
    }
    let (batch, steps) = batchFirst ? (s[0], s[1]) : (s[1], s[0])
    return Shape(batch: batch, steps: steps, channels: s[2], height: s[3], width: s[4])
  }

  private func validate(_ states: [ConvLSTMState]?, _ shape: Shape) throws(ConvLSTMError) {
    guard let states else { return }
    guard states.count == layers.count else {
      throw ConvLSTMError("\(states.count) initial states for \(layers.count) layers")
    }
    for (index, (state, layer)) in zip(states, layers).enumerated() {
      let expected = [shape.batch, layer.hiddenChannels, shape.height, shape.width]
      for (name, tensor) in [("hidden", state.hidden), ("cell", state.cell)] where tensor.shape != expected {
        throw ConvLSTMError("layer \(index)'s initial \(name) state has shape \(tensor.shape); it must be \(expected)")
      }
    }
  }

  /// The sizes of an input, whatever the order of its dimensions.
  private struct Shape {
    let batch: Int
    let steps: Int
    let channels: Int
    let height: Int
    let width: Int

    func layout(halo: Int) -> BlockedLayout {
      BlockedLayout(
        batch: batch, blocks: ChannelOrder.plain(channels: channels).blocks, height: height, width: width, halo: halo)
    }

    private var frameCount: Int { channels * height * width }
    private var images: PlainImages {
      PlainImages(channels: channels, height: height, width: width, sampleStride: steps * frameCount)
    }

    /// Calls `body` with step `t` of a tensor `[b, t, c, h, w]`.
    func frame(_ t: Int, of tensor: Tensor, _ body: (PlainImages, UnsafePointer<Float>) -> Void) {
      tensor.withUnsafeBufferPointer { buffer in
        if let base = buffer.baseAddress { body(images, base + t * frameCount) }
      }
    }

    /// The images of all steps as one tensor in the order of the input.
    func tensor(of blocked: [BlockedImage], _ batchFirst: Bool, pool: WorkerPool) -> Tensor {
      var result = Tensor(uninitialized: [batch, steps, channels, height, width])
      result.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        for (t, image) in blocked.enumerated() {
          images.copy(fromBlocks: image.buffer.pointer, image.layout, to: base + t * frameCount, pool: pool)
        }
      }
      return batchFirst ? result : result.swappingFirstTwoDimensions()
    }
  }
}
