import ConvLSTM
import Foundation
import Tensor

/// All that a training run needs to go on: weights, the optimiser's state, and where it stands.
struct Checkpoint: Sendable {
  /// Where a run stands.
  struct Position: Sendable, Equatable, Codable {
    /// Epochs that are done.
    var epoch = 0
    /// Updates of the epoch that is not done.
    var stepInEpoch = 0
    /// Updates altogether.
    var step = 0
    /// Updates by the optimiser: fewer than `step` where a batch had no measured pixel.
    var optimizerStep = 0
    /// The sum of the losses of the epoch that is not done.
    var lossSum = 0.0
    /// The largest gradient norm of that epoch.
    var largestNorm = 0.0
    /// The learning rate of the last update.
    var learningRate = 0.0
    /// The updates over which a schedule of fixed length runs; what it was when the run began.
    var scheduleSteps: Int
    /// What lowers the learning rate on a plateau.
    var plateau = PlateauRule()
    /// The loss of the best model so far.
    var bestLoss: Double?
    /// Epochs since then.
    var epochsSinceBest = 0
    /// Whether this run has saved a model.
    var hasModel = false
    /// Tells the run's data from other data.
    var dataFingerprint: String
    /// Epochs so far.
    var history = TrainingHistory()
    /// The options of the run, which `--resume` must not change.
    var options: TrainingOptions
  }

  var model: Model
  var optimisation: Optimisation
  var position: Position

  init(model: Model, optimisation: Optimisation, position: Position) {
    self.model = model
    self.optimisation = optimisation
    self.position = position
  }

  init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    model = try Model(file, path: path)
    guard let text = file.metadata["checkpoint"],
      let position = try? JSONText.decode(Position.self, from: text)
    else { throw Self.damaged(path) }
    self.position = position
    optimisation = Optimisation(
      position.options, scheduleSteps: position.scheduleSteps, count: model.parameters.layout.count)
    guard optimisation.restore(file.tensors, step: position.optimizerStep) else { throw Self.damaged(path) }
  }

  private static func damaged(_ path: String) -> NowcastError {
    NowcastError(.unusable, "this is no checkpoint of a training run, or it is damaged.", path: path)
  }

  func write(to path: String) throws {
    var file = try model.file()
    var position = position
    position.optimizerStep = optimisation.optimizer.step
    file.tensors.merge(optimisation.tensors) { $1 }
    file.metadata["checkpoint"] = String(decoding: try JSONText.encode(position, pretty: false), as: UTF8.self)
    try file.write(to: path, overwrite: true)
  }
}
