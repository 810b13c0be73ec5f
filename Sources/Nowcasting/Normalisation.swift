import Foundation
import RadarIO
import Tensor

/// From rain rate to the numbers a network works with, and back: linear in reflectivity (`dbz-linear`, Shi et al. 2017).
///
/// Z = a·Rᵇ, p = (10·log₁₀ Z − min) / (max − min), cut to [0, 1]; no rain is 0. Missing stays NaN.
public struct Normalisation: Sendable, Equatable, Codable {
  /// The kind of the transformation.
  public var kind = "dbz-linear"
  /// The factor a of Z = a·Rᵇ, for R in mm/h.
  public var zrA: Double
  /// The exponent b of Z = a·Rᵇ.
  public var zrB: Double
  /// The reflectivity in dBZ that becomes 0.
  public var minDBZ: Double
  /// The reflectivity in dBZ that becomes 1.
  public var maxDBZ: Double

  enum CodingKeys: String, CodingKey {
    case kind
    case zrA = "zr_a"
    case zrB = "zr_b"
    case minDBZ = "min_dbz"
    case maxDBZ = "max_dbz"
  }

  /// Rates below this, in mm/h, are no rain in a forecast: a network's logistic output never reaches zero, and no radar
  /// composite resolves less.
  public static let dryLimit: Float = 0.05

  /// Normalised values below this are no rain in a forecast either, where the scale begins above ``dryLimit``: without it
  /// no pixel could ever be dry.
  static let dryValue: Float = 0.02

  /// A transformation; by default that of Marshall and Palmer over −10 to 60 dBZ.
  public init(relation: ReflectivityRelation = ReflectivityRelation(), minDBZ: Double = -10, maxDBZ: Double = 60) {
    zrA = relation.a
    zrB = relation.b
    self.minDBZ = minDBZ
    self.maxDBZ = maxDBZ
  }

  /// The relation of reflectivity and rain rate.
  public var relation: ReflectivityRelation { ReflectivityRelation(a: zrA, b: zrB) }

  /// Rain rates in mm/h as numbers in [0, 1].
  public func normalised(_ rainRate: Tensor) -> Tensor {
    // p is linear in log R: one logarithm and one multiply-add for each pixel.
    let slope = Float(10 * zrB * log10(2.0) / (maxDBZ - minDBZ))
    let offset = Float((10 * log10(zrA) - minDBZ) / (maxDBZ - minDBZ))
    return mapped(rainRate) { rate in
      guard rate > 0 else { return rate.isNaN ? .nan : 0 }
      return min(max(offset + slope * log2f(rate), 0), 1)
    }
  }

  /// Numbers in [0, 1] as rain rates in mm/h; what is below ``dryLimit`` becomes zero.
  public func rainRate(_ normalised: Tensor) -> Tensor {
    let slope = Float((maxDBZ - minDBZ) / (10 * zrB * log10(2.0)))
    let offset = Float((minDBZ - 10 * log10(zrA)) / (10 * zrB * log10(2.0)))
    return mapped(normalised) { value in
      guard value >= Normalisation.dryValue else { return value.isNaN ? .nan : 0 }
      let rate = exp2f(offset + slope * min(value, 1))
      return rate < Normalisation.dryLimit ? 0 : rate
    }
  }

  private func mapped(_ tensor: Tensor, _ function: (Float) -> Float) -> Tensor {
    var result = Tensor(uninitialized: tensor.shape)
    result.withUnsafeMutableBufferPointer { target in
      tensor.withUnsafeBufferPointer { source in
        for index in source.indices { target[index] = function(source[index]) }
      }
    }
    return result
  }

  /// Checks what a model file says.
  func validate(path: String?) throws {
    guard kind == "dbz-linear" else {
      throw NowcastError(
        .unusable, "the model's normalisation is '\(kind)', which this version does not know; update nowcast.",
        path: path)
    }
    guard [zrA, zrB, minDBZ, maxDBZ].allSatisfy(\.isFinite), zrA > 0, zrB > 0, maxDBZ > minDBZ else {
      throw NowcastError(.unusable, "the model's normalisation makes no sense; the file is damaged.", path: path)
    }
  }
}
