/// The scores of an ensemble forecast: are its probabilities right?
///
/// - CRPS, the continuous ranked probability score, in its fair form (Ferro 2014, Quarterly Journal of the Royal
///   Meteorological Society 140): the mean of |xᵢ − o| over the m members, less the sum of |xᵢ − xⱼ| over all pairs i < j
///   divided by m(m − 1). Equal members, and members equal to the observation, need no special case in this form.
/// - Brier score of each threshold: the mean of (p − e)², with the share p of members at the event and e 1 where it was
///   observed, 0 elsewhere.
/// - Reliability: how often the event was observed where its probability was from 0 to 10 %, 10 to 20 % and so on.
public struct EnsembleScores: Sendable, Equatable, Codable {
  /// The cases whose forecast probability lay in one tenth.
  public struct Bin: Sendable, Equatable, Codable {
    /// The number of pixels.
    public internal(set) var count = 0
    /// The number of pixels with the event.
    public internal(set) var observed = 0
    /// The sum of the probabilities.
    public internal(set) var probability = ExactSum.zero

    /// The mean probability; `nil` without pixels.
    public var meanProbability: Double? { ratio(probability.value, Double(count)) }
    /// The relative frequency of the event; `nil` without pixels.
    public var frequency: Double? { ratio(Double(observed), Double(count)) }
  }

  /// The number of tenths.
  public static let binCount = 10
  /// The number of pixels.
  public private(set) var count = 0
  /// The sum of the fair CRPS over pixels, mm/h.
  public private(set) var crpsSum = ExactSum.zero
  /// The sum of (p − e)² over pixels for each threshold.
  public private(set) var brierSums: [ExactSum]
  /// For each threshold ten bins.
  public private(set) var bins: [[Bin]]

  /// Empty scores for some thresholds.
  public init(thresholds: Int) {
    brierSums = Array(repeating: .zero, count: thresholds)
    bins = Array(repeating: Array(repeating: Bin(), count: Self.binCount), count: thresholds)
  }

  /// The fair CRPS, mm/h; `nil` without pixels.
  public var crps: Double? { ratio(crpsSum.value, Double(count)) }

  /// The Brier score of a threshold, 0 to 1, best 0; `nil` without pixels.
  public func brier(_ threshold: Int) -> Double? { ratio(brierSums[threshold].value, Double(count)) }

  /// Adds other pixels, `times` over. The order of merging does not matter.
  public mutating func merge(_ other: EnsembleScores, times: Int = 1) {
    count += other.count * times
    crpsSum += other.crpsSum * times
    for index in brierSums.indices {
      brierSums[index] += other.brierSums[index] * times
      for bin in bins[index].indices {
        bins[index][bin].count += other.bins[index][bin].count * times
        bins[index][bin].observed += other.bins[index][bin].observed * times
        bins[index][bin].probability += other.bins[index][bin].probability * times
      }
    }
  }

  /// Adds the pixels of a frame that count.
  ///
  /// - Precondition: there are at least two members, of the observation's size.
  mutating func add(
    members: [UnsafeBufferPointer<Float>], observation: UnsafeBufferPointer<Float>, mask: PixelMask,
    settings: ScoreSettings
  ) {
    precondition(members.count > 1, "an ensemble has at least two members")
    let m = members.count
    var values = [Float](repeating: 0, count: m)
    var sum = 0.0
    var histograms = settings.thresholds.map { _ in [SIMD2<Int>](repeating: .zero, count: m + 1) }
    for pixel in observation.indices where mask.flags[pixel] != 0 {
      let truth = observation[pixel]
      var isEqual = true
      for member in 0..<m {
        values[member] = members[member][pixel]
        isEqual = isEqual && values[member] == values[0]
      }
      if isEqual {
        sum += Double((values[0] - truth).magnitude)
      } else {
        values.sort()
        var (error, spread) = (0.0, 0.0)
        for (rank, value) in values.enumerated() {
          error += (Double(value) - Double(truth)).magnitude
          // In ascending order each value is added once for every smaller one, and subtracted for every larger one.
          spread += Double(value) * Double(2 * rank - m + 1)
        }
        sum += error / Double(m) - spread / Double(m * (m - 1))
      }
      for (index, threshold) in settings.thresholds.enumerated() {
        func isEvent(_ value: Float) -> Bool { settings.definition.isStrict ? value > threshold : value >= threshold }
        var above = 0
        for value in values { above += isEvent(value) ? 1 : 0 }
        histograms[index][above] &+= SIMD2(1, isEvent(truth) ? 1 : 0)
      }
    }
    count += mask.validCount
    crpsSum += ExactSum(sum)
    for index in histograms.indices {
      for (above, counts) in histograms[index].enumerated() where counts[0] > 0 {
        let probability = Double(above) / Double(m)
        let bin = min(above * Self.binCount / m, Self.binCount - 1)
        bins[index][bin].count += counts[0]
        bins[index][bin].observed += counts[1]
        bins[index][bin].probability += ExactSum(probability * Double(counts[0]))
        let (missed, with) = (probability * probability, (1 - probability) * (1 - probability))
        brierSums[index] += ExactSum(missed * Double(counts[0] - counts[1]) + with * Double(counts[1]))
      }
    }
  }
}
