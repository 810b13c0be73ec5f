import ConvKernels
import Foundation
import RadarIO
import Tensor
import Verification

/// What is evaluated, and how.
public struct EvaluationOptions: Sendable, Equatable, Codable {
  /// Thresholds in mm/h: an event is a value of at least the threshold.
  public var thresholds: [Float] = [0.1, 0.5, 1, 2, 5, 10]
  /// The widths of the neighbourhoods of the fractions skill score in pixels.
  public var windows: [Int] = []
  /// Every N-th possible start time.
  public var stride = 1
  /// Frames to forecast; `nil` takes the model's number.
  public var leadFrames: Int?
  /// What is scored beside the forecasts.
  public var baselines = Baseline.allCases
  /// Whether a model is used on frames of another step or spacing than it was trained on.
  public var force = false

  /// The defaults.
  public init() {}

  /// Throws ``NowcastError`` `usage` when a number makes no sense.
  public func validate() throws {
    guard !thresholds.isEmpty, thresholds.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw NowcastError(.usage, "--thresholds must be rain rates above 0 mm/h.")
    }
    guard zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw NowcastError(.usage, "--thresholds must ascend, each given once.")
    }
    guard Set(windows).count == windows.count, windows.allSatisfy({ (1...10_000).contains($0) }) else {
      throw NowcastError(.usage, "--fss-windows must be widths of 1 to 10000 pixels, each given once.")
    }
    guard stride > 0 else { throw NowcastError(.usage, "--stride is \(stride); it must be at least 1.") }
    guard leadFrames.map({ (1...1000).contains($0) }) ?? true else {
      throw NowcastError(.usage, "--lead-frames is \(leadFrames ?? 0); it must be 1 to 1000.")
    }
  }
}

/// The result of an evaluation.
public struct Evaluation: Sendable {
  /// One sequence that was evaluated.
  public struct Event: Sendable, Codable {
    /// The sequence's name.
    public let name: String
    /// Its files.
    public let files: [String]
    /// Start times that were evaluated.
    public let startTimes: Int
  }

  /// The scores.
  public var book: ScoreBook
  /// What was evaluated.
  public var events: [Event]
  /// What the forecasts came from: the model, or files.
  public var subject: String
  /// How it was evaluated.
  public var options: EvaluationOptions
  /// Sentences for people.
  public var notes: [String] = []
}

extension Evaluation {
  /// Notes that nothing could be compared, which makes every score undefined.
  fileprivate mutating func noteEmptiness() {
    guard book.ordered.allSatisfy({ $0.scores.continuous.count == 0 }) else { return }
    notes.append("no pixel was measured and forecast in any frame: every score is undefined")
  }
}

/// Scores forecasts against what was measured.
public enum Evaluator {
  /// The name of the network in reports.
  public static let modelName = "convlstm"

