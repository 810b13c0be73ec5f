/// How often an event was forecast and observed: the four counts behind every yes-or-no score.
///
/// Formulas after Wilks, "Statistical Methods in the Atmospheric Sciences", chapter on forecast verification, and the
/// verification page of the WWRP/WGNE Joint Working Group (https://www.cawcr.gov.au/projects/verification/). A score
/// whose denominator is zero is undefined, and `nil`: neither a good nor a bad forecast was seen.
public struct ContingencyTable: Sendable, Equatable, Codable {
  /// Forecast and observed.
  public var hits: Int
  /// Observed but not forecast.
  public var misses: Int
  /// Forecast but not observed.
  public var falseAlarms: Int
  /// Neither forecast nor observed.
  public var correctNegatives: Int

  enum CodingKeys: String, CodingKey {
    case hits, misses
    case falseAlarms = "false_alarms"
    case correctNegatives = "correct_negatives"
  }

  /// Makes a table of these counts.
  public init(hits: Int = 0, misses: Int = 0, falseAlarms: Int = 0, correctNegatives: Int = 0) {
    self.hits = hits
    self.misses = misses
    self.falseAlarms = falseAlarms
    self.correctNegatives = correctNegatives
  }

  /// Adds the counts of another table, `times` over. Counts are integers, so the order of merging does not matter.
  public mutating func merge(_ other: ContingencyTable, times: Int = 1) {
    hits += other.hits * times
    misses += other.misses * times
    falseAlarms += other.falseAlarms * times
    correctNegatives += other.correctNegatives * times
  }

  /// The number of pixels counted.
  public var count: Int { hits + misses + falseAlarms + correctNegatives }

  /// The critical success index (threat score) `H / (H + M + F)`, 0 to 1, best 1.
  public var csi: Double? { csi(addedToDenominator: 0) }

  /// The critical success index with a small number added to its denominator, as SEVIR's scorers have it.
  func csi(addedToDenominator epsilon: Double) -> Double? {
    let events = hits + misses + falseAlarms
    return events == 0 ? nil : Double(hits) / (Double(events) + epsilon)
  }

  /// The probability of detection (hit rate) `H / (H + M)`, 0 to 1, best 1.
  public var pod: Double? { ratio(Double(hits), Double(hits + misses)) }

  /// The false alarm ratio `F / (H + F)`, 0 to 1, best 0. Not the false alarm rate `F / (F + C)`.
  public var far: Double? { ratio(Double(falseAlarms), Double(hits + falseAlarms)) }

  /// The success ratio `H / (H + F) = 1 − FAR`, 0 to 1, best 1.
  public var successRatio: Double? { ratio(Double(hits), Double(hits + falseAlarms)) }

  /// The frequency bias `(H + F) / (H + M)`, 0 and up, best 1.
  public var frequencyBias: Double? { ratio(Double(hits + falseAlarms), Double(hits + misses)) }

  /// Heidke's skill score `2 (H C − F M) / ((H + M)(M + C) + (H + F)(F + C))`, −1 to 1, best 1, no skill 0.
  public var hss: Double? {
    let (h, m, f, c) = (Double(hits), Double(misses), Double(falseAlarms), Double(correctNegatives))
    return ratio(2 * (h * c - f * m), (h + m) * (m + c) + (h + f) * (f + c))
  }

  /// The equitable threat score (Gilbert's) `(H − R) / (H + M + F − R)` with the hits expected by chance
  /// `R = (H + M)(H + F) / N`, −1/3 to 1, best 1, no skill 0.
  public var ets: Double? {
    guard count > 0 else { return nil }
    let chance = Double(hits + misses) * Double(hits + falseAlarms) / Double(count)
    return ratio(Double(hits) - chance, Double(hits + misses + falseAlarms) - chance)
  }

  /// The share of observed events `(H + M) / N`, the base rate.
  public var baseRate: Double? { ratio(Double(hits + misses), Double(count)) }
}

func ratio(_ numerator: Double, _ denominator: Double) -> Double? {
  denominator == 0 ? nil : numerator / denominator
}
