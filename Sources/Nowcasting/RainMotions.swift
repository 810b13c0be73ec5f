import Advection
import ConvKernels
import Foundation
import RadarIO

/// The motion of the rain at the reference times of windows, made when it is needed; the latest ones are kept.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class RainMotions: @unchecked Sendable {
  /// The most bytes that are kept.
  static let standardLimit = min(1.5e9, MemoryNeed.machineBytes / 10)

  private struct Key: Hashable {
    var sequence: Int
    var frame: Int
  }

  private let sequences: [FrameSequence]
  private let frames: Int
  private let limit: Double
  private let lock = NSLock()
  private var kept: [Key: (motion: MotionField, use: Int)] = [:]
  private var keptBytes = 0.0
  private var uses = 0
  /// Motion is made beside the network's work, which has the other threads.
  private let pool = WorkerPool(threadCount: 1)

  /// - Parameter inputFrames: those of a forecast, which may be fewer than motion is best taken from.
  init(_ sequences: [FrameSequence], inputFrames: Int, limit: Double = standardLimit) {
    (self.sequences, self.limit) = (sequences, limit)
    frames = min(inputFrames, OpticalFlow.standardFrames)
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
    let key = Key(sequence: sequence, frame: reference)
    let known = lock.withLock { () -> MotionField? in
      uses += 1
      kept[key]?.use = uses
      return kept[key]?.motion
    }
    if let known { return known }
    let motion = OpticalFlow().motion(
      of: try sequences[sequence].rainRate(of: reference + 1 - frames..<reference + 1), pool: pool)
    lock.withLock {
      guard kept.updateValue((motion, uses), forKey: key) == nil else { return }
      keptBytes += Self.bytes(height: motion.height, width: motion.width)
      guard keptBytes > limit else { return }
      let oldest = kept.values.map(\.use).sorted()[kept.count / 2]
      kept = kept.filter { $0.value.use >= oldest }
      keptBytes = kept.values.reduce(0) { $0 + Self.bytes(height: $1.motion.height, width: $1.motion.width) }
    }
    return motion
  }

  private static func bytes(height: Int, width: Int) -> Double {
    Double(MemoryLayout<SIMD2<Float>>.stride) * Double(height) * Double(width)
  }
}
