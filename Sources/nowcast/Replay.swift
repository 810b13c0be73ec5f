import ArgumentParser
import Nowcasting
import RadarIO

struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a forecast again from what its file says, and compare the bytes.",
    discussion: """
      A forecast file names its input files, its model and their hashes, and the options. The forecast is made again from \
      them and must come out the same, byte for byte. What is gone or has changed since is named.
      """)

  @Argument(help: ArgumentHelp("A forecast of predict or watch.", valueName: "forecast.nc"))
  var forecast: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files or folders to look for input files that are not where they were.", valueName: "path"))
  var frames: [String] = []

  @Option(help: ArgumentHelp("Where the model is, if not where it was.", valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("Where to write the forecast that was made again.", valueName: "file.nc"))
  var output: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let replay = try ForecastReplay(forecast)
    let writer = replay.recipe.settings.writer(overwrite: replacing.overwrite)
    if let output { try writer.check(path: output) }
    let places = try replay.find(frames: frames, model: model)
    let result = try replay.run(places, program: programText, pool: threads.pool)
    if let output { try writer.write(result.file, to: output) }
    if let difference = result.difference {
      throw NowcastError(.unusable, "the forecast does not come out the same: \(difference).", path: forecast)
    }
    if !verbosity.quiet { Console.print("the same \(result.byteCount) bytes: \(forecast)") }
  }
}
