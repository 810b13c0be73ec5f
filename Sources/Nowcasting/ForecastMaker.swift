import ConvKernels
import Foundation
import RadarIO
import Tensor

/// Makes forecasts: from frames that were read to the content of a file, for `predict`, `watch` and `replay` alike, so that
/// the same frames give the same file.
public final class ForecastMaker {
  /// A forecast that was made.
  public struct Forecast: Sendable {
    /// What is to be written.
    public let file: ForecastFile
    /// The frames it was made from.
    public let input: FrameSequence
    /// Seconds from frame to frame.
    public let stepSeconds: Double
    /// Sentences for people.
    public let warnings: [String]
  }

  /// The options.
  public let settings: ForecastSettings
  /// The model, for methods that use one.
  public let model: IdentifiedModel?
  private let forecaster: Forecaster?
  private let pool: WorkerPool

  /// Takes what does not change from forecast to forecast.
  ///
  /// - Precondition: there is a model if the method needs one, and only then.
  public init(settings: ForecastSettings, model: IdentifiedModel?, pool: WorkerPool) throws {
    precondition((model == nil) == (settings.method.baseline != nil), "\(settings.method) and its model")
    self.settings = settings
    self.model = model
    self.pool = pool
    forecaster = try model.map { try Forecaster($0.model, pool: pool) }
  }

  /// How frames are to be read for it.
  public var readOptions: ReadOptions {
    settings.readOptions(relation: model?.model.configuration.normalisation.relation ?? ReflectivityRelation())
  }

  /// The most input frames that a forecast uses.
  public var inputFrames: Int {
    settings.method.baseline?.inputFrames ?? model?.model.configuration.inputFrames ?? 1
  }

  /// The fewest frames in a row that a forecast can be made from.
  var fewestFrames: Int {
    // The time step takes two.
    settings.method.baseline.map { max($0.fewestFrames, 2) } ?? inputFrames
  }

  /// The seconds from frame to frame that the model was trained on, if it is one number.
  var modelStepSeconds: Double? {
    model.flatMap { $0.model.configuration.timeStepRange == nil ? $0.model.configuration.timeStepSeconds : nil }
  }

  /// The sequence that a forecast goes on from, the last one of a reading, and a warning if there is another before it.
  ///
  /// - Throws: `RadarError` when grids are mixed, ``NowcastError`` `unusable` when there are no frames.
  public func lastSequence(of reading: RadarReading) throws -> (sequence: FrameSequence, warning: String?) {
    try reading.requireOneGrid()
    guard let sequence = reading.sequences.last else {
      throw NowcastError(.unusable, "there are no frames in what was given.")
    }
    let warning = reading.sequences.dropLast().last.map { earlier in
      let end = TimeAxis.text(earlier.times[earlier.count - 1])
      return "the frames up to \(end) are not used: a gap follows them; --max-gap N bridges up to N missing frames"
    }
    return (sequence, warning)
  }

  /// The frames of a sequence that its forecast is made from: the last ones.
  func inputRange(_ sequence: FrameSequence) -> Range<Int> { max(0, sequence.count - inputFrames)..<sequence.count }

  /// Checks that a forecast can be made from a sequence.
  ///
  /// - Throws: ``NowcastError`` `unusable` when frames are too few or not of the model's kind, `usage` when lead minutes do
  ///   not fit their step or memory does not suffice.
  public func check(_ sequence: FrameSequence) throws { _ = try plan(sequence) }

  /// Makes the forecast that follows a sequence.
  ///
  /// - Parameters:
  ///   - program: what writes the file, for its `source`.
  ///   - history: what was done, for its `history`, behind that of the input.
  ///   - identify: tells a file's hash, where it is known already.
  /// - Throws: as ``check(_:)``; `RadarError` when a file cannot be read any more.
  public func forecast(
    from sequence: FrameSequence, program: String, history: String?,
    identify: (String) throws -> FileIdentity = { try FileIdentity(path: $0) }
  ) throws -> Forecast {
    let plan = try plan(sequence)
    let input = try sequence.part(inputRange(sequence))
    let start = input.times[input.count - 1]
    let made = plan.forecast(try input.rainRate)
    var file = try ForecastFile(
      rainRate: made.rainRate, times: (1...plan.lead).map { start + Double($0) * plan.step },
      from: input, source: "\(program), \(plan.summary)",
      history: [input.source.provenance.history, history].compactMap(\.self).joined(separator: "\n"),
      references: plan.references, comment: plan.comment)
    if settings.probabilities == true {
      file.exceedance = made.distribution.map {
        ExceedanceField(thresholds: $0.thresholds, probabilities: $0.exceedance)
      }
    }
    var settings = settings
    (settings.leadFrames, settings.leadMinutes) = (plan.lead, nil)
    settings.stepSeconds = sequence.stepSeconds > 0 ? sequence.stepSeconds : nil
    let recipe = ForecastRecipe(
      inputs: try input.source.files.map(identify), model: model?.file, settings: settings)
    file.attributes += [("method", settings.method.rawValue)] + plan.attributes + (try recipe.attributes)
    return Forecast(
      file: file, input: input, stepSeconds: plan.step,
      warnings: plan.warnings + [missingWarning(file)].compactMap(\.self))
  }

