import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing
import Verification

@testable import Nowcasting

@Suite struct ForecasterTests {
  private func forecaster(step: Double = 300, spacing: Double? = 1000) throws -> Forecaster {
    let configuration = ModelConfiguration(
      architecture: ModelConfiguration.Architecture(patch: 2, hidden: [4]), inputFrames: 3, leadFrames: 2,
      normalisation: Normalisation(), timeStepSeconds: step, gridSpacingMetres: spacing, seed: 1)
    var network = EncoderForecaster(try configuration.architecture.network(), seed: 1).parameters
    network["head.bias"] = Tensor(shape: [4], repeating: 0)
    return try Forecaster(Model(configuration: configuration, parameters: network), pool: .standard)
  }

  @Test func missingOnlyWhereNoInputFrameMeasured() throws {
    var rain = try countingSequence(frames: 5, height: 7, width: 9).rainRate
    for t in 0..<5 { rain[t, 6, 8] = .nan }
    for t in 2..<5 where t != 3 { rain[t, 1, 1] = .nan }
    let forecast = try forecaster().forecast(rain, last: 4, leadFrames: 2)
    for t in 0..<2 {
      for y in 0..<7 {
        for x in 0..<9 { #expect(forecast[t, y, x].isNaN == (y == 6 && x == 8)) }
      }
    }
  }

  /// What comes after the last input frame, or before the first, changes nothing.
  @Test func onlyTheInputFramesCount() throws {
    let forecaster = try forecaster()
    var rain = try countingSequence(frames: 6).rainRate
    let before = forecaster.forecast(rain, last: 4, leadFrames: 2)
    rain[5, 3, 3] = 99
    rain[1, 3, 3] = 99
    #expect(forecaster.forecast(rain, last: 4, leadFrames: 2) == before)
    rain[2, 3, 3] = 99
    #expect(forecaster.forecast(rain, last: 4, leadFrames: 2) != before)
  }

  /// Clocks that are off by a second make no lead times of their own; a few frames at another step are left out.
  @Test func leadTimesAreThoseOfTheModel() throws {
    let configuration = try forecaster().configuration
    let model = Model(
      configuration: configuration,
      parameters: EncoderForecaster(try configuration.architecture.network(), seed: 1).parameters)
    let result = try Evaluator.evaluate(
      [
        countingSequence(frames: 5), countingSequence(frames: 5, start: 1e5, step: 301),
        countingSequence(frames: 3, start: 1e6, step: 600),
      ], model: model, modelPath: "m", options: .init(), pool: .standard)
    #expect(result.book.leadMinutes() == [5, 10] && result.events.count == 2 && result.notes.count == 1)
  }

  /// A model of mixed data serves what lies between, and says what that is.
  @Test func aModelOfSeveralStepsAndSpacings() throws {
    var configuration = try forecaster().configuration
    (configuration.timeStepRange, configuration.gridSpacingRange) = ([120, 600], [500, 1000])
    let text = try JSONEncoder().encode(configuration)
    #expect(try JSONDecoder().decode(ModelConfiguration.self, from: text) == configuration)
    let network = EncoderForecaster(try configuration.architecture.network(), seed: 1).parameters
    let forecaster = try Forecaster(Model(configuration: configuration, parameters: network), pool: .standard)
    for (step, spacing) in [(118.0, 1000.0), (360, 800), (605, 480)] {
      #expect(forecaster.misfit(of: countingSequence(frames: 5, step: step, spacing: spacing)) == nil)
    }
    #expect(
      forecaster.misfit(of: countingSequence(frames: 5, step: 900, spacing: 2000))
        == "the model was trained on a time step of 120 to 600 s and a grid spacing of 500 to 1000 m, the frames have 900 s and "
        + "2000 m.")
    configuration.timeStepRange = [600, 120]
    #expect(throws: NowcastError.self) { try configuration.validate(path: nil) }
  }

