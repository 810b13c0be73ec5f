/// A score by the name it has in reports.
public enum Metric: String, Sendable, CaseIterable, Codable {
  /// See the property of ``ContingencyTable`` with the same name; `bias` is the frequency bias.
  case csi, pod, far, bias, hss, ets
  case successRatio = "success_ratio"
  /// Errors and correlation, see ``ContinuousSums``; `me` is the mean error, `bmse` and `bmae` are balanced.
  case mse, rmse, mae, me, bmse, bmae, correlation
  case uncentredCorrelation = "correlation_uncentred"
  /// The fractions skill score, and from where on it is called useful.
  case fss
  case usefulFSS = "fss_useful"
  /// The critical success index of the largest values of blocks.
  case pooledCSI = "csi_pooled"
  /// Structural similarity.
  case ssim
  /// Spectral power of a band of wavelengths: forecast, observation, and their ratio.
  case forecastPower = "power_forecast"
  case observedPower = "power_observed"
  case powerRatio = "power_ratio"
  /// Ensembles.
  case crps, brier

  /// Which values are better.
  public enum Orientation: Sendable {
    case higher, lower
    /// The nearer to one.
    case nearOne
    /// The nearer to zero.
    case nearZero
    /// It tells something, and not how good a forecast is.
    case none
  }

  /// Which values are better.
  public var orientation: Orientation {
    switch self {
    case .csi, .pod, .hss, .ets, .successRatio, .correlation, .uncentredCorrelation, .fss, .pooledCSI, .ssim: .higher
    case .far, .mse, .rmse, .mae, .bmse, .bmae, .crps, .brier: .lower
    case .bias, .powerRatio: .nearOne
    case .me: .nearZero
    case .usefulFSS, .forecastPower, .observedPower: .none
    }
  }

  /// How it is written for people.
  public var title: String {
    switch self {
    case .csi: "CSI"
    case .pod: "probability of detection"
    case .far: "false alarm ratio"
    case .bias: "frequency bias"
    case .hss: "HSS"
    case .ets: "ETS"
    case .successRatio: "success ratio"
    case .mse: "MSE"
    case .rmse: "RMSE"
    case .mae: "MAE"
    case .me: "mean error"
    case .bmse: "B-MSE"
    case .bmae: "B-MAE"
    case .correlation: "correlation"
    case .uncentredCorrelation: "uncentred correlation"
    case .fss: "FSS"
    case .usefulFSS: "useful FSS"
    case .pooledCSI: "pooled CSI"
    case .ssim: "SSIM"
    case .forecastPower: "spectral power of the forecast"
    case .observedPower: "spectral power observed"
    case .powerRatio: "power ratio"
    case .crps: "CRPS"
    case .brier: "Brier score"
    }
  }
}

/// A score with what it is of.
public struct ScoreName: Sendable, Hashable {
  /// The score.
  public let metric: Metric
  /// The threshold in mm/h, where it means something.
  public let threshold: Float?
  /// The width in pixels, where it means something: a window, a block, or the shortest wavelength of a band.
  public let scale: Int?

  /// A name.
  public init(_ metric: Metric, threshold: Float? = nil, scale: Int? = nil) {
    (self.metric, self.threshold, self.scale) = (metric, threshold, scale)
  }
}

/// The value of a score.
public struct Score: Sendable, Equatable {
  /// What it is.
  public let name: ScoreName
  /// `nil` when it is undefined.
  public let value: Double?
  /// The number of pixels (of blocks for pooled scores, of frames for SSIM and spectra) that it is of.
  public let count: Int

  /// A score.
  public init(name: ScoreName, value: Double?, count: Int) {
    (self.name, self.value, self.count) = (name, value, count)
  }
}

