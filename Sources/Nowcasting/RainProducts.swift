import RadarIO
import Tensor

/// What people ask for of a forecast: how much falls in which time, and where it is more than something can take.
public struct RainProducts: Sendable {
  /// The windows of sums in minutes; `nil` for the usual ones that fit the frames.
  public var windows: [Int]?
  /// Thresholds of the rain rate in mm/h.
  public var rateThresholds: [Double]
  /// Thresholds of the amount of each window in mm.
  public var amountThresholds: [Double]

  /// The windows that are summed up if nothing else is asked for.
  public static let usualWindows = [15, 30, 60]

  /// Products of those windows and thresholds. Where neither windows nor thresholds of the rate are given, there are sums
  /// over the usual windows.
  public init(windows: [Int]? = nil, rateThresholds: [Double] = [], amountThresholds: [Double] = []) {
    self.windows = windows ?? (rateThresholds.isEmpty || !amountThresholds.isEmpty ? nil : [])
    self.rateThresholds = rateThresholds
    self.amountThresholds = amountThresholds
  }

  /// The windows of sums over sequences, and those of the usual ones that do not fit.
  ///
  /// - Throws: as ``RainSums/init(minutes:of:)``; ``NowcastError`` `unusable` when none of the usual windows fits.
  public func sums(of sequences: [FrameSequence]) throws -> (sums: [RainSums], leftOut: [Int]) {
    if let windows { return (try windows.map { try RainSums(minutes: $0, of: sequences) }, []) }
    let fitting = RainProducts.usualWindows.filter { RainSums.areThere(minutes: $0, in: sequences) }
    guard !fitting.isEmpty else {
      throw NowcastError(
        .unusable,
        "no window of 15, 30 or 60 min is a whole number of steps within the frames. Say which with --accumulations.",
        path: sequences.first?.source.files.first)
    }
    return (
      try fitting.map { try RainSums(minutes: $0, of: sequences) },
      RainProducts.usualWindows.filter { !fitting.contains($0) }
    )
  }

  /// The products as they are written.
  ///
  /// - Parameters:
  ///   - sums: those of ``sums(of:)``.
  ///   - sequences: frames of one grid.
  ///   - source: the program.
  ///   - history: what was done.
  /// - Precondition: there is at least one sequence.
  public func file(of sums: [RainSums], from sequences: [FrameSequence], source: String?, history: String?)
    -> ProductFile
  {
    var fields = rateThresholds.isEmpty ? [] : [rateExceedance(sequences)]
    for sums in sums {
      let times = ProductField.Times(name: "time_\(sums.minutes)min", ends: sums.ends, starts: sums.starts)
      fields.append(
        ProductField(
          name: "rainfall_amount_\(sums.minutes)min", longName: "rain of the \(sums.minutes) minutes up to the time",
          content: .amount, times: times
        ) { window in
          let amounts = try sums.amounts(of: window)
          return amounts.reshaped([1] + amounts.shape)
        })
      guard !amountThresholds.isEmpty else { continue }
      let thresholds = ProductField.Thresholds(
        name: "amount_threshold", standardName: "rainfall_amount", units: "kg m-2", values: amountThresholds)
      fields.append(
        ProductField(
          name: "rainfall_amount_\(sums.minutes)min_exceedance",
          longName: "whether the rain of the \(sums.minutes) minutes up to the time is at or above a threshold",
          content: .exceedance(thresholds), times: times
        ) { try RainProducts.exceedance(of: sums.amounts(of: $0), thresholds: thresholds.values) })
    }
    let references = Set(sequences.map(\.referenceTime))
    return ProductFile(
      grid: sequences[0].grid, fields: fields, referenceTime: references.count == 1 ? references.first ?? nil : nil,
      title: "Rain products", source: source, history: history, comment: RainProducts.comment,
      provenance: sequences[0].source.provenance)
  }

  private func rateExceedance(_ sequences: [FrameSequence]) -> ProductField {
    let places = sequences.indices.flatMap { index in sequences[index].times.indices.map { (index, $0) } }
    let ends = sequences.flatMap(\.times)
    let intervals = sequences.compactMap(\.intervalSeconds).joined()
    let thresholds = ProductField.Thresholds(
      name: "rate_threshold", standardName: "rainfall_rate", units: "mm h-1", values: rateThresholds)
    return ProductField(
      name: "rainfall_rate_exceedance", longName: "whether the rain rate is at or above a threshold",
      content: .exceedance(thresholds),
      times: .init(
        name: "time", ends: ends, starts: intervals.count == ends.count ? zip(ends, intervals).map { $0 - $1 } : nil)
    ) { step in
      let (sequence, frame) = places[step]
      return try RainProducts.exceedance(of: sequences[sequence].rainRate(at: frame), thresholds: thresholds.values)
    }
  }

  /// Where a field, `[h, w]`, is at or above thresholds: `[p, h, w]` of 1 and 0, `NaN` where it is missing.
  static func exceedance(of field: Tensor, thresholds: [Double]) -> Tensor {
    var planes = Tensor(uninitialized: [thresholds.count] + field.shape)
    field.withUnsafeBufferPointer { values in
      planes.withUnsafeMutableBufferPointer { flags in
        for (plane, threshold) in thresholds.map(Float.init).enumerated() {
          for pixel in values.indices {
            let value = values[pixel]
            flags[plane * values.count + pixel] = value.isNaN ? .nan : value >= threshold ? 1 : 0
          }
        }
      }
    }
    return planes
  }

  private static let comment =
    "Sums are over whole windows only, one ending at each frame; a frame stands for the step that ends at its time. A pixel "
    + "missing in any frame of a window is missing in its sum. Exceedance is 1 at or above a threshold."
}
