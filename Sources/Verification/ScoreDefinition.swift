#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A published way to score forecasts: what an event is, in which units errors are, and in which order is averaged.
///
/// Scores of different definitions must not be compared, even where their names are the same. All of them have the same
/// mask rule, which comes before any threshold: a pixel that is missing in the observation or in any of the compared
/// forecasts counts for none.
public enum ScoreDefinition: String, Sendable, CaseIterable, Codable {
  /// Events are rates of at least the threshold; counts and sums over pixels, start times and (for all leads) lead times are
  /// added, then scored.
  case standard = "default"
  /// Shi et al. 2017, "Deep Learning for Precipitation Nowcasting", as in the benchmark's `hko_evaluation.py`.
  case hko7
  /// Veillette et al. 2020 and Gao et al. 2022 (Earthformer): vertically integrated liquid from 0 to 255.
  case sevir
  /// OpenSTL's `metrics.py`: images with values from 0 to 1.
  case openstl
  /// pysteps' `verification`, where it does not count missing pixels.
  case pysteps
  /// Shi et al. 2015, "Convolutional LSTM Network", radar experiment.
  case shi2015

  /// How scores of single lead times become one.
  public enum LeadPooling: Sendable {
    /// The counts and sums of all lead times are added, then scored.
    case sums
    /// The scores of lead times are averaged; undefined ones are left out.
    case means
  }

  /// Whether a value at the threshold is no event.
  public var isStrict: Bool { self == .pysteps }

  /// The thresholds of its publications.
  public var thresholds: [Float] {
    switch self {
    case .standard, .pysteps: [0.1, 0.5, 1, 2, 5, 10]
    case .hko7: [0.5, 2, 5, 10, 30]
    case .sevir: [16, 74, 133, 160, 181, 219]
    case .openstl: [0.5]
    case .shi2015: [0.5]
    }
  }

  /// How the score over all lead times comes about.
  public var leadPooling: LeadPooling {
    switch self {
    case .standard, .pysteps, .sevir: .sums
    case .hko7, .openstl, .shi2015: .means
    }
  }

  /// Whether errors are summed over the pixels of a frame and averaged over frames, rather than averaged over pixels.
  var sumsErrorsOfFrames: Bool { self == .hko7 || self == .openstl }

  /// What is added to the denominator of CSI.
  var csiEpsilon: Double { self == .sevir ? 1e-4 : 0 }

  /// What is added to the denominator of the uncentred correlation.
  var uncentredEpsilon: Double {
    switch self {
    case .shi2015: 1e-9
    case .hko7: 1e-12
    case .standard, .sevir, .openstl, .pysteps: 0
    }
  }

  /// Whether the fractions of missing pixels (of which some neighbours were measured) count in the FSS.
  var countsFractionsOfMissing: Bool { self == .pysteps }

  /// What errors and correlations are computed from.
  func errorValue(_ rate: Float) -> Float {
    switch self {
    case .standard, .pysteps, .shi2015, .openstl: rate
    case .sevir: rate / 255
    case .hko7: unitValue(rate)
    }
  }

  /// Whether ``errorValue(_:)`` is the rate itself.
  var errorsAreOfRates: Bool { self != .sevir && self != .hko7 }

  /// The value on a scale from 0 to 1 that structural similarity is computed from.
  func unitValue(_ rate: Float) -> Float {
    switch self {
    case .standard, .pysteps, .shi2015: Self.reflectivity(rate, a: 200, b: 1.6, low: 0, high: 60)
    case .hko7: Self.reflectivity(rate, a: 58.53, b: 1.56, low: -10, high: 60)
    case .sevir: min(max(rate / 255, 0), 1)
    case .openstl: min(max(rate, 0), 1)
    }
  }

  private static func reflectivity(_ rate: Float, a: Double, b: Double, low: Double, high: Double) -> Float {
    guard rate > 0 else { return 0 }
    let decibels = 10 * (log10(a) + b * log10(Double(rate)))
    return Float(min(max((decibels - low) / (high - low), 0), 1))
  }

