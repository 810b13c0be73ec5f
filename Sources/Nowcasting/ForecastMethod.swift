/// Ways to forecast.
public enum ForecastMethod: String, Sendable, CaseIterable, Codable {
  /// With a trained model.
  case convlstm
  /// The last frame, carried along its motion.
  case advection
  /// The last frame, again and again.
  case persistence

  /// The method, if it is one without a model.
  public var baseline: Baseline? { Baseline(rawValue: rawValue) }
}
