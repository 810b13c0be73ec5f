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

  private static let header = "epoch,step,train_loss,validation_loss,gradient_norm,learning_rate"

  /// One line for each epoch. No times: the same run gives the same file.
  func write(to path: String) throws {
    var text = Self.header + "\n"
    for record in records {
      let validation = record.validationLoss.map { "\($0)" } ?? ""
      text += "\(record.epoch),\(record.step),\(record.trainLoss),\(validation),"
      text += "\(record.gradientNorm),\(record.learningRate)\n"
    }
    try AtomicOutput.write(Data(text.utf8), to: path, overwrite: true)
  }

  /// Empty, before the first epoch.
  init() {}

  /// Reads what ``write(to:)`` wrote.
  ///
  /// - Throws: ``NowcastError`` `unusable` when it is something else.
  init(contentsOf path: String) throws {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let lines = text.split(separator: "\n")
    let records = lines.dropFirst().map(Self.record)
    guard lines.first.map(String.init) == Self.header, records.allSatisfy({ $0 != nil }) else {
      throw NowcastError(.unusable, "this is no history of a training run.", path: path)
    }
    self.records = records.compactMap(\.self)
  }

  private static func record(_ line: Substring) -> TrainingRecord? {
    let fields = line.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == 6, let epoch = Int(fields[0]), let step = Int(fields[1]), let loss = Double(fields[2]),
      let norm = Double(fields[4]), let rate = Double(fields[5])
    else { return nil }
    let validation = Double(fields[3])
    guard validation != nil || fields[3].isEmpty else { return nil }
    return TrainingRecord(
      epoch: epoch, step: step, trainLoss: loss, validationLoss: validation, gradientNorm: norm, learningRate: rate)
  }
}

extension RunFolder {
  /// The epochs of the run, in order.
  ///
  /// - Throws: ``NowcastError`` `unusable` when their file is damaged, `notFound` when there is none.
  public func records() throws -> [TrainingRecord] {
    guard FileManager.default.fileExists(atPath: historyFile) else {
      throw NowcastError(.notFound, "there is no history of this run.", path: historyFile)
    }
    return try TrainingHistory(contentsOf: historyFile).records
  }
}
