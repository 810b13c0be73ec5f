/// The sums over pixels behind every score of how much it rains, forecast `f` against observation `o`.
///
/// They are of rates in mm/h, or of what the definition takes in their place. Formulas after Wilks, as in
/// ``ContingencyTable``.
public struct ContinuousSums: Sendable, Equatable, Codable {
  /// The number of pixels.
  public var count = 0
  /// The number of frames with at least one pixel.
  public var frames = 0
  /// Σ f.
  public var sumForecast = ExactSum.zero
  /// Σ o.
  public var sumObservation = ExactSum.zero
  /// Σ (f − o).
  public var sumError = ExactSum.zero
  /// Σ |f − o|.
  public var sumAbsoluteError = ExactSum.zero
  /// Σ (f − o)².
  public var sumSquaredError = ExactSum.zero
  /// Σ f².
  public var sumForecastSquared = ExactSum.zero
  /// Σ o².
  public var sumObservationSquared = ExactSum.zero
  /// Σ f·o.
  public var sumProduct = ExactSum.zero
  /// Σ w |f − o| with the weight `w` by the observed rain rate: 1, and 2, 5, 10, 30 from 2, 5, 10, 30 mm/h.
  public var sumWeightedAbsoluteError = ExactSum.zero
  /// Σ w (f − o)².
  public var sumWeightedSquaredError = ExactSum.zero

  enum CodingKeys: String, CodingKey {
    case count, frames
    case sumForecast = "f"
    case sumObservation = "o"
    case sumError = "error"
    case sumAbsoluteError = "absolute_error"
    case sumSquaredError = "squared_error"
    case sumForecastSquared = "f_squared"
    case sumObservationSquared = "o_squared"
    case sumProduct = "f_times_o"
    case sumWeightedAbsoluteError = "weighted_absolute_error"
    case sumWeightedSquaredError = "weighted_squared_error"
  }

  /// Makes empty sums.
  public init() {}

  /// Adds the sums of other pixels, `times` over. The order of merging does not matter.
  public mutating func merge(_ other: ContinuousSums, times: Int = 1) {
    count += other.count * times
    frames += other.frames * times
    sumForecast += other.sumForecast * times
    sumObservation += other.sumObservation * times
    sumError += other.sumError * times
    sumAbsoluteError += other.sumAbsoluteError * times
    sumSquaredError += other.sumSquaredError * times
    sumForecastSquared += other.sumForecastSquared * times
    sumObservationSquared += other.sumObservationSquared * times
    sumProduct += other.sumProduct * times
    sumWeightedAbsoluteError += other.sumWeightedAbsoluteError * times
    sumWeightedSquaredError += other.sumWeightedSquaredError * times
  }

  /// All sums.
  var sums: [ExactSum] {
    [
      sumForecast, sumObservation, sumError, sumAbsoluteError, sumSquaredError, sumForecastSquared,
      sumObservationSquared, sumProduct, sumWeightedAbsoluteError, sumWeightedSquaredError,
    ]
  }

  /// A sum per pixel; `nil` without pixels.
  func mean(_ sum: ExactSum) -> Double? { ratio(sum.value, Double(count)) }

  /// A sum per frame; `nil` without frames.
  func meanOfFrames(_ sum: ExactSum) -> Double? { ratio(sum.value, Double(frames)) }

  /// The mean squared error per pixel, (mm/h)²; `nil` without pixels.
  public var mse: Double? { mean(sumSquaredError) }

  /// The root of the mean squared error, mm/h; `nil` without pixels.
  public var rmse: Double? { mse.map { $0.squareRoot() } }

  /// The mean absolute error per pixel, mm/h; `nil` without pixels.
  public var mae: Double? { mean(sumAbsoluteError) }

  /// The mean error (additive bias) forecast minus observation, mm/h; `nil` without pixels.
  public var meanError: Double? { mean(sumError) }

  /// Pearson's correlation, −1 to 1; `nil` when forecast or observation does not vary, for instance without rain.
  public var correlation: Double? {
    let n = Double(count)
    let (f, o) = (sumForecast.value, sumObservation.value)
    let (ff, oo) = (sumForecastSquared.value, sumObservationSquared.value)
    let forecastVariance = n * ff - f * f
    let observationVariance = n * oo - o * o
    // The differences of a constant field are the rounding of large numbers rather than exactly zero.
    guard forecastVariance > 1e-12 * n * ff, observationVariance > 1e-12 * n * oo else { return nil }
    let covariance = n * sumProduct.value - f * o
    return min(max(covariance / (forecastVariance.squareRoot() * observationVariance.squareRoot()), -1), 1)
  }

  /// The uncentred correlation Σfo / √(Σf² Σo²) of Shi et al. 2015, 0 to 1; `nil` when forecast or observation is dry.
  public var uncentredCorrelation: Double? { uncentredCorrelation(addedToDenominator: 0) }

  func uncentredCorrelation(addedToDenominator epsilon: Double) -> Double? {
    let product = (sumForecastSquared.value * sumObservationSquared.value).squareRoot()
    return product == 0 ? nil : sumProduct.value / (product + epsilon)
  }
}
