import ArgumentParser
import Foundation
import Logging
import Nowcasting
import Quicklook
import RadarIO

extension ForecastCompatibility: ExpressibleByArgument {}

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forecast the frames that follow the last ones given.",
    discussion: """
      Reads radar frames, takes as many of the last ones as the model needs, and writes the forecast as a CF NetCDF file with \
      the coordinates and the projection of the input.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders with the latest frames.", valueName: "path"))
  var frames: [String]

  @Option(help: ArgumentHelp("A model file or the folder of a run.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("The forecast file.", valueName: "forecast.nc"))
  var output: String

  @Option(help: "Frames to forecast. (default: as many as the model was trained for)")
  var leadFrames: Int?

  @Option(help: "Minutes to forecast, instead of a number of frames.")
  var leadMinutes: Double?

  @Option(help: "Write the forecast so that another program's reader takes it.")
  var compat: ForecastCompatibility?

  @Option(
    help: ArgumentHelp(
      "Maps of the last input frames and the forecast: one picture, or a folder for a picture of each frame.",
      valueName: "file.png or folder"))
  var quicklook: String?

  @Flag(help: "Forecast even if time step or grid spacing are not those the model was trained on.")
  var force = false

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if leadFrames != nil && leadMinutes != nil {
      throw ValidationError("--lead-frames and --lead-minutes say the same; give one of them.")
    }
    if let leadFrames, !(1...1000).contains(leadFrames) {
      throw ValidationError("--lead-frames is \(leadFrames); it must be 1 to 1000.")
    }
  }

  func run() throws {
    let logger = verbosity.logger
    let writer = ForecastWriter(overwrite: replacing.overwrite, compatibility: compat)
    try writer.check(path: output)
    if let quicklook { try Quicklook.check(quicklook, overwrite: replacing.overwrite) }
    let model = try Model(contentsOf: model)
    let configuration = model.configuration
    let reading = try reading.read(frames, relation: configuration.normalisation.relation, logger: logger)
    try reading.requireOneGrid()
    guard let sequence = reading.sequences.last else {
      throw NowcastError(.unusable, "there are no frames in what was given.", path: frames.first)
    }
    if let earlier = reading.sequences.dropLast().last {
      let end = TimeAxis.text(earlier.times[earlier.count - 1])
      logger.warning(
        "the frames up to \(end) are not used: a gap follows them; --max-gap N bridges up to N missing frames")
    }
    let forecaster = try Forecaster(model, pool: threads.pool)
    try forecaster.requireEnoughFrames(sequence)
    try forecaster.requireFit(sequence, force: force)
    let misfit = forecaster.misfit(of: sequence)
    if let misfit { logger.warning("\(misfit) The forecast is made all the same.") }
    let step = sequence.count > 1 ? sequence.stepSeconds : configuration.timeStepSeconds
    let lead = try leadFrames(stepSeconds: step, trained: configuration.leadFrames)
    if lead > configuration.leadFrames {
      logger.warning("\(lead) frames are more than the \(configuration.leadFrames) the model was trained for")
    }
    try forecaster.requireMemory(sequence.grid, leadFrames: lead)
    let input = try sequence.part(max(0, sequence.count - configuration.inputFrames)..<sequence.count)
    let frames = try input.rainRate
    reading.tellValues(logger)
    let forecast = forecaster.forecast(frames, last: input.count - 1, leadFrames: lead)
    let start = input.times[input.count - 1]
    var file = try ForecastFile(
      rainRate: forecast, times: (1...lead).map { start + Double($0) * step }, from: input,
      source: "\(programText), \(Self.summary(configuration))", history: Self.history(sequence),
      references: "Shi et al. 2015, Convolutional LSTM Network, NeurIPS 28, https://arxiv.org/abs/1506.04214")
    tellMissing(file, logger)
    file.comment =
      "Missing where none of the input frames measured. Rain rates below \(Normalisation.dryLimit) mm h-1 are zero."
    if let misfit { file.comment? += " Forced: \(misfit)" }
    try writer.write(file, to: output)
    if let quicklook {
      try Quicklook(input: input, forecast: file).write(to: quicklook, overwrite: replacing.overwrite)
    }
    guard !verbosity.quiet else { return }
    let minutes = durationText(Double(lead) * step)
    Console.print("\(lead) frames, \(minutes) from \(TimeAxis.text(start)): \(output)")
  }

  private func leadFrames(stepSeconds: Double, trained: Int) throws -> Int {
    if let leadFrames { return leadFrames }
    guard let leadMinutes else { return trained }
    let frames = leadMinutes * 60 / stepSeconds
    guard frames.isFinite, (0.5..<1000.5).contains(frames), abs(frames - frames.rounded()) < 0.01 else {
      throw NowcastError(
        .usage,
        "--lead-minutes \(leadMinutes) is no whole number (1 to 1000) of the frames' step of \(stepSeconds / 60) min.")
    }
    return Int(frames.rounded())
  }

  private func tellMissing(_ file: ForecastFile, _ logger: Logger) {
    if file.rainRate.isAllMissing {
      logger.warning("every pixel of the input frames is missing, and so is the whole forecast")
      return
    }
    let empty = file.missingTimes.filter { !file.interpolatedTimes.contains($0) }
    guard let first = empty.first else { return }
    let others = empty.count > 1 ? " (and \(empty.count - 1) more)" : ""
    logger.warning("the frame of \(TimeAxis.text(first))\(others) has no measured pixel; it enters as no rain")
  }

  private static func summary(_ configuration: ModelConfiguration) -> String {
    let layers = configuration.architecture.hidden.map(String.init).joined(separator: "-")
    return
      "ConvLSTM encoder-forecaster \(layers), \(configuration.stepsTrained) training steps, seed \(configuration.seed)"
  }

  private static func history(_ sequence: FrameSequence) -> String {
    [sequence.source.provenance.history, commandLineText].compactMap(\.self).joined(separator: "\n")
  }
}
