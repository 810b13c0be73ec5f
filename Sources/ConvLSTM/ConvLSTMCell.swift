import ConvKernels
import Tensor

/// One ConvLSTM layer that is stepped by hand (Shi et al. 2015, eq. 3).
///
/// For whole sequences ``ConvLSTM`` is the better choice: it reuses its memory from step to step.
public final class ConvLSTMCell {
  private let layers: ConvLSTM

  /// What a backward pass needs of a recorded step.
  public typealias Tape = ConvLSTM.Tape

  /// Makes a cell with random first weights.
  ///
  /// - Throws: ``ConvLSTMError`` when a size makes no layer.
  public init(_ configuration: LayerConfiguration, seed: UInt64 = 0, pool: WorkerPool = .standard) throws(ConvLSTMError)
  {
    layers = try ConvLSTM(layers: [configuration], batchFirst: true, seed: seed, pool: pool)
  }

  /// All weights, named `layers.0.input.weight` and so on.
  public var parameters: ParameterSet {
    get { layers.parameters }
    set { layers.parameters = newValue }
  }

  /// One step: the state that follows from `input`, `[b, c, h, w]`, and `state` (zeros without it).
  public func callAsFunction(_ input: Tensor, state: ConvLSTMState? = nil) throws(ConvLSTMError) -> ConvLSTMState {
    try layers(sequence(input), initialStates: state.map { [$0] }).lastStates[0]
  }

  /// One step as ``callAsFunction(_:state:)`` does it, keeping what a backward pass needs.
  public func forwardRecording(
    _ input: Tensor, state: ConvLSTMState? = nil
  ) throws(ConvLSTMError) -> (state: ConvLSTMState, tape: Tape) {
    let (output, tape) = try layers.forwardRecording(sequence(input), initialStates: state.map { [$0] })
    return (output.lastStates[0], tape)
  }

  /// The gradients of a loss from those with respect to the new state.
  public func backward(
    _ tape: Tape, stateGradient: ConvLSTMState
  ) -> (parameters: ParameterSet, input: Tensor, state: ConvLSTMState) {
    let gradients = layers.backward(tape, outputGradients: [nil], lastStateGradients: [stateGradient])
    let shape = gradients.input.shape
    return (gradients.parameters, gradients.input.reshaped([shape[0]] + shape[2...]), gradients.initialStates[0])
  }

  /// `[b, c, h, w]` as the only step of a sequence.
  private func sequence(_ input: Tensor) throws(ConvLSTMError) -> Tensor {
    guard input.rank == 4 else { throw ConvLSTMError("the input has shape \(input.shape); it must be [b, c, h, w]") }
    return input.reshaped([input.shape[0], 1] + input.shape[1...])
  }
}
