import ConvLSTM
import Foundation
import Tensor

/// All that a training run needs to go on: weights, the optimiser's moments, and where it stands.
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
    /// The loss of the best model so far.
    var bestLoss: Double?
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
  var adam: Adam
  var position: Position

  init(model: Model, adam: Adam, position: Position) {
    self.model = model
    self.adam = adam
    self.position = position
  }

  init(contentsOf path: String) throws {
    let file = try SafetensorsFile(contentsOf: path)
    model = try Model(file, path: path)
    guard let text = file.metadata["checkpoint"],
      let position = try? JSONText.decode(Position.self, from: text),
      let first = file.tensors["optimizer.first_moment"], let second = file.tensors["optimizer.second_moment"],
      first.shape == [model.parameters.layout.count], second.shape == first.shape
    else {
      throw NowcastError(.unusable, "this is no checkpoint of a training run, or it is damaged.", path: path)
    }
    self.position = position
    adam = Adam(count: first.count, learningRate: Float(position.options.learningRate))
    adam.restore(step: position.optimizerStep, firstMoment: first, secondMoment: second)
  }

  func write(to path: String) throws {
    var file = try model.file()
    var position = position
    position.optimizerStep = adam.step
    file.tensors["optimizer.first_moment"] = adam.firstMoment
    file.tensors["optimizer.second_moment"] = adam.secondMoment
    file.metadata["checkpoint"] = String(decoding: try JSONText.encode(position, pretty: false), as: UTF8.self)
    try file.write(to: path, overwrite: true)
  }
}
