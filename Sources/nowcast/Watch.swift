import ArgumentParser
import Foundation
import Logging
import Nowcasting
import RadarIO

/// How a log looks.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
  case text
  case json
}

/// A number of frames, or all.
struct FrameCount: ExpressibleByArgument {
  /// `nil` for all.
  let count: Int?

  init(_ count: Int?) { self.count = count }

  init?(argument: String) {
    count = argument == "all" ? nil : Int(argument)
    if argument != "all", !(count.map { (0...1_000_000).contains($0) } ?? false) { return nil }
  }

  var defaultValueDescription: String { count.map(String.init) ?? "all" }
}

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Wait for new frames in a folder and make the forecast from each.",
    discussion: """
      Goes on until it is told to stop (Ctrl-C, SIGTERM). Each forecast is what 'nowcast predict' makes of the same frames, \
      as forecast-TIME.nc in the folder of --output, which also holds status.json for monitoring. Frames that are late, \
      corrected or out of order have the forecasts made again that use them; what is damaged or not whole yet is left out.

      SIGHUP, or another file in the place of the model's, changes the model between two forecasts.
      """)

  @Argument(
    help: ArgumentHelp("The folder that frames come into; those below it are watched, too.", valueName: "folder"))
  var folder: String

  @Option(help: ArgumentHelp("The folder for the forecasts, outside of the watched one.", valueName: "folder"))
  var output: String

  @OptionGroup var making: ForecastOptions

  @Flag(help: "Make the forecasts of what is there, and end: for cron.")
  var once = false

  @Option(
    help: ArgumentHelp(
      "Of the frames that are there at the start without a forecast, the most that get one, the newest ones.",
      valueName: "frames or all"))
  var catchUp = FrameCount(12)

  @Option(
    help: "Time steps without a new frame after which the status is stale. (default: 3; with --once: not looked at)")
  var staleAfter: Int?

  @Option(help: "The form of the log: text, or one JSON object on each line.")
  var logFormat = LogFormat.text

  @Option(help: "Seconds between two looks at the folder, beside the system's file events.")
  var pollSeconds = 5.0

  @Option(help: "Seconds without a change after which a file is whole where no event tells that it was closed.")
  var settleSeconds = 2.0

  @Flag(inversion: .prefixedNo, help: "Whether to listen to the system's file events (Linux).")
  var events = true

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    for (name, value) in [("--poll-seconds", pollSeconds), ("--settle-seconds", settleSeconds)]
    where !(value >= 0.05 && value <= 3600) {
      throw ValidationError("\(name) is \(value); it must be 0.05 to 3600.")
    }
    if let staleAfter, !(1...1_000_000).contains(staleAfter) {
      throw ValidationError("--stale-after is \(staleAfter); it must be 1 to 1000000.")
    }
  }

  func run() throws {
    var options = WatchOptions(folder: folder, output: output, program: programText, history: commandLineText)
    (options.pollSeconds, options.settleSeconds, options.usesEvents) = (pollSeconds, settleSeconds, events)
    (options.isOnce, options.catchUp) = (once, catchUp.count)
    options.staleAfter = staleAfter ?? (once ? nil : 3)
    let pool = threads.pool
    let model = try making.readModel(verbosity.logger)
    let maker = try ForecastMaker(settings: making.settings(reading), model: model, pool: pool)
    Interruption.catchSignals(isService: true)
    let (format, logger, isQuiet) = (logFormat, verbosity.logger, verbosity.quiet)
    let watcher = try Watcher(options, maker: maker, pool: pool) { line in
      Watch.tell(line, format, logger, isQuiet: isQuiet)
    }
    let outcome = try watcher.run()
    // A service that is stopped has done all it was asked for.
    guard once, !Interruption.isRequested else { return }
    if let failure = outcome.failure { throw failure }
    if outcome.isStale {
      throw NowcastError(
        .stale, "the newest frame is older than \(staleAfter ?? 0) steps; look at what should bring new ones.",
        path: folder)
    }
  }

  /// In JSON everything goes to standard output, in text forecasts alone do.
  private static func tell(_ line: WatchLine, _ format: LogFormat, _ logger: Logger, isQuiet: Bool) {
    switch format {
    case .json:
      guard !isQuiet || line.isWarning else { return }
      do {
        Console.print(try line.json)
      } catch {
        logger.error("\(error)")
      }
    case .text:
      switch (line.event, line.status) {
      case (.cycle, .failed): logger.error("\(line.text)")
      case (.cycle, .unchanged): logger.info("\(line.text)")
      case (.cycle, .waiting): logger.notice("\(line.text)")
      case (.cycle, _): if !isQuiet { Console.print(line.text) }
      case _ where line.isWarning: logger.warning("\(line.text)")
      default: logger.notice("\(line.text)")
      }
    }
  }
}
