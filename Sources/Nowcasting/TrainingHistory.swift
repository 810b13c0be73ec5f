import Foundation
import RadarIO

/// What is known after an epoch.
public struct TrainingRecord: Sendable, Equatable, Codable {
  /// The epoch, from 1.
  public let epoch: Int
  /// Updates so far.
  public let step: Int
  /// The mean loss of the epoch's updates.
  public let trainLoss: Double
  /// The loss on the held-out windows; `nil` where none are held out.
  public let validationLoss: Double?
  /// The largest gradient norm of the epoch, before clipping.
  public let gradientNorm: Double
  /// The learning rate of the last update.
  public let learningRate: Double
}

/// The records of a run, and their file.
struct TrainingHistory: Sendable, Equatable, Codable {
  private(set) var records: [TrainingRecord] = []

  mutating func append(_ record: TrainingRecord) { records.append(record) }

  /// One line for each epoch. No times: the same run gives the same file.
  func write(to path: String) throws {
    var text = "epoch,step,train_loss,validation_loss,gradient_norm,learning_rate\n"
    for record in records {
      let validation = record.validationLoss.map { "\($0)" } ?? ""
      text += "\(record.epoch),\(record.step),\(record.trainLoss),\(validation),"
      text += "\(record.gradientNorm),\(record.learningRate)\n"
    }
    try AtomicOutput.write(Data(text.utf8), to: path, overwrite: true)
  }
}
