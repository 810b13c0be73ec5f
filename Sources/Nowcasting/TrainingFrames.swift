import Foundation
import RadarIO
import Tensor

/// Frames of many sequences in the network's numbers, read when they are needed; the latest ones are kept.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class TrainingFrames: @unchecked Sendable {
  /// The most bytes of frames that are kept: all of the usual sets, and of larger ones what leaves room for training.
  static let standardLimit = min(4e9, MemoryNeed.machineBytes / 4)

  private let sequences: [FrameSequence]
  private let normalisation: Normalisation
  private let limit: Double

  private struct Key: Hashable {
    var sequence: Int
    var frame: Int
  }

  private let lock = NSLock()
  private var kept: [Key: (values: Tensor, use: Int)] = [:]
  private var keptBytes = 0.0
  private var uses = 0

  init(_ sequences: [FrameSequence], normalisation: Normalisation, limit: Double = standardLimit) {
    self.sequences = sequences
    self.normalisation = normalisation
    self.limit = limit
  }

  /// The bytes that are in memory when as much as possible is. What does not find room here is read again and again, so
  /// that the reader keeps some of it, too.
  var mostBytes: Double {
    let all = sequences.reduce(0.0) { $0 + 4 * Double($1.count) * Double($1.grid.height) * Double($1.grid.width) }
    return all <= limit ? all : limit + min(all, Double(RadarReader.mostKeptBytes))
  }

  /// A frame, `[h, w]` in [0, 1], NaN where missing.
  ///
  /// - Throws: `RadarError` when its file cannot be read any more.
  func frame(_ frame: Int, of sequence: Int) throws -> Tensor {
    let key = Key(sequence: sequence, frame: frame)
    let known = lock.withLock { () -> Tensor? in
      uses += 1
      kept[key]?.use = uses
      return kept[key]?.values
    }
    if let known { return known }
    let values = normalisation.normalised(try sequences[sequence].rainRate(at: frame))
    lock.withLock { keep(key, values) }
    return values
  }

  private func keep(_ key: Key, _ values: Tensor) {
    guard kept.updateValue((values, uses), forKey: key) == nil else { return }
    keptBytes += 4 * Double(values.count)
    guard keptBytes > limit else { return }
    // The older half at once: to look for the oldest one each time would be slow with thousands of small frames.
    let oldest = kept.values.map(\.use).sorted()[kept.count / 2]
    kept = kept.filter { $0.value.use >= oldest }
    keptBytes = kept.values.reduce(0) { $0 + 4 * Double($1.values.count) }
  }
}
