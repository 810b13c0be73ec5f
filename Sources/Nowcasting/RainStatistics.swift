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
      // Sums of their own, without branches: members of the structure would be stored for each pixel.
      var (missing, wet, most) = (Int32(0), Int32(0), -Float.infinity)
      for value in values {
        missing += value.isNaN ? 1 : 0
        wet += value >= 0.1 ? 1 : 0
        most = value > most ? value : most
      }
      self.missing += Int(missing)
      self.wet += Int(wet)
      self.most = Swift.max(self.most, most)
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
