/// The names of the variables and dimensions this program writes itself.
enum CFNames {
  static let rainRate = "rainfall_rate"
  static let time = "time"
  static let timeBounds = "time_bounds"
  static let boundsDimension = "bounds"
  static let referenceTime = "forecast_reference_time"
  static let period = "forecast_period"
  static let validity = "validity"

  /// Names no copied variable may take.
  static let reserved: Set = [
    rainRate, time, timeBounds, boundsDimension, referenceTime, period, validity, ExceedanceField.name,
    ExceedanceField.thresholdName,
  ]
}
