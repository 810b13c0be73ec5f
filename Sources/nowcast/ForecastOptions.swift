import ArgumentParser
import Logging
import Nowcasting
import RadarIO

extension ForecastCompatibility: ExpressibleByArgument {}
extension ForecastMethod: ExpressibleByArgument {}

/// How to forecast.
struct ForecastOptions: ParsableArguments {
  @Option(help: "How to forecast.")
  var method = ForecastMethod.convlstm

  @Option(
    help: ArgumentHelp(
      "A model file or the folder of a run, for the method convlstm. (default: the starter model)", valueName: "model"))
  var model: String?

  @Option(help: "Frames to forecast. (default: as many as the model was trained for; an hour without one)")
  var leadFrames: Int?

  @Option(help: "Minutes to forecast, instead of a number of frames.")
  var leadMinutes: Double?

  @Option(help: "Write the forecast so that another program's reader takes it.")
  var compat: ForecastCompatibility?

  @Flag(help: "Write the probabilities that rain reaches 0.1 to 40 mm/h, too, of a model that forecasts them.")
  var probabilities = false

  @Flag(help: "Forecast even if time step or grid spacing are not those the model was trained on.")
  var force = false

  func validate() throws {
    if leadFrames != nil && leadMinutes != nil {
      throw ValidationError("--lead-frames and --lead-minutes say the same; give one of them.")
    }
    if let leadFrames, !(1...1000).contains(leadFrames) {
      throw ValidationError("--lead-frames is \(leadFrames); it must be 1 to 1000.")
    }
    if probabilities && compat != nil {
      throw ValidationError("--probabilities and --compat contradict each other: pysteps reads no probabilities.")
    }
    guard method.baseline != nil else { return }
    for (name, given) in [("--model", model != nil), ("--force", force), ("--probabilities", probabilities)]
    where given {
      throw ValidationError("--method \(method.rawValue) uses no model; leave \(name) out, or say --method convlstm.")
    }
  }

  /// All that decides what a forecast is, with the options of reading.
  func settings(_ reading: ReadingOptions) -> ForecastSettings {
    var settings = ForecastSettings()
    settings.method = method
    (settings.variable, settings.units, settings.maxGap) = (reading.variable, reading.units, reading.maxGap)
    (settings.zrA, settings.zrB) = (reading.zrA, reading.zrB)
    (settings.leadFrames, settings.leadMinutes, settings.force) = (leadFrames, leadMinutes, force)
    settings.compatibility = compat?.rawValue
    settings.probabilities = probabilities ? true : nil
    return settings
  }

  /// The model, if the method has one.
  func readModel(_ logger: Logger) throws -> IdentifiedModel? {
    guard method.baseline == nil else { return nil }
    if model == nil {
      logger.warning(
        """
        no --model is given, so the starter model forecasts, which knows none of your radars: 'nowcast model starter' tells what \
        it is worth, and 'nowcast train' makes one of your own
        """
      )
    }
    return try IdentifiedModel(contentsOf: model ?? StarterModel.name)
  }
}
