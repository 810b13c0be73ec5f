import Foundation
import RadarIO
import Tensor

/// Frames in the network's numbers, and the windows in them that can be learned from.
///
/// A window is a run of input and lead frames of one sequence; none crosses a gap, since sequences have none.
public struct TrainingData: Sendable {
  /// One window: its sequence and its first frame.
  struct Window: Sendable, Equatable {
    let sequence: Int
    let start: Int
  }

  /// One sequence.
  struct Frames: Sendable {
    let name: String
    let files: [String]
    let count: Int
    let height: Int
    let width: Int
    fileprivate let position: Int
    fileprivate let store: TrainingFrames
    /// The frames that were missing and are interpolated.
    fileprivate let bridged: Set<Int>

    /// A frame, `[h, w]` in [0, 1], NaN where missing.
    func frame(_ frame: Int) throws -> Tensor { try store.frame(frame, of: position) }

    /// Whether a frame was measured, and not interpolated between others: only then is it something to learn.
    func isMeasured(_ frame: Int) -> Bool { !bridged.contains(frame) }
  }

  let frames: [Frames]
  /// All frames that are in memory.
  let store: TrainingFrames
  /// The motion of the rain in them.
  let motions: RainMotions
  /// What S-PROG forecasts from them.
  let prognoses: RainPrognoses
  /// What is learned from.
  let training: [Window]
  /// What is held out.
  let validation: [Window]
  /// Frames a window has as input and as target.
  let inputFrames: Int
  let leadFrames: Int
  /// The seconds from frame to frame.
  public let stepSeconds: Double
  /// The distance of neighbouring pixels in metres, where the files tell.
  public let spacingMetres: Double?
  /// The least and the largest of these two, where they may differ.
  let stepRange: [Double]?
  let spacingRange: [Double]?
  /// What these frames are, to notice when they change.
  let record: DataRecord
  /// The sequences that ``frames`` are of.
  let sequences: [FrameSequence]
  /// Sentences for people about what was left out.
  public private(set) var notes: [String] = []

  /// The number of windows to learn from.
  public var trainingWindows: Int { training.count }
  /// The number of windows held out.
  public var validationWindows: Int { validation.count }

  /// Finds the windows.
  ///
  /// - Parameters:
  ///   - sequences: what is learned from and, without `validation`, held out: the last part by time.
  ///   - validation: what is held out, if given.
  /// - Throws: ``NowcastError`` `unusable` when steps or spacings are mixed, no sequence is long enough, or every pixel
  ///   is missing; `RadarError` when a file cannot be read.
  public init(_ sequences: [FrameSequence], validation: [FrameSequence]? = nil, options: TrainingOptions) throws {
    let all = sequences + (validation ?? [])
    // The longest sequence says what the data is like.
    guard let first = sequences.max(by: { $0.count < $1.count }), first.count > 1 else {
      throw NowcastError(
        .unusable, "there are no two frames in a row to learn from.", path: all.first?.source.files.first)
    }
    stepSeconds = first.stepSeconds
    spacingMetres = first.grid.spacingMetres
    inputFrames = options.inputFrames
    leadFrames = options.leadFrames(stepSeconds: stepSeconds)
    let length = inputFrames + leadFrames
    let used = all.filter { $0.count >= length }
    stepRange = options.isMixed ? Self.range(used.map(\.stepSeconds)) : nil
    spacingRange = options.isMixed ? Self.range(used.compactMap(\.grid.spacingMetres)) : nil
    // A few frames at another step, as an outage leaves them, are too short to be used and no reason to refuse the rest.
    for other in options.isMixed ? [] : used {
      try Self.requireSame(first, other, "time step", first.stepSeconds, other.stepSeconds, unit: "s", tolerance: 0.02)
      guard let a = first.grid.spacingMetres, let b = other.grid.spacingMetres else { continue }
      try Self.requireSame(first, other, "grid spacing", a, b, unit: "m", tolerance: 0.05)
    }

    let store = TrainingFrames(all, normalisation: options.normalisation)
    self.store = store
    motions = RainMotions(all, inputFrames: options.inputFrames)
    prognoses = RainPrognoses(all, motions: motions, leadFrames: leadFrames)
    frames = all.enumerated().map { position, sequence in
      Frames(
        name: sequence.name, files: sequence.source.files, count: sequence.count, height: sequence.grid.height,
        width: sequence.grid.width, position: position, store: store, bridged: Set(sequence.bridged))
    }
    self.sequences = all
    func windows(_ range: Range<Int>) -> [Window] {
      range.flatMap { index in
        let bridged = Set(all[index].bridged)
        return stride(from: 0, through: all[index].count - length, by: 1)
          .filter { start in !bridged.isSuperset(of: start + options.inputFrames..<start + length) }
          .map { Window(sequence: index, start: $0) }
      }
    }
    let candidates = windows(0..<sequences.count)
    guard !candidates.isEmpty else {
      let longest = sequences.map(\.count).max() ?? 0
      throw NowcastError(
        .unusable,
        "a window needs \(inputFrames) + \(leadFrames) frames in a row, but the longest sequence has \(longest); give more "
          + "frames or fewer --input-frames and --lead-frames.", path: sequences.first?.source.files.first)
    }
    if let validation {
      training = candidates
      self.validation = windows(sequences.count..<sequences.count + validation.count)
      if self.validation.isEmpty {
        throw NowcastError(
          .unusable, "no validation sequence has \(length) frames in a row.", path: validation.first?.source.files.first
        )
      }
    } else {
      (training, self.validation) = Self.split(
        candidates, all, inputFrames: inputFrames, length: length, share: options.validationShare)
      if self.validation.isEmpty && options.validationShare > 0 {
        notes.append(
          "too few frames to hold some out: the lead frames of a window (\(leadFrames)) must fit into the last part, and a "
            + "whole window (\(length)) in front of it. Without validation the model of the last step is kept; more frames, "
            + "fewer --lead-frames or another --validation-share would help")
      }
    }
    let shared = Set(sequences.flatMap(\.times)).intersection((validation ?? []).flatMap(\.times))
    if !shared.isEmpty {
      notes.append(
        "\(shared.count) times are in both the training and the validation data, which makes validation too good")
    }
    let short = all.filter { $0.count < length }.count
    if short > 0 { notes.append("\(short) of \(all.count) sequences are shorter than \(length) frames and not used") }
    for part in [sequences, validation ?? []] {
      if let note = part.brokenWindowsNote(length: length) { notes.append(note) }
    }
    try Self.requireMeasuredTargets(training, frames, leadFrames: leadFrames, inputFrames: inputFrames)
    record = try DataRecord(all, frames: Self.hash(all, frames, windows: [training, self.validation]))
  }

