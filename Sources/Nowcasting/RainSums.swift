import Foundation
import RadarIO
import Tensor

/// Amounts of rain over windows of one length, each ending at a frame.
///
/// A frame stands for the step that ends at its time, whether it is the mean over that step or the rate of its last moment:
/// its rate lasts the step. So a window of an hour at steps of five minutes is the sum of twelve frames, and the first one ends
/// eleven frames after the first frame. There are no parts of windows, and none reaches across a gap. A pixel that is missing
/// in any frame of a window is missing in its sum.
public struct RainSums: Sendable {
  /// The length of the windows in minutes.
  public let minutes: Int
  /// The windows in the order of time: frames of a sequence.
  private let windows: [(sequence: Int, frames: Range<Int>)]
  /// The window that ends at a frame, by sequence and frame.
  private let byEnd: [[Int: Int]]
  private let sequences: [FrameSequence]
  private let recent: RecentFrames

  /// All whole windows within sequences of one grid.
  ///
  /// - Throws: ``NowcastError`` `usage` when the window is no whole number of steps, `unusable` when there is no whole window,
  ///   or frames are means over more than a step and so overlap.
  public init(minutes: Int, of sequences: [FrameSequence]) throws {
    let steps = sequences.map { RainSums.frames(minutes: minutes, of: $0) }
    guard let longest = steps.compactMap(\.self).max() else {
      let step = sequences.map(RainSums.stepSeconds).first { $0 > 0 }
      let words =
        step.map { String(format: "the frames' steps of %g min", $0 / 60) } ?? "steps: there is one frame only"
      throw NowcastError(.usage, "a window of \(minutes) min is no whole number of \(words).")
    }
    windows = sequences.indices.flatMap { index in
      guard let count = steps[index], count <= sequences[index].count else {
        return [(sequence: Int, frames: Range<Int>)]()
      }
      return (count...sequences[index].count).map { (index, $0 - count..<$0) }
    }
    guard !windows.isEmpty else {
      let most = sequences.map(\.count).max() ?? 0
      throw NowcastError(
        .unusable,
        "a window of \(minutes) min needs \(longest) frames without a gap, and there are \(most).",
        path: sequences.first?.source.files.first)
    }
    for index in Set(windows.map(\.sequence)).sorted() { try RainSums.refuseOverlap(sequences[index]) }
    var byEnd = [[Int: Int]](repeating: [:], count: sequences.count)
    for (index, window) in windows.enumerated() { byEnd[window.sequence][window.frames.upperBound - 1] = index }
    self.byEnd = byEnd
    self.minutes = minutes
    self.sequences = sequences
    recent = RecentFrames(sequences, count: longest)
  }

  /// Whether there are whole windows of so many minutes.
  public static func areThere(minutes: Int, in sequences: [FrameSequence]) -> Bool {
    sequences.contains { sequence in frames(minutes: minutes, of: sequence).map { $0 <= sequence.count } ?? false }
  }

  /// The frames of a window; `nil` when it is no whole number of steps.
  private static func frames(minutes: Int, of sequence: FrameSequence) -> Int? {
    let step = stepSeconds(sequence)
    guard step > 0 else { return nil }
    let frames = Double(minutes) * 60 / step
    return frames > 0.5 && frames < 1e6 && abs(frames - frames.rounded()) < 0.01 ? Int(frames.rounded()) : nil
  }

  /// The step of a sequence; for a single frame the interval it is of, or 0.
  private static func stepSeconds(_ sequence: FrameSequence) -> Double {
    sequence.stepSeconds > 0 ? sequence.stepSeconds : sequence.intervalSeconds?.first ?? 0
  }

  private static func refuseOverlap(_ sequence: FrameSequence) throws {
    let step = stepSeconds(sequence)
    guard let longest = sequence.intervalSeconds?.max(), longest > step + min(0.05 * step, 30) else { return }
    throw NowcastError(
      .unusable,
      String(
        format:
          "its frames are means over %g min every %g min, so their sums would count rain twice. Give frames of one "
          + "step each.", longest / 60, step / 60), path: sequence.source.files.first)
  }

  // MARK: Windows

  /// The number of windows.
  public var count: Int { windows.count }

  /// The end of each window in seconds since 1970.
  public var ends: [Double] { windows.map { sequences[$0.sequence].times[$0.frames.upperBound - 1] } }

  /// The start of each window in seconds since 1970.
  public var starts: [Double] { ends.map { $0 - Double(minutes) * 60 } }

  /// The window that ends at a frame; `nil` where there is no whole one.
  public func window(endingAt frame: Int, of sequence: Int) -> Int? { byEnd[sequence][frame] }

  /// The amount of a window in mm, `[h, w]`, `NaN` where a frame is missing.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  public func amounts(of window: Int) throws -> Tensor {
    let (sequence, frames) = windows[window]
    let grid = sequences[sequence].grid
    let hours = Double(minutes) / 60 / Double(frames.count)
    var sums = [Double](repeating: 0, count: grid.height * grid.width)
    for frame in frames {
      try recent.frame(frame, of: sequence).withUnsafeBufferPointer { rates in
        for pixel in sums.indices { sums[pixel] += Double(rates[pixel]) * hours }
      }
    }
    return Tensor(shape: [grid.height, grid.width], sums.map(Float.init))
  }
}

/// Reads frames and keeps the last few, which the next window needs again.
///
/// `@unchecked Sendable`: what changes goes through the lock.
private final class RecentFrames: @unchecked Sendable {
  private let sequences: [FrameSequence]
  private let count: Int
  private let lock = NSLock()
  private var kept: [(sequence: Int, frame: Int, rates: Tensor)] = []

  init(_ sequences: [FrameSequence], count: Int) { (self.sequences, self.count) = (sequences, count) }

  func frame(_ frame: Int, of sequence: Int) throws -> Tensor {
    try lock.withLock {
      if let found = kept.first(where: { $0.sequence == sequence && $0.frame == frame }) { return found.rates }
      let rates = try sequences[sequence].rainRate(at: frame)
      if kept.count == count { kept.removeFirst() }
      kept.append((sequence, frame, rates))
      return rates
    }
  }
}