  // MARK: Plans

  /// What a method makes of the frames, and what the file says about it.
  private struct Plan {
    let lead: Int
    let step: Double
    let summary: String
    let references: String?
    let comment: String
    var attributes: [(name: String, value: String)] = []
    var warnings: [String] = []
    /// From the rain rate of the input frames to that of the forecast, and what it follows from.
    let forecast: (Tensor) -> (rainRate: Tensor, distribution: RainDistribution?)
  }

  private func plan(_ sequence: FrameSequence) throws -> Plan {
    if let forecaster { return try plan(forecaster, sequence) }
    return try plan(settings.method.baseline ?? .persistence, sequence)
  }

  private func plan(_ forecaster: Forecaster, _ sequence: FrameSequence) throws -> Plan {
    let configuration = forecaster.configuration
    try forecaster.requireEnoughFrames(sequence)
    try forecaster.requireFit(sequence, force: settings.force)
    var warnings: [String] = []
    let misfit = forecaster.misfit(of: sequence)
    if let misfit { warnings.append("\(misfit) The forecast is made all the same.") }
    let step = stepSeconds(sequence) ?? configuration.timeStepSeconds
    let lead = try settings.leadFrames(stepSeconds: step, standard: configuration.leadFrames)
    if lead > configuration.leadFrames {
      warnings.append("\(lead) frames are more than the \(configuration.leadFrames) the model was trained for")
    }
    try forecaster.requireMemory(sequence.grid, leadFrames: lead)
    if settings.probabilities == true && configuration.exceedanceThresholds == nil {
      throw NowcastError(
        .usage,
        "the model forecasts rain rates, no probabilities; leave --probabilities away, or train one with --loss exceedance.",
        path: model?.file.path)
    }
    let isLagrangian = configuration.coordinates == .lagrangian
    let missing =
      "Missing where none of the input frames measured"
      + (isLagrangian ? ", and where rain would come from there or from outside." : ".")
    let rates =
      configuration.exceedanceThresholds == nil
      ? "Rain rates below \(Normalisation.dryLimit) mm h-1 are zero."
      : "Where it most likely rains as much, at as many pixels as in the last input frame; not an expected value."
    let comment =
      "\(missing) \(rates)" + (misfit.map { " Forced: \($0)" } ?? "")
    let layers = configuration.architecture.hidden.map(String.init).joined(separator: "-")
    return Plan(
      lead: lead, step: step,
      summary:
        "ConvLSTM encoder-forecaster \(layers)\(isLagrangian ? " in Lagrangian coordinates" : ""), \(configuration.stepsTrained) training steps, "
        + "seed \(configuration.seed)",
      references: "Shi et al. 2015, Convolutional LSTM Network, NeurIPS 28, https://arxiv.org/abs/1506.04214",
      comment: comment, warnings: warnings
    ) { [wanted = settings.probabilities == true] in
      forecaster.prognosis(
        $0, last: $0.shape[0] - 1, leadFrames: lead, stepSeconds: step, wantsDistribution: wanted)
    }
  }

  /// The step of the input frames themselves, whatever came before them.
  private func stepSeconds(_ sequence: FrameSequence) -> Double? {
    let step = sequence.stepSeconds(of: inputRange(sequence))
    return step > 0 ? step : nil
  }

  private func plan(_ baseline: Baseline, _ sequence: FrameSequence) throws -> Plan {
    try baseline.requireEnoughFrames(sequence)
    let step = stepSeconds(sequence) ?? sequence.stepSeconds
    let lead = try settings.leadFrames(stepSeconds: step, standard: Baseline.leadFrames(stepSeconds: step))
    let pool = pool
    return Plan(
      lead: lead, step: step, summary: baseline.summary, references: baseline.references,
      comment: baseline.missing, attributes: [("method_parameters", baseline.parameters(frames: sequence.count))]
    ) { (baseline.forecast($0, leadFrames: lead, pool: pool), nil) }
  }

  private func missingWarning(_ file: ForecastFile) -> String? {
    let isBaseline = settings.method.baseline != nil
    if file.rainRate.isAllMissing {
      let what = isBaseline ? "the last input frame" : "the input frames"
      return "every pixel of \(what) is missing, and so is the whole forecast"
    }
    let empty = file.missingTimes.filter { !file.interpolatedTimes.contains($0) }
    guard let first = empty.first else { return nil }
    let others = empty.count > 1 ? " (and \(empty.count - 1) more)" : ""
    let outcome = isBaseline ? "it tells no motion" : "it enters as no rain"
    return "the frame of \(TimeAxis.text(first))\(others) has no measured pixel; \(outcome)"
  }
}
