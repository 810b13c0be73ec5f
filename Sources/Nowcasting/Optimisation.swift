import ConvLSTM
import Tensor

/// What turns gradients into weights: the optimiser, the course of its learning rate, and the average of the weights.
struct Optimisation: Sendable {
  private(set) var optimizer: Optimizer
  private(set) var average: WeightAverage?
  private let schedule: LearningRateSchedule
  private let learningRate: Double

  /// - Parameter scheduleSteps: the updates over which a course of fixed length runs.
  init(_ options: TrainingOptions, scheduleSteps: Int, count: Int) {
    optimizer = Optimizer(options.method, count: count)
    average = options.weightAverage.map { WeightAverage(decay: $0) }
    schedule = options.schedule(steps: scheduleSteps)
    learningRate = options.learningRate
  }

  /// One update of the weights.
  ///
  /// - Parameters:
  ///   - step: the number of the update, from 0.
  ///   - factor: another factor of the learning rate, beside the schedule's.
  /// - Returns: the learning rate.
  mutating func update(
    _ parameters: inout ParameterSet, gradients: ParameterSet, step: Int, factor: Double
  ) -> Double {
    let rate = learningRate * schedule.factor(update: step) * factor
    optimizer.update(&parameters, gradients: gradients, learningRate: rate)
    average?.add(parameters)
    return rate
  }

  private static let averageName = "average"
  private static func name(_ state: String) -> String { "optimizer." + state }

  /// Everything that changes, by its name in a checkpoint.
  var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (name, values) in zip(optimizer.method.stateNames, optimizer.state) { tensors[Self.name(name)] = values }
    tensors[Self.averageName] = average?.values
    return tensors
  }

  /// Takes up what ``tensors`` were.
  ///
  /// - Returns: whether they are whole.
  mutating func restore(_ tensors: [String: Tensor], step: Int) -> Bool {
    let shape = optimizer.state[0].shape
    let state = optimizer.method.stateNames.compactMap { tensors[Self.name($0)] }
    guard state.count == optimizer.state.count, state.allSatisfy({ $0.shape == shape }), step >= 0 else { return false }
    optimizer = Optimizer(optimizer.method, step: step, state: state)
    guard let decay = average?.decay else { return true }
    let values = tensors[Self.averageName]
    // There is none before the first update.
    guard values.map({ $0.shape == shape }) ?? (step == 0) else { return false }
    average = WeightAverage(decay: decay, values: values)
    return true
  }
}