  /// The units of the mean error.
  public var errorUnits: String {
    switch self {
    case .standard, .pysteps, .shi2015: "mm/h"
    case .hko7: "pixel values 0–1, summed over a frame"
    case .sevir: "VIL/255"
    case .openstl: "values 0–1, summed over a frame"
    }
  }

  /// The whole definition in sentences.
  public var summary: String {
    let mask = " A pixel missing in the observation or in any compared forecast counts for none, before any threshold."
    switch self {
    case .standard:
      return
        "Event: rate ≥ threshold in mm/h. Counts and sums are added over pixels, start times and, for all lead times, lead "
        + "times, then scored. Errors are means per pixel in mm/h; B-MSE and B-MAE have weights 1, 2, 5, 10, 30 for observed rates "
        + "below 2, from 2, 5, 10, 30 mm/h. SSIM is of reflectivity from 0 to 60 dBZ (Z = 200 R^1.6) scaled to 0–1."
        + mask
    case .hko7:
      return
        "Shi et al. 2017: event: rate ≥ threshold; counts are added over start times for each lead time, scored, and the "
        + "scores averaged over lead times. Errors are of pixel values p = (dBZ + 10)/70 with Z = 58.53 R^1.56, cut to 0–1, summed "
        + "over the pixels of a frame, averaged over frames, then over lead times; weights of B-MSE and B-MAE as in default."
        + mask
    case .sevir:
      return
        "Veillette et al. 2020, Gao et al. 2022: values are VIL from 0 to 255 as they stand in the data; event: value ≥ "
        + "threshold; counts are added over start times and lead times; CSI = H/(H + M + F + 0.0001); errors are of value/255."
        + mask
    case .openstl:
      return
        "OpenSTL: values from 0 to 1 as they stand in the data; squared and absolute errors are summed over the pixels of a "
        + "frame and averaged over frames and lead times; SSIM is of values cut to 0–1." + mask
    case .pysteps:
      return
        "pysteps: event: rate > threshold, for the fractions skill score rate ≥ threshold; counts and sums are added, then "
        + "scored; pixels at the edge of what was measured count in the fractions skill score. Unlike pysteps, missing pixels are "
        + "no correct negatives." + mask
    case .shi2015:
      return
        "Shi et al. 2015: event: rate ≥ 0.5 mm/h; scores of each lead time averaged over lead times; the published correlation "
        + "is correlation_uncentred, Σfo / (√(Σf² Σo²) + 10⁻⁹); MSE in (mm/h)²." + mask
    }
  }
}

/// What is computed.
public struct ScoreSettings: Sendable, Equatable, Codable {
  /// What an event is, and the like.
  public var definition: ScoreDefinition
  /// Thresholds in mm/h, ascending.
  public var thresholds: [Float]
  /// The widths in pixels of the windows of the fractions skill score.
  public var windows: [Int]
  /// The widths in pixels of the blocks whose maxima the pooled CSI compares.
  public var pools: [Int]

  /// Chooses what is computed.
  ///
  /// - Parameters:
  ///   - definition: whose formulas are taken.
  ///   - thresholds: `nil` takes those of the definition.
  ///   - windows: of the fractions skill score, in pixels.
  ///   - pools: the widths of the pooled CSI's blocks, in pixels.
  /// - Precondition: thresholds are finite, windows and pools positive.
  public init(
    definition: ScoreDefinition = .standard, thresholds: [Float]? = nil, windows: [Int] = [], pools: [Int] = []
  ) {
    self.definition = definition
    self.thresholds = thresholds ?? definition.thresholds
    (self.windows, self.pools) = (windows, pools)
    precondition(self.thresholds.allSatisfy(\.isFinite), "thresholds must be finite")
    precondition((windows + pools).allSatisfy { $0 > 0 }, "windows and pools have at least one pixel")
  }
}