  @Test func aModelForOtherFramesIsRefused() throws {
    let sequence = countingSequence(frames: 5)
    try forecaster().requireFit(sequence, force: false)
    #expect(throwsCode(.unusable) { try forecaster(step: 600).requireFit(sequence, force: false) })
    #expect(throwsCode(.unusable) { try forecaster(spacing: 2000).requireFit(sequence, force: false) })
    try forecaster(step: 600, spacing: 2000).requireFit(sequence, force: true)
    try forecaster(spacing: nil).requireFit(sequence, force: false)
    #expect(throwsCode(.unusable) { try forecaster().requireEnoughFrames(countingSequence(frames: 2)) })
  }
}

@Suite struct EvaluatorTests {
  private let observed = countingSequence(frames: 8)

  private func evaluation(
    _ forecasts: [ForecastReading], thresholds: [Float] = [1], windows: [Int] = [],
    baselines: [Baseline] = [.persistence]
  ) throws -> Evaluation {
    var options = EvaluationOptions()
    (options.thresholds, options.windows, options.baselines) = (thresholds, windows, baselines)
    return try Evaluator.evaluate([observed], forecasts: forecasts, options: options, pool: .standard)
  }

  private func forecast(_ shift: Float, from start: Int, frames: Int, path: String = "f.nc") throws -> ForecastReading {
    let range = start + 1..<start + 1 + frames
    let part = try observed.rainRate.parts(range)
    let sequence = observed.with(
      times: Array(observed.times[range]), rainRate: Tensor(shape: part.shape, part.elements.map { $0 + shift }))
    return try ForecastReading([sequence], path: path, referenceTime: observed.times[start])
  }

