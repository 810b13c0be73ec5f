import RadarIO
import Tensor

/// Frames of many sequences in the network's numbers, read when they are needed; the latest ones are kept.
final class TrainingFrames: Sendable {
  /// The most bytes of frames that are kept: all of the usual sets, and of larger ones what leaves room for training.
  static let standardLimit = min(4e9, MemoryNeed.machineBytes / 4)

  private let sequences: [FrameSequence]
  private let normalisation: Normalisation
  private let limit: Double
  private let kept: RecentlyUsed<FramePlace, Tensor>

  init(_ sequences: [FrameSequence], normalisation: Normalisation, limit: Double = standardLimit) {
    self.sequences = sequences
    self.normalisation = normalisation
    self.limit = limit
    kept = RecentlyUsed(limit: limit) { 4 * Double($0.count) }
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
    try kept.value(FramePlace(sequence: sequence, frame: frame)) {
      normalisation.normalised(try sequences[sequence].rainRate(at: frame))
    }
  }
}
