/// The sums over pixels behind every score of how much it rains, forecast `f` against observation `o` in mm/h.
///
/// Sums are kept in double precision and added in a fixed order, so equal input gives equal bits. Merging in another
/// order may change the last bits. Formulas after Wilks, as in ``ContingencyTable``.
public struct ContinuousSums: Sendable, Equatable, Codable {
  /// The number of pixels.
  public var count = 0
  /// Σ f, mm/h.
  public var sumForecast = 0.0
  /// Σ o, mm/h.
  public var sumObservation = 0.0
  /// Σ (f − o), mm/h.
  public var sumError = 0.0
  /// Σ |f − o|, mm/h.
  public var sumAbsoluteError = 0.0
  /// Σ (f − o)², (mm/h)².
  public var sumSquaredError = 0.0
  /// Σ f², (mm/h)².
  public var sumForecastSquared = 0.0
  /// Σ o², (mm/h)².
  public var sumObservationSquared = 0.0
  /// Σ f·o, (mm/h)².
  public var sumProduct = 0.0

  /// Makes empty sums.
  public init() {}

  /// Adds the sums of other pixels.
  public mutating func merge(_ other: ContinuousSums) {
    count += other.count
    sumForecast += other.sumForecast
    sumObservation += other.sumObservation
    sumError += other.sumError
    sumAbsoluteError += other.sumAbsoluteError
    sumSquaredError += other.sumSquaredError
    sumForecastSquared += other.sumForecastSquared
    sumObservationSquared += other.sumObservationSquared
    sumProduct += other.sumProduct
  }

  /// The mean squared error per pixel, (mm/h)²; `nil` without pixels.
  public var mse: Double? { ratio(sumSquaredError, Double(count)) }

  /// The root of the mean squared error, mm/h; `nil` without pixels.
  public var rmse: Double? { mse.map { $0.squareRoot() } }

  /// The mean absolute error per pixel, mm/h; `nil` without pixels.
  public var mae: Double? { ratio(sumAbsoluteError, Double(count)) }

  /// The mean error (additive bias) forecast minus observation, mm/h; `nil` without pixels.
  public var meanError: Double? { ratio(sumError, Double(count)) }

  /// Pearson's correlation, −1 to 1; `nil` when forecast or observation does not vary, for instance without rain.
  public var correlation: Double? {
    let n = Double(count)
    let forecastVariance = n * sumForecastSquared - sumForecast * sumForecast
    let observationVariance = n * sumObservationSquared - sumObservation * sumObservation
    // The differences of a constant field are the rounding of large numbers rather than exactly zero.
    guard forecastVariance > 1e-12 * n * sumForecastSquared, observationVariance > 1e-12 * n * sumObservationSquared
    else { return nil }
    let covariance = n * sumProduct - sumForecast * sumObservation
    return min(max(covariance / (forecastVariance.squareRoot() * observationVariance.squareRoot()), -1), 1)
  }

  /// A score by its name.
  public subscript(_ score: ContinuousScore) -> Double? {
    switch score {
    case .mse: mse
    case .rmse: rmse
    case .mae: mae
    case .me: meanError
    case .correlation: correlation
    }
  }
}

/// The scores of ``ContinuousSums`` by the names they have in reports.
public enum ContinuousScore: String, Sendable, CaseIterable, Codable {
  /// See the property of ``ContinuousSums`` with the same name; `me` is the mean error.
  case mse, rmse, mae, me, correlation
}