  /// Forecasts are matched by valid time; their errors and those of persistence are known beforehand.
  @Test func scoresForecastFiles() throws {
    let result = try evaluation([try forecast(0.5, from: 2, frames: 3)], thresholds: [1.25])
    #expect(result.book.leadMinutes() == [5, 10, 15] && result.book.methods == ["f", "persistence"])
    for (index, lead) in [5.0, 10, 15].enumerated() {
      let model = try #require(result.book.scores(method: "f", leadMinutes: lead))
      #expect(abs(try #require(model.continuous.mae) - 0.5) < 1e-6)
      let persistence = try #require(result.book.scores(method: "persistence", leadMinutes: lead))
      #expect(abs(try #require(persistence.continuous.mae) - 0.1 * Double(index + 1)) < 1e-6)
      // At 10 minutes all of the observation is above 1.25 mm/h and none of persistence (frame 2).
      if lead == 10 { #expect(persistence.tables[0].misses == 120 && model.tables[0].hits == 120) }
    }
  }

  /// Two programs' forecasts from one start: compared on the pixels that both have, and with persistence once.
  @Test func forecastsOfOneStartAreCompared() throws {
    var rain = try observed.rainRate.parts(3..<5)
    rain[0, 0, 0] = .nan
    let part = observed.with(times: Array(observed.times[3..<5]), rainRate: rain)
    let other = try ForecastReading([part], path: "g.nc", referenceTime: observed.times[2])
    let result = try evaluation([try forecast(0.5, from: 2, frames: 2), other])
    #expect(result.book.methods == ["f", "g", "persistence"])
    #expect(result.events.map(\.startTimes.count) == [1])
    for method in result.book.methods {
      #expect(result.book.scores(method: method, leadMinutes: 5)?.continuous.count == 119)
      #expect(result.book.scores(method: method, leadMinutes: 10)?.continuous.count == 120)
    }
  }

  /// Advection starts from the frames up to the reference time. What it leaves missing counts for no method.
  @Test func advectionIsScoredOnThePixelsOfAll() throws {
    let forecast = try forecast(0, from: 2, frames: 2)
    let result = try evaluation([forecast], baselines: Baseline.allCases)
    #expect(result.book.methods == ["f", "sprog", "advection", "persistence"] && result.notes.isEmpty)
    for (index, lead) in [5.0, 10].enumerated() {
      let field = Baseline.advection.forecast(
        try observed.rainRate.parts(0..<3), leadFrames: 2, pool: .standard
      ).part(index)
      let truth = try observed.rainRate.part(3 + index)
      let errors = zip(field.elements, truth.elements).filter { !$0.0.isNaN }.map { Double(abs($0 - $1)) }
      for method in result.book.methods {
        #expect(result.book.scores(method: method, leadMinutes: lead)?.continuous.count == errors.count)
      }
      let scores = try #require(result.book.scores(method: "advection", leadMinutes: lead))
      #expect(abs(try #require(scores.continuous.mae) - errors.reduce(0, +) / Double(errors.count)) < 1e-6)
    }
  }

  @Test func forecastsThatCannotBeToldApartAreRefused() throws {
    let (a, b) = (try forecast(0, from: 2, frames: 2), try forecast(1, from: 2, frames: 2, path: "other/f.nc"))
    #expect(throwsCode(.usage) { _ = try evaluation([a, b]) })
    let later = try forecast(1, from: 3, frames: 2, path: "later/f.nc")
    let both = try evaluation([a, later])
    #expect(both.book.methods == ["f", "persistence"] && both.events.map(\.startTimes.count) == [2])
    for name in Baseline.allCases.map(\.rawValue) {
      let named = try forecast(0, from: 2, frames: 2, path: "\(name).nc")
      #expect(throwsCode(.usage) { _ = try evaluation([named], baselines: Baseline.allCases) })
    }
    // Its lead time is not known, and would be taken for none: a perfect persistence.
    let one = FrameSequence(grid: observed.grid, times: [600], rainRate: try observed.rainRate.parts(2..<3))
    #expect(throwsCode(.unusable) { _ = try ForecastReading([one], path: "f.nc", referenceTime: nil) })
  }

  @Test func aForecastOfNothingObservedIsRefused() throws {
    var other = try forecast(0, from: 2, frames: 3)
    other = try ForecastReading(
      [FrameSequence(grid: observed.grid, times: [1e6, 1e6 + 300], rainRate: Tensor(shape: [2, 12, 10]))], path: "f.nc",
      referenceTime: nil)
    #expect(throwsCode(.unusable) { _ = try evaluation([other]) })
    let grid = Grid(height: 12, width: 10, spacingMetres: 500)
    let foreign = try ForecastReading(
      [FrameSequence(grid: grid, times: [300, 600], rainRate: Tensor(shape: [2, 12, 10]))], path: "g.nc",
      referenceTime: 0)
    #expect(throwsCode(.unusable) { _ = try evaluation([foreign]) })
  }

  @Test func theReportSaysWhatItComputed() throws {
    let result = try evaluation([try forecast(0, from: 2, frames: 2)], thresholds: [1, 50, 1e30], windows: [3])
    let report = ScoreReport(result, intervals: ScoreIntervals(result.book, pool: .standard))
    let files = Dictionary(uniqueKeysWithValues: try report.files())
    let lines = String(decoding: try #require(files["scores.csv"]), as: UTF8.self).split(separator: "\n").map(
      String.init)
    #expect(lines[0] == "event,method,lead_minutes,metric,threshold,scale,value,count")
    #expect(lines.contains("all,f,5,csi,1,,1.0,120"))
    #expect(lines.contains("start 0,f,5,bias,1,,1.0,120"))
    // No event at 50 mm/h in either field: undefined, with its count.
    #expect(lines.contains("all,f,10,csi,50,,,120"))
    #expect(lines.contains("all,f,10,mse,,,0.0,120"))
    #expect(lines.contains("all,f,10,fss,1,3,1.0,120"))
    #expect(lines.contains("all,f,10,csi,1e+30,,,120"))
    // Over both lead times: 240 pixels.
    #expect(lines.contains("all,f,,csi,1,,1.0,240"))
    // One block of start times: no interval.
    let intervals = String(decoding: try #require(files["intervals.csv"]), as: UTF8.self)
    #expect(intervals.contains("f,,5,csi,1,,1.0,,,1\n"))
    let difference = try #require(intervals.split(separator: "\n").first { $0.hasPrefix("f,persistence,5,mse,,,") })
    let columns = difference.split(separator: ",", omittingEmptySubsequences: false)
    #expect(abs(try #require(Double(columns[6])) + 0.01) < 1e-6 && columns[7...] == ["", "", "1"])
    let json = try JSONSerialization.jsonObject(with: try #require(files["scores.json"])) as? [String: Any]
    let scores = try #require(json?["scores"] as? [[String: Any]])
    // Two methods, two lead times, one block.
    #expect(scores.count == 4)
    let raw = try #require(scores[0]["raw"] as? [String: Any])
    #expect(((raw["tables"] as? [[String: Any]])?[0]["hits"] as? Int) == 120)
    let text = ScoreText(result, intervals: ScoreIntervals(result.book, pool: .standard)).table(mostLeads: 1)
    #expect(text.contains("+10 min") && text.contains("nothing can be said about how sure"))
    let markdown = String(decoding: try #require(files["report.md"]), as: UTF8.self)
    #expect(markdown.contains("| +5 min | 1.000 (1.00) |"))
  }
}

@Suite struct MergingTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Three events with rain of their own, evaluated at once and one by one.
  private func events() throws -> [(sequence: FrameSequence, forecasts: [ForecastReading])] {
    var source = RandomSource(seed: 8)
    return try (0..<3).map { day in
      let grid = Grid(height: 20, width: 24, spacingMetres: 1000)
      let times = (0..<30).map { Double(day) * 86400 + Double($0) * 600 }
      let rain = Tensor.uniform(shape: [30, 20, 24], low: -3, high: 6, using: &source)
      let sequence = FrameSequence(
        grid: grid, times: times, rainRate: Tensor(shape: rain.shape, rain.elements.map { max($0, 0) }))
      let forecasts = try (2..<28).map { start in
        let part = try sequence.rainRate.parts(start + 1..<start + 3)
        let field = Tensor(shape: part.shape, part.elements.map { max($0 + source.normal(), 0) })
        return try ForecastReading(
          [sequence.with(times: Array(times[start + 1..<start + 3]), rainRate: field)], path: "f.nc",
          referenceTime: times[start])
      }
      return (sequence, forecasts)
    }
  }

  private func write(_ evaluation: Evaluation, _ name: String) throws -> [String: Data] {
    let report = ScoreReport(evaluation, intervals: ScoreIntervals(evaluation.book, pool: .standard))
    try report.write(to: folder / name, overwrite: false)
    return Dictionary(uniqueKeysWithValues: try report.files())
  }

  /// The merged report is that of one run, byte for byte, in any order and for any number of threads.
  @Test func mergedIsOneRun() throws {
    let events = try events()
    let whole = try Evaluator.evaluate(
      events.map(\.sequence), forecasts: events.flatMap(\.forecasts), options: .init(), pool: WorkerPool(threadCount: 3)
    )
    let expected = try write(whole, "whole")
    #expect(ScoreIntervals(whole.book, pool: .standard).blockCount >= Bootstrap.fewestBlocks)
    for (index, event) in events.enumerated() {
      // The second day in two parts that share a block of start times.
      let parts = index == 1 ? [event.forecasts[..<10], event.forecasts[10...]] : [event.forecasts[...]]
      for (part, forecasts) in parts.enumerated() {
        let one = try Evaluator.evaluate(
          [event.sequence], forecasts: Array(forecasts), options: .init(), pool: WorkerPool(threadCount: 1))
        _ = try write(one, "\(index)\(part)")
      }
    }
    for order in [["00", "10", "11", "20"], ["11", "20", "00", "10"]] {
      let merged = try Evaluation.merged(order.map { folder / $0 })
      let files = try write(merged, "merged " + order.joined())
      for name in ["scores.csv", "intervals.csv", "scores.json", "report.md"] {
        #expect(files[name] == expected[name], "\(name) of \(order)")
      }
    }
    let twice = try Evaluation.merged([folder / "merged 00101120"])
    #expect(twice.book == whole.book)
  }

  @Test func whatDoesNotAddUpIsRefused() throws {
    let events = try events()
    func report(_ name: String, _ options: EvaluationOptions = .init(), _ forecasts: [ForecastReading]) throws {
      _ = try write(
        Evaluator.evaluate([events[0].sequence], forecasts: forecasts, options: options, pool: .standard), name)
    }
    try report("a", .init(), Array(events[0].forecasts[..<10]))
    try report("b", .init(), Array(events[0].forecasts[9...]))
    #expect(throwsCode(.usage) { _ = try Evaluation.merged([folder / "a", folder / "b"]) })
    var other = EvaluationOptions()
    other.definition = .hko7
    try report("c", other, Array(events[0].forecasts[12...]))
    #expect(throwsCode(.usage) { _ = try Evaluation.merged([folder / "a", folder / "c"]) })
    #expect(throwsCode(.usage) { _ = try ScoreComparison(folder / "a", folder / "c", method: nil, pool: .standard) })
    #expect(throwsCode(.notFound) { _ = try Evaluation.merged([folder / "a", folder / "nothing"]) })
    for foreign in ["{}", "no JSON", "[1,2]"] {
      try Data(foreign.utf8).write(to: URL(fileURLWithPath: folder / "foreign.json"))
      #expect(throwsCode(.unusable) { _ = try Evaluation.merged([folder / "foreign.json"]) })
    }
    // A report that somebody has edited: each would overflow or be taken twice.
    let good = try String(contentsOfFile: folder / "a/scores.json", encoding: .utf8)
    for (key, value) in [
      ("hits", "9000000000000000000"), ("hits", "-1"), ("lead_minutes", "1e300"), ("block", "9000000000000000000"),
      ("squared_error", "\"99999999999999999999999999\""), ("format", "2"), ("block_seconds", "0"),
    ] {
      let edited = good.replacing(try Regex("\"\(key)\":(-?[0-9.]+|\"[0-9.]+\")"), maxReplacements: 1) { _ in
        "\"\(key)\":\(value)"
      }
      #expect(edited != good)
      try Data(edited.utf8).write(to: URL(fileURLWithPath: folder / "edited.json"))
      #expect(throwsCode(.unusable) { _ = try Evaluation.merged([folder / "edited.json"]) }, "\(key) \(value)")
    }
  }

  @Test func reportsAreCompared() throws {
    let event = try events()[0]
    _ = try write(
      Evaluator.evaluate([event.sequence], forecasts: event.forecasts, options: .init(), pool: .standard), "a")
    let worse = try event.forecasts.enumerated().map { index, forecast in
      let part = try event.sequence.rainRate.parts(index + 3..<index + 5)
      return try ForecastReading(
        [event.sequence.with(times: forecast.times, rainRate: Tensor(shape: part.shape, part.elements.map { $0 + 4 }))],
        path: "g.nc", referenceTime: forecast.referenceTime)
    }
    _ = try write(Evaluator.evaluate([event.sequence], forecasts: worse, options: .init(), pool: .standard), "b")
    let text = try ScoreComparison(folder / "a", folder / "b", method: nil, pool: .standard).text
    #expect(text.contains("A: f of a") && text.contains("B: g of b") && text.contains("26 common start times"))
    let rows = text.split(separator: "\n").filter { $0.contains("MSE") }
    #expect(rows.count == 2 && rows.allSatisfy { $0.hasSuffix("A") || $0.hasSuffix("A     ") }, "\(text)")
    // The same against itself: nobody is better.
    let same = try ScoreComparison(folder / "a", folder / "a", method: "persistence", pool: .standard).text
    #expect(same.contains("A is better in 0 of"))
    #expect(
      throwsCode(.usage) {
        _ = try ScoreComparison(folder / "a", folder / "b", method: "nothing", pool: .standard)
      })
  }
}
