import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Verification

/// Scores forecasts against what was measured.
///
/// The frames of one start time are in memory at a time, and the lead times are scored by all threads. Several processes
/// share the start times. Sums are exact, so the result is the same for any number of threads and processes and any order.
public enum Evaluator {
  /// The name of the network in reports.
  public static let modelName = "convlstm"
  /// The name of the mean of what a network forecasts as probabilities, and of these as an ensemble.
  public static let modelMeanName = "convlstm-mean"
  /// The members that stand for the probabilities.
  private static let memberCount = 10

  /// Forecasts from every start time of the sequences with a model, and scores them beside the baselines.
  ///
  /// - Parameters:
  ///   - communicator: the processes that share the start times. Where there are several, each calls this within
  ///     ``Communicator/agree(_:)``, and rank 0 has the result; the others have the scores of their own start times.
  ///   - report: is called after every start time of this process with how many are done, and of how many.
  /// - Throws: ``NowcastError``: `unusable` when no sequence is long enough or the model does not fit, `interrupted`.
  public static func evaluate(
    _ sequences: [FrameSequence], model: Model, modelPath: String, options: EvaluationOptions,
    communicator: any Communicator = SingleProcess(), pool: WorkerPool,
    report: (Int, Int) -> Void = { _, _ in }
  ) throws -> Evaluation {
    try options.validate()
    let forecaster = try Forecaster(model, pool: pool)
    let inputFrames = model.configuration.inputFrames
    let leadFrames = options.leadFrames ?? model.configuration.leadFrames
    // A baseline may need frames in front of those of the model, and uses more where there are more.
    let fewestFrames = options.baselines.map(\.fewestFrames).reduce(inputFrames, max)
    let mostFrames = options.baselines.map(\.inputFrames).reduce(inputFrames, max)
    func lasts(_ sequence: FrameSequence) -> [Int] {
      Array(Swift.stride(from: fewestFrames - 1, to: sequence.count - leadFrames, by: options.stride))
    }
    // A few frames at another step, as an outage leaves them, are no reason to refuse the rest.
    let used = sequences.filter { !lasts($0).isEmpty }
    guard !used.isEmpty else {
      let longest = sequences.map(\.count).max() ?? 0
      throw NowcastError(
        .unusable,
        "scoring needs \(fewestFrames) + \(leadFrames) frames in a row, but the longest sequence has \(longest); give more "
          + "frames, or fewer --lead-frames.", path: sequences.first?.source.files.first)
    }
    for sequence in used {
      try forecaster.requireFit(sequence, force: options.force)
      try forecaster.requireMemory(sequence.grid, leadFrames: leadFrames)
    }
    let starts = used.flatMap { sequence in
      let step = forecaster.nominalStep(sequence.stepSeconds)
      return lasts(sequence).map { last in
        Start(event: sequence, time: sequence.times[last]) {
          let input = try sequence.rainRate(of: max(0, last + 1 - mostFrames)..<last + 1)
          let forecast = forecaster.prognosis(
            input, last: input.shape[0] - 1, leadFrames: leadFrames, stepSeconds: step)
          let baselines = options.baselines.map {
            ($0.rawValue, $0.forecast(input, leadFrames: leadFrames, pool: pool))
          }
          return try (0..<leadFrames).map { lead in
            LeadFrames(
              leadMinutes: Double(lead + 1) * step / 60,
              observation: try sequence.measuredRainRate(at: last + lead + 1),
              forecasts: [ScoredForecast(method: modelName, field: forecast.rainRate.part(lead))]
                + (forecast.distribution.map {
                  [ScoredForecast(method: modelMeanName, members: $0.members(lead, count: memberCount, pool: pool))]
                } ?? []) + baselines.map { ScoredForecast(method: $0.0, field: $0.1.part(lead)) })
          }
        }
      }
    }
    var result = try score(
      starts, subjects: ["model \(modelPath)"], options: options, communicator: communicator, pool: pool, report: report
    )
    if let note = sequences.brokenWindowsNote(length: fewestFrames + leadFrames) { result.notes.append(note) }
    let short = sequences.count - used.count
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
  /// - Throws: ``NowcastError`` `usage` when forecasts cannot be told apart by their names, `unusable` when one matches no
  ///   observation, `interrupted`.
  public static func evaluate(
    _ sequences: [FrameSequence], forecasts: [ForecastReading], options: EvaluationOptions,
    communicator: any Communicator = SingleProcess(), pool: WorkerPool, report: (Int, Int) -> Void = { _, _ in }
  ) throws -> Evaluation {
    try options.validate()
    let taken = Set(options.baselines.map(\.rawValue))
    if let other = forecasts.first(where: { taken.contains($0.method) }) {
      throw NowcastError(
        .usage, "its name in the report would be that of the baseline; rename it, or say --baselines none.",
        path: other.path)
    }
    var notes: [String] = []
    let baselines = ObservedBaselines(options.baselines, pool: pool)
    let starts = try matched(forecasts, sequences, &notes).compactMap { match -> Start? in
      guard let first = match.moments.first else { return nil }
      return Start(event: first.observed.sequence, time: match.reference) {
        let origin = sequences.frame(at: match.reference, on: match.grid)
        var open: [Int: [FrameSequence]] = [:]
        func forecast(_ place: (forecast: Int, frame: Int)) throws -> ScoredForecast {
          let reading = forecasts[place.forecast]
          let members = try open[place.forecast] ?? reading.opened()
          open[place.forecast] = members
          return try reading.forecast(of: members, at: place.frame)
        }
        return try match.moments.map { moment in
          LeadFrames(
            leadMinutes: (moment.valid - match.reference) / 60,
            observation: try moment.observed.sequence.measuredRainRate(at: moment.observed.frame),
            forecasts: try moment.frames.map(forecast)
              + baselines.fields(
                from: origin, reference: match.reference, seconds: moment.valid - match.reference))
        }
      }
    }
    var result = try score(
      starts, subjects: Set(forecasts.map(\.path)).sorted(), options: options, communicator: communicator, pool: pool,
      report: report)
    for absent in try communicator.gathered(baselines.absent) { baselines.add(absent: absent) }
    result.notes = notes + result.notes
    result.notes += baselines.notes
    return result
  }

  // MARK: Scoring

  /// A time that forecasts start from.
  private struct Start {
    let event: FrameSequence
    let time: Double
    /// Reads and makes the frames of all lead times.
    let load: () throws -> [LeadFrames]
  }

  private static func score(
    _ starts: [Start], subjects: [String], options: EvaluationOptions, communicator: any Communicator,
    pool: WorkerPool, report: (Int, Int) -> Void
  ) throws -> Evaluation {
    var result = Evaluation(
      book: ScoreBook(settings: options.settings, blockSeconds: options.blockMinutes * 60), events: [],
      subjects: subjects)
    let own = stride(from: communicator.rank, to: starts.count, by: communicator.size)
    var chosenBy = try communicator.agree { try score(starts, Array(own), into: &result, pool: pool, report: report) }
    for part in try communicator.gathered(result).dropFirst() { result.book.merge(part.book) }
    chosenBy = try communicator.gathered(chosenBy).flatMap(\.self)
    for start in starts { result.note(start.event, time: start.time) }
    result.sortEvents()
    if result.book.columns.values.allSatisfy({ $0.values.allSatisfy { $0.continuous.count == 0 } }) {
      result.notes.append("no pixel was measured and forecast in any frame: every score is undefined")
    }
    try communicator.onRoot { result.cases = try cases(chosenBy, starts) }
    return result
  }

  /// What a start time is chosen by to be looked at.
  private struct Choice: Codable {
    let csi: Double
    let start: Int
  }

  /// Scores some of the start times.
  private static func score(
    _ starts: [Start], _ own: [Int], into result: inout Evaluation, pool: WorkerPool, report: (Int, Int) -> Void
  ) throws -> [Choice] {
    let settings = result.book.settings
    var scorers: [SIMD2<Int>: FrameScorer] = [:]
    var chosenBy: [Choice] = []
    for (done, number) in own.enumerated() {
      let start = starts[number]
      if Interruption.isRequested {
        throw NowcastError(
          .interrupted, "stopped after \(done) of \(own.count) start times; no report was written.")
      }
      let leads = try start.load()
      let size = SIMD2(start.event.grid.height, start.event.grid.width)
      let scorer = scorers[size] ?? FrameScorer(settings: settings, height: size.x, width: size.y)
      scorers[size] = scorer
      var scores = [[FieldScores]](repeating: [], count: leads.count)
      scores.withUnsafeMutableBufferPointer { scores in
        // Each task writes a place of its own.
        nonisolated(unsafe) let scores = scores
        pool.run(tasks: leads.count) { lead in
          scores[lead] = scorer.scores(observation: leads[lead].observation, forecasts: leads[lead].forecasts)
        }
      }
      let block = result.book.block(event: start.event.name, startTime: start.time)
      var main = ContingencyTable()
      for (lead, methods) in zip(leads, scores) {
        for (forecast, scores) in zip(lead.forecasts, methods) {
          result.book.add(scores, to: .init(method: forecast.method, leadMinutes: lead.leadMinutes), block)
        }
        if let first = methods.first, let index = result.mainThreshold.flatMap(settings.thresholds.firstIndex) {
          main.merge(first.tables[index])
        }
      }
      if let csi = main.csi { chosenBy.append(Choice(csi: csi, start: number)) }
      report(done + 1, own.count)
    }
    return chosenBy
  }

  /// The best, the median and the worst start time by the CSI of the first method.
  private static func cases(_ chosenBy: [Choice], _ starts: [Start]) throws -> [Evaluation.Case] {
    let sorted = chosenBy.sorted { ($0.csi, $0.start) > ($1.csi, $1.start) }
    guard !sorted.isEmpty else { return [] }
    let places: [(String, Int)] =
      sorted.count < 3
      ? [("The only start time with rain", 0)]
      : [("The best", 0), ("The median", sorted.count / 2), ("The worst", sorted.count - 1)]
    return try places.map { title, place in
      let start = starts[sorted[place].start]
      let leads = try start.load()
      let most = 4
      let shown = leads.count > most ? (1...most).map { leads[$0 * leads.count / most - 1] } : leads
      return Evaluation.Case(
        title: title, startTime: start.time, grid: start.event.grid, csi: sorted[place].csi, leads: shown)
    }
  }

  // MARK: Matching

  /// The forecast frames of one reference time and grid that have an observation.
  private struct Match {
    let reference: Double
    let grid: Grid
    var moments: [Moment] = []
  }

  /// The forecast frames of one valid time.
  private struct Moment {
    let valid: Double
    let observed: (sequence: FrameSequence, frame: Int)
    var frames: [(forecast: Int, frame: Int)]
  }

  private static func matched(
    _ forecasts: [ForecastReading], _ sequences: [FrameSequence], _ notes: inout [String]
  ) throws -> [Match] {
    var found: [Match] = []
    var places: [Double: [Int]] = [:]
    for (index, forecast) in forecasts.enumerated() {
      let known = places[forecast.referenceTime]?.first { found[$0].grid.matches(forecast.grid) }
      let place = known ?? found.count
      if known == nil {
        found.append(Match(reference: forecast.referenceTime, grid: forecast.grid))
        places[forecast.referenceTime, default: []].append(place)
      }
      var count = 0
      for (frame, time) in forecast.times.enumerated() {
        guard let observed = sequences.frame(at: time, on: forecast.grid) else { continue }
        count += 1
        if let moment = found[place].moments.firstIndex(where: { $0.valid == time }) {
          // Files of one name and several start times are one method; of one start time they are two.
          let others = found[place].moments[moment].frames
          if let other = others.first(where: { forecasts[$0.forecast].method == forecast.method }) {
            throw NowcastError(
              .usage,
              "its name in the report, '\(forecast.method)', is also that of \(forecasts[other.forecast].path), from the same "
                + "start; rename one of them.", path: forecast.path)
          }
          found[place].moments[moment].frames.append((index, frame))
        } else {
          found[place].moments.append(Moment(valid: time, observed: observed, frames: [(index, frame)]))
        }
      }
      guard count > 0 else { throw unmatched(forecast, sequences) }
      if count < forecast.times.count {
        notes.append(
          "\(forecast.path): \(forecast.times.count - count) of \(forecast.times.count) frames have no observation")
      }
    }
    for place in found.indices { found[place].moments.sort { $0.valid < $1.valid } }
    return found.filter { !$0.moments.isEmpty }.sorted { $0.reference < $1.reference }
  }

  private static func unmatched(_ forecast: ForecastReading, _ sequences: [FrameSequence]) -> NowcastError {
    guard sequences.contains(where: { $0.grid.matches(forecast.grid) }) else {
      return NowcastError(
        .unusable,
        "this forecast's grid (\(forecast.grid.summary)) is not that of the observations; nothing can be compared.",
        path: forecast.path)
    }
    return NowcastError(
      .unusable,
      "no observed frame has one of this forecast's valid times; give the observations of the hours it is for.",
      path: forecast.path)
  }
}

extension Evaluation {
  /// Notes a start time of an event.
  fileprivate mutating func note(_ sequence: FrameSequence, time: Double) {
    if let place = events.firstIndex(where: { $0.name == sequence.name }) {
      if !events[place].startTimes.contains(time) {
        events[place].startTimes = (events[place].startTimes + [time]).sorted()
      }
    } else {
      events.append(
        Event(
          name: sequence.name, grid: sequence.grid.summary, files: sequence.source.files.sorted(), startTimes: [time]))
    }
  }
}
