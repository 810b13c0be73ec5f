/// Ways to forecast.
public enum ForecastMethod: String, Sendable, CaseIterable, Codable {
  /// With a trained model.
  case convlstm
  /// The last frame, carried along its motion.
  case advection
  /// S-PROG: carried along, and what is too small to live that long fades.
  case sprog
  /// The last frame, again and again.
  case persistence

  /// The method, if it is one without a model.
  public var baseline: Baseline? { Baseline(rawValue: rawValue) }
}
