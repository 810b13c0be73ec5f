import ArgumentParser
import Foundation
import Logging
import Nowcasting
import Quicklook
import RadarIO
import Tensor

extension ForecastCompatibility: ExpressibleByArgument {}

/// Ways to forecast.
enum ForecastMethod: String, ExpressibleByArgument, CaseIterable {
  case convlstm
  case advection
  case sprog
  case persistence

  /// The method, if it is one without a model.
  var baseline: Baseline? { Baseline(rawValue: rawValue) }
}

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

  @Option(help: "How to forecast.")
  var method = ForecastMethod.convlstm

  @Option(help: ArgumentHelp("A model file or the folder of a run, for the method convlstm.", valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("The forecast file.", valueName: "forecast.nc"))
  var output: String

  @Option(help: "Frames to forecast. (default: as many as the model was trained for; an hour without one)")
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
    guard method.baseline != nil else {
      guard model != nil else {
        throw ValidationError("give a --model, or a --method that needs none: advection, sprog or persistence.")
      }
      return
    }
    for (name, given) in [("--model", model != nil), ("--force", force)] where given {
      throw ValidationError("--method \(method.rawValue) uses no model; leave \(name) out, or say --method convlstm.")
    }
  }

  func run() throws {
    let logger = verbosity.logger
    let writer = ForecastWriter(overwrite: replacing.overwrite, compatibility: compat)
    try writer.check(path: output)
    if let quicklook { try Quicklook.check(quicklook, overwrite: replacing.overwrite) }
    let model = try model.map { try Model(contentsOf: $0) }
    let relation = model?.configuration.normalisation.relation ?? ReflectivityRelation()
    let reading = try reading.read(frames, relation: relation, logger: logger)
    try reading.requireOneGrid()
    guard let sequence = reading.sequences.last else {
      throw NowcastError(.unusable, "there are no frames in what was given.", path: frames.first)
    }
    if let earlier = reading.sequences.dropLast().last {
      let end = TimeAxis.text(earlier.times[earlier.count - 1])
      logger.warning(
        "the frames up to \(end) are not used: a gap follows them; --max-gap N bridges up to N missing frames")
    }
    let plan =
      if let model { try plan(model, sequence, logger) } else { try plan(method.baseline ?? .persistence, sequence) }
    let input = try sequence.part(max(0, sequence.count - plan.inputFrames)..<sequence.count)
    let frames = try input.rainRate
    reading.tellValues(logger)
    let start = input.times[input.count - 1]
    var file = try ForecastFile(
      rainRate: plan.forecast(frames), times: (1...plan.lead).map { start + Double($0) * plan.step }, from: input,
      source: "\(programText), \(plan.summary)", history: Self.history(sequence), references: plan.references,
      comment: plan.comment)
    file.attributes = [("method", method.rawValue)] + plan.attributes
    tellMissing(file, logger)
    try writer.write(file, to: output)
    if let quicklook {
      try Quicklook(input: input, forecast: file).write(to: quicklook, overwrite: replacing.overwrite)
    }
    guard !verbosity.quiet else { return }
    let minutes = durationText(Double(plan.lead) * plan.step)
    Console.print("\(plan.lead) frames, \(minutes) from \(TimeAxis.text(start)): \(output)")
  }

  /// What a method makes of the frames, and what the file says about it.
  private struct Plan {
    let inputFrames: Int
    let lead: Int
    let step: Double
    let summary: String
    let references: String?
    let comment: String
    var attributes: [(name: String, value: String)] = []
    /// From the rain rate of the input frames to that of the forecast.
    let forecast: (Tensor) -> Tensor
  }

  private func plan(_ model: Model, _ sequence: FrameSequence, _ logger: Logger) throws -> Plan {
    let configuration = model.configuration
    let forecaster = try Forecaster(model, pool: threads.pool)
    try forecaster.requireEnoughFrames(sequence)
    try forecaster.requireFit(sequence, force: force)
    let misfit = forecaster.misfit(of: sequence)
    if let misfit { logger.warning("\(misfit) The forecast is made all the same.") }
    let step = sequence.count > 1 ? sequence.stepSeconds : configuration.timeStepSeconds
    let lead = try leadFrames(stepSeconds: step, standard: configuration.leadFrames)
    if lead > configuration.leadFrames {
      logger.warning("\(lead) frames are more than the \(configuration.leadFrames) the model was trained for")
    }
    try forecaster.requireMemory(sequence.grid, leadFrames: lead)
    let comment =
      "Missing where none of the input frames measured. Rain rates below \(Normalisation.dryLimit) mm h-1 are zero."
      + (misfit.map { " Forced: \($0)" } ?? "")
    return Plan(
      inputFrames: configuration.inputFrames, lead: lead, step: step, summary: Self.summary(configuration),
      references: "Shi et al. 2015, Convolutional LSTM Network, NeurIPS 28, https://arxiv.org/abs/1506.04214",
      comment: comment
    ) { forecaster.forecast($0, last: $0.shape[0] - 1, leadFrames: lead) }
  }

  private func plan(_ baseline: Baseline, _ sequence: FrameSequence) throws -> Plan {
    try baseline.requireEnoughFrames(sequence)
    let lead = try leadFrames(
      stepSeconds: sequence.stepSeconds, standard: Baseline.leadFrames(stepSeconds: sequence.stepSeconds))
    let pool = threads.pool
    return Plan(
      inputFrames: baseline.inputFrames, lead: lead, step: sequence.stepSeconds, summary: baseline.summary,
      references: baseline.references, comment: baseline.missing,
      attributes: [("method_parameters", baseline.parameters(frames: sequence.count))]
    ) { baseline.forecast($0, leadFrames: lead, pool: pool) }
  }

  private func leadFrames(stepSeconds: Double, standard: Int) throws -> Int {
    if let leadFrames { return leadFrames }
    guard let leadMinutes else { return standard }
    let frames = leadMinutes * 60 / stepSeconds
    guard frames.isFinite, (0.5..<1000.5).contains(frames), abs(frames - frames.rounded()) < 0.01 else {
      throw NowcastError(
        .usage,
        String(
          format: "--lead-minutes %g is no whole number (1 to 1000) of the frames' step of %g min.", leadMinutes,
          stepSeconds / 60))
    }
    return Int(frames.rounded())
  }

  private func tellMissing(_ file: ForecastFile, _ logger: Logger) {
    let isBaseline = method.baseline != nil
    if file.rainRate.isAllMissing {
      let what = isBaseline ? "the last input frame" : "the input frames"
      logger.warning("every pixel of \(what) is missing, and so is the whole forecast")
      return
    }
    let empty = file.missingTimes.filter { !file.interpolatedTimes.contains($0) }
    guard let first = empty.first else { return }
    let others = empty.count > 1 ? " (and \(empty.count - 1) more)" : ""
    let outcome = isBaseline ? "it tells no motion" : "it enters as no rain"
    logger.warning("the frame of \(TimeAxis.text(first))\(others) has no measured pixel; \(outcome)")
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