  /// Forecasts from every start time of the sequences with a model, and scores them beside the baselines.
  ///
  /// - Parameter report: is called after every start time with how many are done, and of how many.
  /// - Throws: ``NowcastError``: `unusable` when no sequence is long enough or the model does not fit, `interrupted`.
  public static func evaluate(
    _ sequences: [FrameSequence], model: Model, modelPath: String, options: EvaluationOptions, pool: WorkerPool,
    report: (Int, Int) -> Void = { _, _ in }
  ) throws -> Evaluation {
    try options.validate()
    let forecaster = try Forecaster(model, pool: pool)
    let inputFrames = model.configuration.inputFrames
    let leadFrames = options.leadFrames ?? model.configuration.leadFrames
    // A baseline may need frames in front of those of the model, and uses more where there are more.
    let fewestFrames = options.baselines.map(\.fewestFrames).reduce(inputFrames, max)
    let mostFrames = options.baselines.map(\.inputFrames).reduce(inputFrames, max)
    func starts(_ sequence: FrameSequence) -> [Int] {
      Array(Swift.stride(from: fewestFrames - 1, to: sequence.count - leadFrames, by: options.stride))
    }
    let total = sequences.reduce(0) { $0 + starts($1).count }
    guard total > 0 else {
      let longest = sequences.map(\.count).max() ?? 0
      throw NowcastError(
        .unusable,
        "scoring needs \(fewestFrames) + \(leadFrames) frames in a row, but the longest sequence has \(longest); give more "
          + "frames, or fewer --lead-frames.", path: sequences.first?.source.files.first)
    }
    // A few frames at another step, as an outage leaves them, are no reason to refuse the rest.
    let used = sequences.filter { !starts($0).isEmpty }
    for sequence in used {
      try forecaster.requireFit(sequence, force: options.force)
      try forecaster.requireMemory(sequence.grid, leadFrames: leadFrames)
    }
    var result = Evaluation(
      book: ScoreBook(thresholds: options.thresholds, windows: options.windows), events: [],
      subject: "model \(modelPath)", options: options)
    var done = 0
    for sequence in used {
      let step = forecaster.nominalStep(of: sequence)
      for last in starts(sequence) {
        if Interruption.isRequested {
          throw NowcastError(.interrupted, "stopped after \(done) of \(total) start times; no report was written.")
        }
        let input = try sequence.rainRate(of: max(0, last + 1 - mostFrames)..<last + 1)
        let forecast = forecaster.forecast(input, last: input.shape[0] - 1, leadFrames: leadFrames)
        let baselines = options.baselines.map { ($0.rawValue, $0.forecast(input, leadFrames: leadFrames, pool: pool)) }
        for lead in 0..<leadFrames {
          result.book.add(
            event: sequence.name, leadMinutes: Double(lead + 1) * step / 60,
            observation: try sequence.measuredRainRate(at: last + lead + 1),
            forecasts: [(modelName, forecast.part(lead))] + baselines.map { ($0.0, $0.1.part(lead)) })
        }
        done += 1
        report(done, total)
      }
      result.events.append(
        Evaluation.Event(name: sequence.name, files: sequence.source.files, startTimes: starts(sequence).count))
    }
    result.noteEmptiness()
    if let note = sequences.brokenWindowsNote(length: fewestFrames + leadFrames) { result.notes.append(note) }
    let short = sequences.count - result.events.count
    if short > 0 {
      result.notes.append("\(short) of \(sequences.count) sequences are too short for one forecast and were left out")
    }
    return result
  }

  /// Scores forecasts that were made earlier, by this or another program.
  ///
  /// A forecast frame is scored against the observed frame of its valid time, on the same grid. Forecasts of one reference
  /// time are compared with each other and with the baselines, made from the observed frames up to the reference time. A
  /// lead time that is no whole number of the frames' steps has no baseline but persistence.
  ///
  /// - Throws: ``NowcastError`` `usage` when forecasts cannot be told apart by their names, `unusable` when one matches no observation.
  public static func evaluate(
    _ sequences: [FrameSequence], forecasts: [ForecastReading], options: EvaluationOptions, pool: WorkerPool
  ) throws -> Evaluation {
    try options.validate()
    let taken = Set(options.baselines.map(\.rawValue))
    if let other = forecasts.first(where: { taken.contains($0.method) }) {
      throw NowcastError(
        .usage, "its name in the report would be that of the baseline; rename it, or say --baselines none.",
        path: other.path)
    }
    var result = Evaluation(
      book: ScoreBook(thresholds: options.thresholds, windows: options.windows), events: [],
      subject: forecasts.map(\.path).joined(separator: ", "), options: options)
    var startTimes: [String: Set<Double>] = [:]
    var baselines = ObservedBaselines(options.baselines, pool: pool)
    for (moment, frames) in try matched(forecasts, sequences, &result.notes) {
      let grid = forecasts[frames[0].forecast].grid
      guard let (sequence, frame) = sequences.frame(at: moment.valid, on: grid) else { continue }
      var methods = frames.map { (forecasts[$0.forecast].method, forecasts[$0.forecast].rainRate.part($0.frame)) }
      methods += try baselines.fields(
        from: sequences.frame(at: moment.reference, on: grid), seconds: moment.valid - moment.reference)
      result.book.add(
        event: sequence.name, leadMinutes: (moment.valid - moment.reference) / 60,
        observation: try sequence.measuredRainRate(at: frame), forecasts: methods)
      startTimes[sequence.name, default: []].insert(moment.reference)
    }
    result.noteEmptiness()
    result.notes += baselines.notes
    result.events = sequences.compactMap { sequence in
      startTimes[sequence.name].map {
        Evaluation.Event(name: sequence.name, files: sequence.source.files, startTimes: $0.count)
      }
    }
    return result
  }

