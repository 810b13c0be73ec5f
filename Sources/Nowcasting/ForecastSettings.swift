import Foundation
import RadarIO

/// Everything beside the frames and the model that decides what a forecast is. What is `nil` was left open.
///
/// As JSON it stands in the global attribute `nowcast_settings` of the forecast, so that the forecast can be made again.
public struct ForecastSettings: Sendable, Equatable, Codable {
  /// How to forecast.
  public var method = ForecastMethod.convlstm
  /// The variable that holds the rain.
  public var variable: String?
  /// The units of the rain where the files do not say.
  public var units: String?
  /// The factor of the Z–R relation.
  public var zrA: Double?
  /// The exponent of the Z–R relation.
  public var zrB: Double?
  /// Missing frames in a row that may be filled in.
  public var maxGap = 0
  /// Frames to forecast; goes before ``leadMinutes``.
  public var leadFrames: Int?
  /// Minutes to forecast.
  public var leadMinutes: Double?
  /// Whether to forecast frames that the model was not trained for.
  public var force = false
  /// Whether the probabilities of a model that forecasts them are written, too; absent is no.
  public var probabilities: Bool?
  /// The program that the file is for, if CF alone does not suffice.
  public var compatibility: String?
  /// Seconds from frame to frame of the sequence that the frames were taken from. Known once the forecast is made: a few
  /// of its frames may not tell it.
  public var stepSeconds: Double?

  /// Leaves everything open.
  public init() {}

  enum CodingKeys: String, CodingKey {
    case method, variable, units, force, probabilities, compatibility
    case zrA = "zr_a"
    case zrB = "zr_b"
    case maxGap = "max_gap"
    case leadFrames = "lead_frames"
    case leadMinutes = "lead_minutes"
    case stepSeconds = "step_seconds"
  }

  /// How the frames are to be read.
  ///
  /// - Parameter standard: the Z–R relation where none is asked for.
  public func readOptions(relation standard: ReflectivityRelation) -> ReadOptions {
    var options = ReadOptions(
      variable: variable, units: units,
      relation: ReflectivityRelation(a: zrA ?? standard.a, b: zrB ?? standard.b), maxGap: maxGap)
    options.stepSeconds = stepSeconds
    return options
  }

  /// The writer of the forecast.
  public func writer(overwrite: Bool) -> ForecastWriter {
    ForecastWriter(overwrite: overwrite, compatibility: compatibility.flatMap(ForecastCompatibility.init))
  }

  /// The number of frames to forecast at a step.
  ///
  /// - Throws: ``NowcastError`` `usage` when the minutes asked for are no whole number of steps.
  func leadFrames(stepSeconds: Double, standard: Int) throws -> Int {
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
}
