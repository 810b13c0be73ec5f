import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

/// Methods that forecasts are compared with: names with commas between them, or none.
struct BaselineList: ExpressibleByArgument {
  let values: [Baseline]

  init?(argument: String) {
    let names = argument == "none" ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
    values = names.compactMap { Baseline(rawValue: String($0)) }
    guard values.count == names.count, Set(values).count == values.count else { return nil }
  }
}

/// Ways to count and average.
enum DefinitionName: String, ExpressibleByArgument, CaseIterable {
  case standard = "default"
}

struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Score a model, or forecasts made earlier, against what was measured.",
    discussion: """
      With --model, forecasts from every start time in the data. With --forecast, scores forecast files of this or another \
      program against the observations of their valid times. Writes scores.csv and scores.json into REPORT and prints a \
      table beside the baselines, persistence and advection.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders with what was measured.", valueName: "path"))
  var data: [String]

  @Option(help: ArgumentHelp("A model file or the folder of a run.", valueName: "model"))
  var model: String?

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Forecast files to score.", valueName: "forecast.nc"))
  var forecast: [String] = []

  @Option(help: ArgumentHelp("The folder of the report.", valueName: "report"))
  var output: String

  @Option(help: "Thresholds in mm/h. (default: 0.1,0.5,1,2,5,10)")
  var thresholds: RateList?

  @Option(help: "Widths in pixels for the fractions skill score. (default: none)")
  var fssWindows: IntegerList?

  @Option(help: "What counts as an event, and how it is added up.")
  var definition = DefinitionName.standard

  @Option(
    help: ArgumentHelp(
      "Methods to compare with: persistence, advection, or none. (default: persistence,advection)", valueName: "names"))
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
    if (model == nil) == forecast.isEmpty {
      throw ValidationError("give either --model or --forecast.")
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
    if let thresholds { options.thresholds = thresholds.values }
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
    try ScoreReport.check(output, overwrite: replacing.overwrite)
    let logger = verbosity.logger
    let evaluation: Evaluation
    if let path = model {
      let model = try Model(contentsOf: path)
      let relation = model.configuration.normalisation.relation
      let read = try reading.read(data, relation: relation, logger: logger)
      Interruption.catchSignals()
      var line = ProgressLine(quiet: verbosity.quiet)
      defer { line.end() }
      evaluation = try Evaluator.evaluate(
        read.sequences, model: model, modelPath: path, options: options, pool: threads.pool
      ) { done, total in
        line.show(isLast: done == total) { "\(done)/\(total) start times" }
      }
      line.end()
      read.tellValues(logger)
    } else {
      let read = try reading.read(data, logger: logger)
      evaluation = try Evaluator.evaluate(
        read.sequences, forecasts: try forecasts(), options: options, pool: threads.pool)
      read.tellValues(logger)
    }
    for note in evaluation.notes { logger.warning("\(note)") }
    try ScoreReport(evaluation).write(to: output, overwrite: replacing.overwrite)
    guard !verbosity.quiet else { return }
    Console.print(ScoreText(evaluation).table(mostLeads: verbosity.verbose ? .max : 6))
    Console.print("\nAll scores: \(output)/scores.csv and scores.json")
  }

  private func forecasts() throws -> [ForecastReading] {
    try forecast.map { path in
      // A forecast says itself what it holds; --variable and --units are about the observations.
      let sequence = try RadarReader().sequences(at: [path]).singleSequence(for: "a forecast to score")
      return try ForecastReading(sequence, path: path, referenceTime: sequence.referenceTime)
    }
  }
}