  /// What is not as it was when `earlier` was made; `nil` when all is.
  func difference(from earlier: DataRecord) -> String? { record.difference(from: earlier, sequences) }

  /// Held out are the windows whose lead frames all lie in the last part by time; learned from are those that end before
  /// it. The held-out windows' input frames may reach back in front of it: at the time of the forecast they are known, and
  /// a short part suffices.
  private static func split(
    _ windows: [Window], _ sequences: [FrameSequence], inputFrames: Int, length: Int, share: Double
  ) -> (training: [Window], validation: [Window]) {
    let times = sequences.flatMap(\.times).sorted()
    let boundary = times[min(Int((Double(times.count) * (1 - share)).rounded()), times.count - 1)]
    func time(_ window: Window, _ frame: Int) -> Double { sequences[window.sequence].times[window.start + frame] }
    let held = share > 0 ? windows.filter { time($0, inputFrames) >= boundary } : []
    let learned = windows.filter { time($0, length - 1) < boundary }
    return held.isEmpty || learned.isEmpty ? (windows, []) : (learned, held)
  }

  /// A hash of what tells sequences apart. Of long ones some frames stand for all.
  private static func hash(_ sequences: [FrameSequence], _ frames: [Frames], windows: [[Window]]) throws -> String {
    var hash = ContentHash()
    for (sequence, frames) in zip(sequences, frames) {
      for extent in [frames.count, frames.height, frames.width] { hash.add(UInt64(extent)) }
      for time in sequence.times { hash.add(time.bitPattern) }
      for frame in stride(from: 0, to: frames.count, by: max(1, frames.count / 16)) {
        try frames.frame(frame).withUnsafeBufferPointer { values in
          for index in stride(from: frame % 97, to: values.count, by: 97) {
            // All missing values are alike, whatever their bits.
            hash.add(values[index].isNaN ? 1 : UInt64(values[index].bitPattern))
          }
        }
      }
    }
    for part in windows {
      hash.add(UInt64(part.count))
      for window in part { hash.add(UInt64(window.sequence) << 32 | UInt64(window.start)) }
    }
    return hash.text
  }

  private static func range(_ values: [Double]) -> [Double]? {
    guard let least = values.min(), let most = values.max() else { return nil }
    return [least, most]
  }

  private static func requireSame(
    _ a: FrameSequence, _ b: FrameSequence, _ what: String, _ x: Double, _ y: Double, unit: String, tolerance: Double
  ) throws {
    guard abs(x - y) > tolerance * x else { return }
    throw NowcastError(
      .unusable,
      "the \(what) is \(y.short) \(unit) here and \(x.short) \(unit) in \(a.source.files.first ?? a.name); train on data of "
        + "one \(what), or with --mixed.", path: b.source.files.first)
  }

  /// Something must be learned from: a pixel that was measured, in a lead frame of a window.
  private static func requireMeasuredTargets(
    _ windows: [Window], _ frames: [Frames], leadFrames: Int, inputFrames: Int
  ) throws {
    var looked: Set<Int> = []
    for window in windows {
      let start = window.start + inputFrames
      for frame in start..<start + leadFrames where looked.insert(window.sequence << 32 | frame).inserted {
        let values = try frames[window.sequence].frame(frame)
        if values.withUnsafeBufferPointer({ $0.contains { !$0.isNaN } }) { return }
      }
    }
    throw NowcastError(
      .unusable,
      "every pixel of every frame is missing among those to be forecast; there is nothing to learn from. Give other frames.",
      path: frames[0].files.first)
  }
}

extension Double {
  /// The number with at most three digits behind the point, and none where there are none.
  var short: String {
    let text = String(format: "%.3f", self)
    guard text.contains(".") else { return text }
    return String(text.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
  }
}
