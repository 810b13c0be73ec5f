import ConvLSTM
import Foundation
import RadarIO
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
    /// What tells whether training runs away.
    var health = TrainingHealth()
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
    /// The run's data.
    var data: DataRecord
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

  private static let key = "checkpoint"

  /// - Throws: ``NowcastError`` `notFound` when the file cannot be opened, `unusable` when it is damaged, no checkpoint, or
  ///   of another version of nowcast.
  init(contentsOf path: String) throws {
    func unusable(_ message: String) -> NowcastError { NowcastError(.unusable, message, path: path) }

    let file = try SafetensorsFile(contentsOf: path)
    guard let text = file.metadata[Self.key] else { throw unusable("this is no checkpoint of a training run.") }
    guard let checksum = file.metadata[SafetensorsFile.checksumKey] else {
      throw unusable(
        "the checkpoint has no checksum: it was written by an earlier version of nowcast, with which this one cannot go on."
      )
    }
    guard checksum == file.checksum else { throw unusable("the checkpoint is damaged: its checksum does not fit.") }
    let other = unusable("the checkpoint was written by another version of nowcast, with which this one cannot go on.")
    guard let position = try? JSONText.decode(Position.self, from: text) else { throw other }
    model = try Model(file, path: path)
    self.position = position
    optimisation = Optimisation(
      position.options, scheduleSteps: position.scheduleSteps, count: model.parameters.layout.count)
    guard optimisation.restore(file.tensors, step: position.optimizerStep) else { throw other }
  }

  /// Writes the checkpoint; the one that is there stays as the previous one, from the moment on that the new one is whole.
  ///
  /// - Throws: `RadarError` `cannotCreate` or `writeFailed`.
  func write(to folder: RunFolder) throws {
    try AtomicOutput.write(
      try file().encoded(), to: folder.checkpointFile, overwrite: true, keepingAs: folder.previousCheckpointFile)
  }

  /// The content of the file.
  func file() throws -> SafetensorsFile {
    var file = try model.file()
    var position = position
    position.optimizerStep = optimisation.optimizer.step
    file.tensors.merge(optimisation.tensors) { $1 }
    file.metadata[Self.key] = String(decoding: try JSONText.encode(position, pretty: false), as: UTF8.self)
    file.metadata[SafetensorsFile.checksumKey] = file.checksum
    return file
  }
}