extension FieldScores {
  /// All scores, in the order of reports.
  public var all: [Score] {
    var scores: [Score] = []
    let definition = settings.definition
    func add(_ metric: Metric, _ value: Double?, _ count: Int, _ threshold: Float? = nil, _ scale: Int? = nil) {
      scores.append(Score(name: ScoreName(metric, threshold: threshold, scale: scale), value: value, count: count))
    }
    for (threshold, table) in zip(settings.thresholds, tables) {
      add(.csi, table.csi(addedToDenominator: definition.csiEpsilon), table.count, threshold)
      add(.pod, table.pod, table.count, threshold)
      add(.far, table.far, table.count, threshold)
      add(.bias, table.frequencyBias, table.count, threshold)
      add(.hss, table.hss, table.count, threshold)
      add(.ets, table.ets, table.count, threshold)
      add(.successRatio, table.successRatio, table.count, threshold)
    }
    let sums = continuous
    let mean = definition.sumsErrorsOfFrames ? sums.meanOfFrames : sums.mean
    let count = sums.count
    add(.mse, mean(sums.sumSquaredError), count)
    add(.rmse, mean(sums.sumSquaredError).map { $0.squareRoot() }, count)
    add(.mae, mean(sums.sumAbsoluteError), count)
    add(.me, mean(sums.sumError), count)
    add(.correlation, sums.correlation, count)
    add(.uncentredCorrelation, sums.uncentredCorrelation(addedToDenominator: definition.uncentredEpsilon), count)
    add(.bmse, mean(sums.sumWeightedSquaredError), count)
    add(.bmae, mean(sums.sumWeightedAbsoluteError), count)
    for fractions in fractions { add(.fss, fractions.fss, fractions.count, fractions.threshold, fractions.window) }
    if !settings.windows.isEmpty {
      for (threshold, table) in zip(settings.thresholds, tables) {
        add(.usefulFSS, table.baseRate.map { 0.5 + $0 / 2 }, table.count, threshold)
      }
    }
    for (pool, pooled) in zip(settings.pools, self.sums.pooled) {
      for (threshold, table) in zip(settings.thresholds, pooled) {
        add(.pooledCSI, table.csi(addedToDenominator: definition.csiEpsilon), table.count, threshold, pool)
      }
    }
    add(.ssim, self.sums.structure.ssim, self.sums.structure.frames)
    let spectrum = self.sums.spectrum
    for band in spectrum.bands {
      let power = spectrum.meanPower(band)
      add(.forecastPower, power?.forecast, spectrum.frames, nil, band.wavelength)
      add(.observedPower, power?.observation, spectrum.frames, nil, band.wavelength)
      add(.powerRatio, band.ratio, spectrum.frames, nil, band.wavelength)
    }
    if let ensemble = self.sums.ensemble {
      add(.crps, ensemble.crps, ensemble.count)
      for (index, threshold) in settings.thresholds.enumerated() {
        add(.brier, ensemble.brier(index), ensemble.count, threshold)
      }
    }
    return scores
  }

  /// A score by its name; `nil` when it is undefined or not there.
  public subscript(_ name: ScoreName) -> Double? { all.first { $0.name == name }?.value }

  /// The scores over several lead times as their definition combines them.
  ///
  /// - Parameter leads: the scores of each lead time; at least one.
  public static func overLeads(_ leads: [FieldScores]) -> [Score] {
    guard let first = leads.first else { return [] }
    guard first.settings.definition.leadPooling == .means else {
      var sum = first
      for lead in leads.dropFirst() { sum.merge(lead) }
      return sum.all
    }
    return mean(leads.map(\.all))
  }

  /// The mean of each score over lead times; what is undefined at one does not count.
  static func mean(_ leads: [[Score]]) -> [Score] {
    guard let first = leads.first else { return [] }
    // Not every lead time may have every score: bands are those of its frames.
    let values = Dictionary(grouping: leads.joined(), by: \.name)
    return first.map { score in
      let those = values[score.name] ?? []
      let known = those.compactMap(\.value)
      return Score(
        name: score.name, value: ratio(known.reduce(0, +), Double(known.count)),
        count: those.reduce(0) { $0 + $1.count })
    }
  }
}
