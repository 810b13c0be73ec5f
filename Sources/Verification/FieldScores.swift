import Tensor

/// The scores of one method: counts and sums over all pixels and start times added so far.
///
/// Counts are added first and scored last, so a start time weighs by its rain and not by being one of many. Scores can be
/// merged, in any order with the same result: a month is the sum of its days.
public struct FieldScores: Sendable, Equatable {
  /// The counts and sums, which is what reports keep.
  public struct Sums: Sendable, Equatable, Codable {
    /// The number of frames added.
    public internal(set) var fields = 0
    /// The number of pixels of all frames added, whether they count or not.
    public internal(set) var pixels = 0
    /// A contingency table for each threshold.
    public internal(set) var tables: [ContingencyTable]
    /// A contingency table of the largest values of blocks, for each width and threshold.
    public internal(set) var pooled: [[ContingencyTable]]
    /// Fractions for each threshold and window, all windows of the first threshold first.
    public internal(set) var fractions: [FractionsSkill]
    /// The sums over the pixels that count.
    public internal(set) var continuous = ContinuousSums()
    /// Structural similarity.
    public internal(set) var structure = StructuralSimilarity()
    /// The power spectrum.
    public internal(set) var spectrum = PowerSpectrum()
    /// The scores of an ensemble; `nil` for a single forecast.
    public internal(set) var ensemble: EnsembleScores?
  }

  /// What is computed.
  public let settings: ScoreSettings
  /// The counts and sums.
  public internal(set) var sums: Sums

  /// Makes empty scores.
  public init(settings: ScoreSettings) {
    self.settings = settings
    let tables = settings.thresholds.map { _ in ContingencyTable() }
    sums = Sums(
      tables: tables, pooled: settings.pools.map { _ in tables },
      fractions: settings.thresholds.flatMap { threshold in
        settings.windows.map { FractionsSkill(threshold: threshold, window: $0) }
      })
  }

  /// Takes counts and sums; `nil` when they are not those of the settings, or so large that they cannot be added up.
  public init?(settings: ScoreSettings, sums: Sums) {
    self.init(settings: settings)
    let count = settings.thresholds.count
    guard sums.tables.count == count, sums.pooled.map(\.count) == self.sums.pooled.map(\.count),
      sums.fractions.map(\.threshold) == self.sums.fractions.map(\.threshold),
      sums.fractions.map(\.window) == self.sums.fractions.map(\.window),
      sums.ensemble.map({
        $0.brierSums.count == count && $0.bins.count == count
          && $0.bins.allSatisfy { $0.count == EnsembleScores.binCount }
      }) ?? true
    else { return nil }
    guard sums.counts.allSatisfy({ (0...Self.mostCount).contains($0) }),
      sums.exactSums.allSatisfy({ $0.units.magnitude <= Self.mostSum }),
      sums.fractions.allSatisfy({ fractions in
        [fractions.sumForecastSquared, fractions.sumObservationSquared, fractions.sumProduct].allSatisfy {
          (0...Int128(Self.mostSum)).contains($0)
        }
      })
    else { return nil }
    self.sums = sums
  }

  /// What files may hold at most, so that no number of them that fits on a disk overflows: a thousand times a decade of
  /// a continent.
  private static let mostCount = 1 << 44
  private static let mostSum = UInt128(10_000_000_000_000_000) * 1_000_000_000_000_000

  /// A contingency table for each threshold.
  public var tables: [ContingencyTable] { sums.tables }
  /// Fractions for each threshold and window, all windows of the first threshold first.
  public var fractions: [FractionsSkill] { sums.fractions }
  /// The sums over the pixels that count.
  public var continuous: ContinuousSums { sums.continuous }

  /// The share of pixels that count, 0 to 1; `nil` when nothing was added.
  public var validShare: Double? { ratio(Double(continuous.count), Double(sums.pixels)) }

  /// Adds one forecast frame, `[h, w]` in mm/h, by itself: the pixels count that are measured in both.
  ///
  /// - Parameters:
  ///   - forecast: the field.
  ///   - observation: what was measured at its valid time.
  /// - Precondition: the shapes are equal and have two dimensions.
  public mutating func add(forecast: Tensor, observation: Tensor) {
    precondition(observation.rank == 2, "a field has the shape [h, w], not \(observation.shape)")
    let scorer = FrameScorer(settings: settings, height: observation.shape[0], width: observation.shape[1])
    for one in scorer.scores(observation: observation, forecasts: [ScoredForecast(method: "", field: forecast)]) {
      merge(one)
    }
  }

  /// Adds the scores of other frames, `times` over.
  ///
  /// - Precondition: the settings are the same.
  public mutating func merge(_ other: FieldScores, times: Int = 1) {
    precondition(settings == other.settings, "scores of different settings")
    sums.fields += other.sums.fields * times
    sums.pixels += other.sums.pixels * times
    for index in sums.tables.indices { sums.tables[index].merge(other.sums.tables[index], times: times) }
    for pool in sums.pooled.indices {
      for index in sums.tables.indices { sums.pooled[pool][index].merge(other.sums.pooled[pool][index], times: times) }
    }
    for index in sums.fractions.indices { sums.fractions[index].merge(other.sums.fractions[index], times: times) }
    sums.continuous.merge(other.sums.continuous, times: times)
    sums.structure.merge(other.sums.structure, times: times)
    sums.spectrum.merge(other.sums.spectrum, times: times)
    if let ensemble = other.sums.ensemble {
      if sums.ensemble == nil { sums.ensemble = EnsembleScores(thresholds: settings.thresholds.count) }
      sums.ensemble?.merge(ensemble, times: times)
    }
  }
}

extension FieldScores.Sums {
  /// Every count.
  fileprivate var counts: [Int] {
    let tables = (tables + pooled.joined()).flatMap { [$0.hits, $0.misses, $0.falseAlarms, $0.correctNegatives] }
    let bins = (ensemble?.bins ?? []).joined().flatMap { [$0.count, $0.observed] }
    return [fields, pixels, continuous.count, continuous.frames, structure.frames, spectrum.frames] + tables
      + fractions.map(\.count) + bins + (ensemble.map { [$0.count] } ?? [])
  }

  /// Every sum but those of fractions.
  fileprivate var exactSums: [ExactSum] {
    let bands = spectrum.bands.flatMap { [$0.forecast, $0.observation] }
    let ensembles = ensemble.map { [$0.crpsSum] + $0.brierSums + $0.bins.joined().map(\.probability) } ?? []
    return continuous.sums + [structure.sum] + bands + ensembles
  }
}