  /// A valid time, and the reference time of the forecasts for it.
  private struct Moment: Hashable {
    let reference: Double
    let valid: Double
  }

  /// The forecast frames that have an observation, those of one moment and grid together.
  private static func matched(
    _ forecasts: [ForecastReading], _ sequences: [FrameSequence], _ notes: inout [String]
  ) throws -> [(moment: Moment, frames: [(forecast: Int, frame: Int)])] {
    var found: [(moment: Moment, frames: [(forecast: Int, frame: Int)])] = []
    for (index, forecast) in forecasts.enumerated() {
      var count = 0
      for (frame, time) in forecast.times.enumerated() where sequences.frame(at: time, on: forecast.grid) != nil {
        count += 1
        let moment = Moment(reference: forecast.referenceTime, valid: time)
        let place = found.firstIndex {
          $0.moment == moment && forecasts[$0.frames[0].forecast].grid.matches(forecast.grid)
        }
        if let place {
          // Files of one name and several start times are one method; of one start time they are two.
          if let other = found[place].frames.first(where: { forecasts[$0.forecast].method == forecast.method }) {
            throw NowcastError(
              .usage,
              "its name in the report, '\(forecast.method)', is also that of \(forecasts[other.forecast].path), from the same "
                + "start; rename one of them.", path: forecast.path)
          }
          found[place].frames.append((index, frame))
        } else {
          found.append((moment, [(index, frame)]))
        }
      }
      guard count > 0 else {
        let sameGrid = sequences.contains { $0.grid.matches(forecast.grid) }
        throw NowcastError(
          .unusable,
          sameGrid
            ? "no observed frame has one of this forecast's valid times; give the observations of the hours it is for."
            : "this forecast's grid (\(forecast.grid.summary)) is not that of the observations; nothing can be compared.",
          path: forecast.path)
      }
      if count < forecast.times.count {
        notes.append(
          "\(forecast.path): \(forecast.times.count - count) of \(forecast.times.count) frames have no observation")
      }
    }
    return found
  }
}

/// A forecast as it was read from a file.
public struct ForecastReading: Sendable {
  /// The file.
  public let path: String
  /// The name of the method in reports: the file's name without its suffix.
  public let method: String
  /// `[t, h, w]` in mm/h, NaN where missing.
  public let rainRate: Tensor
  /// The valid times, in seconds since 1970.
  public let times: [Double]
  /// The time of the last frame that the forecast knew, in seconds since 1970.
  public let referenceTime: Double
  /// The grid.
  public let grid: Grid

  /// Takes a forecast that was read as a sequence.
  ///
  /// - Parameter referenceTime: what the file says; without it, one step before the first forecast frame.
  /// - Throws: ``NowcastError`` `unusable` when there is only one frame and the file does not say, `RadarError` when it
  ///   cannot be read.
  public init(_ sequence: FrameSequence, path: String, referenceTime: Double?) throws {
    guard referenceTime != nil || sequence.count > 1 else {
      throw NowcastError(
        .unusable,
        "nothing says how far ahead its one frame is; a forecast needs a scalar variable with standard_name "
          + "'forecast_reference_time'.", path: path)
    }
    self.path = path
    method = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    rainRate = try sequence.rainRate
    times = sequence.times
    self.referenceTime = referenceTime ?? sequence.times[0] - sequence.stepSeconds
    grid = sequence.grid
  }
}

extension [FrameSequence] {
  /// The frame of a time on a grid; half a minute is no difference.
  fileprivate func frame(at time: Double, on grid: Grid) -> (sequence: FrameSequence, frame: Int)? {
    for sequence in self where sequence.grid.matches(grid) {
      if let frame = sequence.times.firstIndex(where: { abs($0 - time) <= 30 }) { return (sequence, frame) }
    }
    return nil
  }
}
