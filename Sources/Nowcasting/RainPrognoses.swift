import Advection
import ConvKernels
import RadarIO

/// S-PROG's forecasts from the reference times of windows, made when they are needed; the latest ones are kept.
final class RainPrognoses: Sendable {
  /// The most bytes that are kept.
  static let standardLimit = min(3e9, MemoryNeed.machineBytes / 10)

  private let sequences: [FrameSequence]
  private let motions: RainMotions
  private let leadFrames: Int
  private let limit: Double
  private let kept: RecentlyUsed<FramePlace, [UInt8]>
  /// They are made beside the network's work, which has the other threads.
  private let pool = WorkerPool(threadCount: 1)

  init(_ sequences: [FrameSequence], motions: RainMotions, leadFrames: Int, limit: Double = standardLimit) {
    (self.sequences, self.motions, self.leadFrames, self.limit) = (sequences, motions, leadFrames, limit)
    kept = RecentlyUsed(limit: limit) { Double($0.count) }
  }

  /// The bytes that are kept when as much as possible is.
  var mostBytes: Double {
    min(
      limit,
      sequences.reduce(0.0) {
        $0 + Double(leadFrames) * Double($1.grid.height) * Double($1.grid.width) * Double($1.count)
      })
  }

  /// The fields of each lead frame from frame `reference` of a sequence on, `[leadFrames, h, w]` as
  /// ``SPROGGuidance/packed(_:)`` has them.
  ///
  /// - Precondition: it is the last input frame of a window of at least as many as S-PROG takes.
  /// - Throws: `RadarError` when a file cannot be read any more.
  func fields(at reference: Int, of sequence: Int) throws -> [UInt8] {
    try kept.value(FramePlace(sequence: sequence, frame: reference)) {
      let frames = try sequences[sequence].rainRate(of: reference + 1 - SpectralPrognosis.frames..<reference + 1)
      let motion = try motions.motion(at: reference, of: sequence)
      return SPROGGuidance.packed(
        SPROGGuidance.fields(frames, along: motion, leadFrames: leadFrames, pool: pool))
    }
  }
}
