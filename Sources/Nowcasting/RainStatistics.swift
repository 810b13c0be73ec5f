import Tensor

/// A few numbers that tell what a set of frames holds.
public struct RainStatistics: Sendable {
  /// The share of missing pixels.
  public let missingShare: Double
  /// The share of measured pixels with at least 0.1 mm/h; `nil` where none was measured.
  public let wetShare: Double?
  /// The largest rain rate in mm/h; `nil` where none was measured.
  public let largest: Double?

  /// Looks through rain rates in mm/h, NaN where missing.
  public init(_ rainRate: Tensor) {
    var (missing, wet, largest) = (0, 0, -Float.infinity)
    rainRate.withUnsafeBufferPointer { values in
      for value in values {
        if value.isNaN { missing += 1 }
        if value >= 0.1 { wet += 1 }
        if value > largest { largest = value }
      }
    }
    let measured = rainRate.count - missing
    missingShare = rainRate.count > 0 ? Double(missing) / Double(rainRate.count) : 0
    wetShare = measured > 0 ? Double(wet) / Double(measured) : nil
    self.largest = measured > 0 ? Double(largest) : nil
  }
}
