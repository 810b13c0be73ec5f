import Advection
import ConvKernels
import RadarIO

/// The motion of the rain at the reference times of windows, made when it is needed; the latest ones are kept.
final class RainMotions: Sendable {
  /// The most bytes that are kept.
  static let standardLimit = min(1.5e9, MemoryNeed.machineBytes / 10)

  private let sequences: [FrameSequence]
  private let frames: Int
  private let limit: Double
  private let kept: RecentlyUsed<FramePlace, MotionField>
  /// Motion is made beside the network's work, which has the other threads.
  private let pool = WorkerPool(threadCount: 1)

  /// - Parameter inputFrames: those of a forecast, which may be fewer than motion is best taken from.
  init(_ sequences: [FrameSequence], inputFrames: Int, limit: Double = standardLimit) {
    (self.sequences, self.limit) = (sequences, limit)
    frames = min(inputFrames, OpticalFlow.standardFrames)
    kept = RecentlyUsed(limit: limit) { Self.bytes(height: $0.height, width: $0.width) }
  }

  /// The bytes that are kept when as much as possible is.
  var mostBytes: Double {
    min(
      limit, sequences.reduce(0.0) { $0 + Self.bytes(height: $1.grid.height, width: $1.grid.width) * Double($1.count) })
  }

  /// The motion that a forecast from frame `reference` of a sequence goes by: that of the last frames up to it.
  ///
  /// - Precondition: it is the last input frame of a window of at least two.
  /// - Throws: `RadarError` when a file cannot be read any more.
  func motion(at reference: Int, of sequence: Int) throws -> MotionField {
    try kept.value(FramePlace(sequence: sequence, frame: reference)) {
      OpticalFlow().motion(
        of: try sequences[sequence].rainRate(of: reference + 1 - frames..<reference + 1), pool: pool)
    }
  }

  private static func bytes(height: Int, width: Int) -> Double {
    Double(MemoryLayout<SIMD2<Float>>.stride) * Double(height) * Double(width)
  }
}
