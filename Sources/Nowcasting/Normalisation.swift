import Foundation
import RadarIO
import Tensor

/// From rain rate to the numbers a network works with, and back. No rain is 0, missing stays NaN.
public struct Normalisation: Sendable, Equatable {
  /// The scale between no rain, 0, and as much as it knows, 1.
  public enum Scale: Sendable, Equatable {
    /// Linear in reflectivity (Shi et al. 2017): p = (10·log₁₀ Z − min) / (max − min) with Z = a·Rᵇ, cut to [0, 1].
    case dbzLinear(min: Double = -10, max: Double = 60)
    /// The logarithm of the rain rate with an offset (Ayzel et al. 2020 add 0.01 mm in five minutes):
    /// p = ln(1 + R / offset) / ln(1 + max / offset), cut to 1; offset and max in mm/h. About linear below the offset, so
    /// that drizzle is no step above none.
    case logRainRate(offset: Double = 0.1, max: Double = 200)
  }

  /// The names of the scales.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// ``Scale/dbzLinear(min:max:)``.
    case dbzLinear = "dbz-linear"
    /// ``Scale/logRainRate(offset:max:)``.
    case logRainRate = "log-rain-rate"
  }

  /// The relation of reflectivity and rain rate: that of the scale, and of the files that hold reflectivity.
  public var relation: ReflectivityRelation
  /// The scale.
  public var scale: Scale

  /// The name of the scale; another one takes that scale's usual limits.
  public var kind: Kind {
    get {
      switch scale {
      case .dbzLinear: .dbzLinear
      case .logRainRate: .logRainRate
      }
    }
    set {
      guard newValue != kind else { return }
      scale = newValue == .dbzLinear ? .dbzLinear() : .logRainRate()
    }
  }

  /// Rates below this, in mm/h, are no rain in a forecast: a network's logistic output never reaches zero, and no radar
  /// composite resolves less.
  public static let dryLimit: Float = 0.05

  /// Normalised values below this are no rain in a forecast either, where a scale begins above ``dryLimit``: without it
  /// no pixel could ever be dry.
  static let dryValue: Float = 0.02

  /// A transformation; by default with the relation of Marshall and Palmer, over −10 to 60 dBZ.
  public init(relation: ReflectivityRelation = ReflectivityRelation(), scale: Scale = .dbzLinear()) {
    self.relation = relation
    self.scale = scale
  }

  /// Rain rates in mm/h as numbers in [0, 1].
  public func normalised(_ rainRate: Tensor) -> Tensor {
    switch scale {
    case .dbzLinear(let least, let most):
      // p is linear in log R: one logarithm and one multiply-add for each pixel.
      let slope = Float(10 * relation.b * log10(2.0) / (most - least))
      let offset = Float((10 * log10(relation.a) - least) / (most - least))
      return mapped(rainRate) { rate in
        guard rate > 0 else { return rate.isNaN ? .nan : 0 }
        return min(max(offset + slope * log2f(rate), 0), 1)
      }
    case .logRainRate(let offset, let most):
      let (inverse, slope) = (Float(1 / offset), Float(1 / log1p(most / offset)))
      return mapped(rainRate) { rate in
        guard rate > 0 else { return rate.isNaN ? .nan : 0 }
        return min(slope * log1pf(rate * inverse), 1)
      }
    }
  }

  /// Numbers in [0, 1] as rain rates in mm/h; what is below ``dryLimit`` becomes zero.
  public func rainRate(_ normalised: Tensor) -> Tensor {
    switch scale {
    case .dbzLinear(let least, let most):
      let slope = Float((most - least) / (10 * relation.b * log10(2.0)))
      let offset = Float((least - 10 * log10(relation.a)) / (10 * relation.b * log10(2.0)))
      return mapped(normalised) { value in
        guard value >= Normalisation.dryValue else { return value.isNaN ? .nan : 0 }
        let rate = exp2f(offset + slope * min(value, 1))
        return rate < Normalisation.dryLimit ? 0 : rate
      }
    case .logRainRate(let offset, let most):
      let (factor, slope) = (Float(offset), Float(log1p(most / offset)))
      return mapped(normalised) { value in
        guard value > 0 else { return value.isNaN ? .nan : 0 }
        let rate = factor * expm1f(slope * min(value, 1))
        return rate < Normalisation.dryLimit ? 0 : rate
      }
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

  /// For people.
  public var text: String {
    let text = "\(kind.rawValue), Z = \(relation.a)·R^\(relation.b), "
    switch scale {
    case .dbzLinear(let least, let most): return text + "\(least) to \(most) dBZ"
    case .logRainRate(let offset, let most): return text + "offset \(offset) mm/h, up to \(most) mm/h"
    }
  }

  /// Whether the numbers make a scale.
  var isUsable: Bool {
    guard [relation.a, relation.b].allSatisfy({ $0.isFinite && $0 > 0 }) else { return false }
    switch scale {
    case .dbzLinear(let least, let most): return least.isFinite && most.isFinite && least < most
    case .logRainRate(let offset, let most): return offset.isFinite && most.isFinite && offset > 0 && offset < most
    }
  }

  /// Checks what a model file says.
  func validate(path: String?) throws {
    guard isUsable else {
      throw NowcastError(.unusable, "the model's normalisation makes no sense; the file is damaged.", path: path)
    }
  }
}

/// As in the model file: the kind, the relation, and the numbers of that kind's scale.
extension Normalisation: Codable {
  private enum CodingKeys: String, CodingKey {
    case kind
    case zrA = "zr_a"
    case zrB = "zr_b"
    case minDBZ = "min_dbz"
    case maxDBZ = "max_dbz"
    case offset = "log_offset"
    case maxRainRate = "max_rain_rate"
  }

  /// Reads a description; `NowcastError` `unusable` for a kind that is not known.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double { try values.decode(Double.self, forKey: key) }
    let kind = try values.decode(String.self, forKey: .kind)
    switch Kind(rawValue: kind) {
    case .dbzLinear: scale = .dbzLinear(min: try number(.minDBZ), max: try number(.maxDBZ))
    case .logRainRate: scale = .logRainRate(offset: try number(.offset), max: try number(.maxRainRate))
    case nil:
      throw NowcastError(
        .unusable, "the model's normalisation is '\(kind)', which this version does not know; update nowcast.")
    }
    relation = ReflectivityRelation(a: try number(.zrA), b: try number(.zrB))
  }

  /// Writes the description.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(kind, forKey: .kind)
    try values.encode(relation.a, forKey: .zrA)
    try values.encode(relation.b, forKey: .zrB)
    switch scale {
    case .dbzLinear(let least, let most):
      try values.encode(least, forKey: .minDBZ)
      try values.encode(most, forKey: .maxDBZ)
    case .logRainRate(let offset, let most):
      try values.encode(offset, forKey: .offset)
      try values.encode(most, forKey: .maxRainRate)
    }
  }
}
