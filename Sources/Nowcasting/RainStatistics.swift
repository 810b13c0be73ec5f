import Tensor

/// A few numbers that tell what a set of frames holds.
public struct RainStatistics: Sendable {
  private var pixels = 0
  private var missing = 0
  private var wet = 0
  /// Pixels with at least 0.1 mm/h.
  var wetPixels: Int { wet }
  private var most = -Float.infinity

  /// Statistics of nothing yet.
  public init() {}

  /// Adds rain rates in mm/h, NaN where missing.
  public mutating func add(_ rainRate: Tensor) {
    rainRate.withUnsafeBufferPointer { values in
      for value in values {
        if value.isNaN { missing += 1 }
        if value >= 0.1 { wet += 1 }
        if value > most { most = value }
      }
    }
    pixels += rainRate.count
  }

  /// The share of missing pixels; `nil` without any pixel.
  public var missingShare: Double? { pixels > 0 ? Double(missing) / Double(pixels) : nil }
  /// The share of measured pixels with at least 0.1 mm/h; `nil` where none was measured.
  public var wetShare: Double? { pixels > missing ? Double(wet) / Double(pixels - missing) : nil }
  /// The largest rain rate in mm/h; `nil` where none was measured.
  public var largest: Double? { pixels > missing ? Double(most) : nil }
}
