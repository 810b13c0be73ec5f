import Foundation

/// The relation Z = a·R^b between radar reflectivity Z (mm⁶ m⁻³) and rain rate R (mm/h).
public struct ReflectivityRelation: Sendable, Equatable, Codable {
  /// The factor; 200 after Marshall and Palmer.
  public var a: Double
  /// The exponent; 1.6 after Marshall and Palmer.
  public var b: Double

  /// A relation, by default that of Marshall and Palmer.
  public init(a: Double = 200, b: Double = 1.6) {
    self.a = a
    self.b = b
  }

  /// The rain rate in mm/h of a reflectivity in dBZ. Minus infinity gives zero.
  public func rainRate(dbz: Double) -> Double {
    pow(pow(10, dbz / 10) / a, 1 / b)
  }

  /// The reflectivity in dBZ of a rain rate in mm/h. Zero gives minus infinity.
  public func dbz(rainRate: Double) -> Double {
    10 * log10(a * pow(rainRate, b))
  }
}
