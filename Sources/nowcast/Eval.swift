import ArgumentParser
import ConvKernels
import Foundation
import Logging
import Nowcasting
import RadarIO
import Verification

/// Methods that forecasts are compared with: names with commas between them, or none.
struct BaselineList: ExpressibleByArgument {
  let values: [Baseline]

  init?(argument: String) {
    let names = argument == "none" ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
    values = names.compactMap { Baseline(rawValue: String($0)) }
    guard values.count == names.count, Set(values).count == values.count else { return nil }
  }
}

extension ScoreDefinition: ExpressibleByArgument {}

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Score a model, or forecasts made earlier, against what was measured.",
    discussion: """
      With --model, forecasts from every start time in the data. With --forecast, scores forecast files of this or another \
      program against the observations of their valid times; a file may hold an ensemble. With --merge, adds up reports of \
      different start times, which gives what one run over everything would have given.

      Writes report.html and report.md for people, scores.csv, intervals.csv and scores.json for programs into REPORT, and \
      prints a table beside the baselines, persistence and advection. A method is called better only where the 95 % interval \
      of the difference says so.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders with what was measured.", valueName: "path"))
  var data: [String] = []

  @Option(help: ArgumentHelp("A model file or the folder of a run.", valueName: "model"))
  var model: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Forecast files to score.", valueName: "forecast.nc"))
  var forecast: [String] = []

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Reports to add up.", valueName: "report"))
  var merge: [String] = []

  @Option(help: ArgumentHelp("The folder of the report.", valueName: "report"))
  var output: String

  @Option(help: "Thresholds in mm/h. (default: those of the definition, 0.1,0.5,1,2,5,10)")
  var thresholds: RateList?

  @Option(help: "Widths in pixels for the fractions skill score. (default: 1,5,9,17,33,65)")
  var fssWindows: IntegerList?

  @Option(
    help:
      "What counts as an event, the units of errors, and the order of averaging: as in the publication of that name. (default: default)"
  )
  var definition: ScoreDefinition?

  @Option(help: "Minutes of start times that are drawn together for the intervals. (default: 60)")
  var blockMinutes: Int?

  @Option(
    help: ArgumentHelp(
      "Methods to compare with: persistence, advection, sprog, or none. (default: persistence,advection)",
      valueName: "names"))
  var baselines: BaselineList?

  @Option(help: "Take every N-th possible start time. (default: 1)")
  var stride: Int?

  @Option(help: "Frames to forecast. (default: as many as the model was trained for)")
  var leadFrames: Int?

  @Flag(help: "Use the model even if time step or grid spacing are not those it was trained on.")
  var force = false

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard [model != nil, !forecast.isEmpty, !merge.isEmpty].count(where: \.self) == 1 else {
      throw ValidationError("give either --model or --forecast, or --merge to add up reports.")
    }
    if !merge.isEmpty {
      for (name, given) in [
        ("--data", !data.isEmpty), ("--thresholds", thresholds != nil), ("--fss-windows", fssWindows != nil),
        ("--definition", definition != nil), ("--block-minutes", blockMinutes != nil), ("--stride", stride != nil),
        ("--lead-frames", leadFrames != nil), ("--force", force),
      ] where given {
        throw ValidationError("\(name) does not go with --merge: reports are added up as they are.")
      }
    } else if data.isEmpty {
      throw ValidationError("give --data PATH..., what was measured.")
    }
    if !forecast.isEmpty {
      for (name, given) in [("--stride", stride != nil), ("--lead-frames", leadFrames != nil), ("--force", force)]
      where given {
        throw ValidationError("\(name) goes with --model, not with --forecast.")
      }
    }
  }

  private var options: EvaluationOptions {
    var options = EvaluationOptions()
    options.definition = definition ?? .standard
    options.thresholds = thresholds?.values
    if let blockMinutes { options.blockMinutes = blockMinutes }
    if let fssWindows { options.windows = fssWindows.values }
    if let stride { options.stride = stride }
    options.leadFrames = leadFrames
    if let baselines { options.baselines = baselines.values }
    options.force = force
    return options
  }

  func run() throws {
    let options = options
    try options.validate()
    let job = try Job.join()
    try job.agree { if job.isRoot { try ScoreReport.check(output, overwrite: replacing.overwrite) } }
    let logger = verbosity.commonLogger
    let pool = threads.pool(of: job)
    let evaluation = try job.agree {
      try merge.isEmpty ? evaluate(options, job, pool) : Evaluation.merged(merge)
    }
    // The report is written by one; what fails here ends all.
    guard job.isRoot else { return }
    for note in evaluation.notes { logger.warning("\(note)") }
    let intervals = ScoreIntervals(evaluation.book, pool: pool)
    try ScoreReport(evaluation, intervals: intervals).write(to: output, overwrite: replacing.overwrite)
    guard !verbosity.quiet else { return }
    Console.print(ScoreText(evaluation, intervals: intervals).table(mostLeads: verbosity.verbose ? .max : 6))
    Console.print("\nFor reading: \(output)/report.html. All scores: \(output)/scores.csv and scores.json")
  }

  private func evaluate(
    _ options: EvaluationOptions, _ job: any Communicator, _ pool: WorkerPool
  ) throws -> Evaluation {
    // All ranks read the same headers, and each the values of its own start times.
    let (logger, ownLogger) = (verbosity.commonLogger, verbosity.logger)
    var display = ProgressDisplay(quiet: verbosity.quiet || !job.isRoot)
    defer { display.end() }
    func report(_ done: Int, _ total: Int) {
      display.show(isLast: done == total, plain: { "\(done)/\(total) start times" })
    }
    if let path = model {
      let model = try Model(contentsOf: path)
      let read = try reading.read(data, relation: model.configuration.normalisation.relation, logger: logger)
      Interruption.catchSignals()
      let evaluation = try Evaluator.evaluate(
        read.sequences, model: model, modelPath: path, options: options, communicator: job, pool: pool, report: report)
      display.end()
      read.tellValues(ownLogger)
      return evaluation
    }
    let read = try reading.read(data, logger: logger)
    let forecasts = try forecasts()
    Interruption.catchSignals()
    let evaluation = try Evaluator.evaluate(
      read.sequences, forecasts: forecasts, options: options, communicator: job, pool: pool, report: report)
    display.end()
    read.tellValues(ownLogger)
    return evaluation
  }

  private func forecasts() throws -> [ForecastReading] {
    var grids: [Grid] = []
    return try forecast.map { path in
      // A forecast says itself what it holds; --variable and --units are about the observations.
      let read: @Sendable () throws -> [FrameSequence] = {
        func member(_ index: Int) throws -> FrameSequence {
          try RadarReader(options: ReadOptions(member: index)).sequences(at: [path]).singleSequence(
            for: "a forecast to score")
        }
        let first = try member(0)
        return try [first] + (1..<max(first.source.memberCount, 1)).map(member)
      }
      let members = try read()
      var reading = try ForecastReading(members, path: path, referenceTime: members[0].referenceTime, reopen: read)
      reading.shareGrid(among: &grids)
      return reading
    }
  }
}
