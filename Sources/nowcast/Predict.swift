import ArgumentParser
import Nowcasting
import Quicklook
import RadarIO

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forecast the frames that follow the last ones given.",
    discussion: """
      Reads radar frames, takes as many of the last ones as the method needs, and writes the forecast as a CF NetCDF file \
      with the coordinates and the projection of the input. Three methods need no model: 'advection' carries the last frame \
      along its motion, 'sprog' lets what is too small to live that long fade on the way, 'persistence' repeats the last \
      frame.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders with the latest frames.", valueName: "path"))
  var frames: [String]

  @Option(help: ArgumentHelp("The forecast file.", valueName: "forecast.nc"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Maps of the last input frames and the forecast: one picture, or a folder for a picture of each frame.",
      valueName: "file.png or folder"))
  var quicklook: String?

  @Option(
    help: ArgumentHelp(
      "The last line of the file's history, in place of this command's own words: the same file as another command made.",
      valueName: "text"))
  var history: String?

  @OptionGroup var making: ForecastOptions
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let logger = verbosity.logger
    let settings = making.settings(reading)
    let writer = settings.writer(overwrite: replacing.overwrite)
    try writer.check(path: output)
    if let quicklook { try Quicklook.check(quicklook, overwrite: replacing.overwrite) }
    let maker = try ForecastMaker(settings: settings, model: try making.readModel(logger), pool: threads.pool)
    let read = try reading.read(frames, relation: maker.readOptions.relation, logger: logger)
    let (sequence, warning) = try maker.lastSequence(of: read)
    if let warning { logger.warning("\(warning)") }
    let made = try maker.forecast(from: sequence, program: programText, history: history ?? commandLineText)
    for warning in made.warnings { logger.warning("\(warning)") }
    read.tellValues(logger)
    try writer.write(made.file, to: output)
    if let quicklook {
      try Quicklook(input: made.input, forecast: made.file).write(to: quicklook, overwrite: replacing.overwrite)
    }
    guard !verbosity.quiet else { return }
    let lead = made.file.times.count
    let minutes = durationText(Double(lead) * made.stepSeconds)
    Console.print("\(lead) frames, \(minutes) from \(TimeAxis.text(made.file.referenceTime)): \(output)")
  }
}
