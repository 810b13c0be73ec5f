/// What the numbers of a variable mean, and how they become rain rate.
enum RainQuantity: Sendable, Equatable {
  /// A rate: times `factor` it is mm/h.
  case rate(factor: Double)
  /// An amount over an interval: times `factor` it is mm.
  case amount(factor: Double)
  /// Ten times the decimal logarithm of a rate in mm/h (dBR).
  case logarithmicRate
  /// Reflectivity: `slope · value + offset` is dBZ.
  case reflectivity(slope: Double, offset: Double)
  /// Reflectivity factor, not its logarithm: times `factor` it is mm⁶ m⁻³.
  case linearReflectivity(factor: Double)

  /// Reads units; `nil` when UDUNITS understands them but they are none of rain.
  ///
  /// A mass of water over an area is bridged to its depth by a density of 1000 kg m⁻³: 1 kg m⁻² is 1 mm.
  init?(units: String, standardName: String?, system: UnitSystem) {
    let spelling = UnitSpelling(units)
    let literal = RainQuantity(spelling, standardName: standardName, system: system)
    if let literal, literal.isOfRain {
      self = literal
      return
    }
    // Other readings are for what makes no sense as it stands.
    guard literal != nil || !system.understands(spelling.text),
      let other = UnitSpelling.otherReadings(of: units).lazy
        .compactMap({ RainQuantity($0, standardName: standardName, system: system) }).first(where: \.isOfRain)
    else { return nil }
    self = other
  }

  /// Whether rain is ever counted in units as large as these: a `Mm` is a millimetre with a slip, not a thousand kilometres.
  private var isOfRain: Bool {
    switch self {
    case .rate(let factor): factor <= 1e7
    case .amount(let factor): factor <= 1e4
    default: true
    }
  }

  private init?(_ spelling: UnitSpelling, standardName: String?, system: UnitSystem) {
    func factor(_ targets: String...) -> Double? {
      for target in targets {
        if let conversion = system.conversion(from: spelling.text, to: target), conversion.isLinear,
          conversion.offset == 0
        {
          return conversion.slope
        }
      }
      return nil
    }
    if spelling.isLogarithmOfRate {
      self = .logarithmicRate
    } else if spelling.interval == nil, let factor = factor("mm h-1", "kg m-2 h-1") {
      self = .rate(factor: factor)
    } else if let factor = factor("mm", "kg m-2") {
      self = .amount(factor: factor)
    } else if spelling.interval == nil, let conversion = system.conversion(from: spelling.text, to: "dBZ") {
      // A volume converts to dBZ too, as mm⁶ m⁻³ is one: only a logarithm does so in a straight line.
      if conversion.isLinear {
        self = .reflectivity(slope: conversion.slope, offset: conversion.offset)
      } else if standardName?.contains("reflectivity") == true, let factor = factor("mm6 m-3") {
        self = .linearReflectivity(factor: factor)
      } else {
        return nil
      }
    } else {
      return nil
    }
  }

  /// Whether UDUNITS (or one of the spellings it lacks) knows the units.
  static func understands(_ units: String, system: UnitSystem) -> Bool {
    ([UnitSpelling(units)] + UnitSpelling.otherReadings(of: units)).contains {
      $0.isLogarithmOfRate || system.understands($0.text)
    }
  }

  /// The conversion in words.
  func words(units: String, relation: ReflectivityRelation) -> String {
    switch self {
    case .rate(let factor):
      factor == 1 ? "rain rate in \(units), taken as mm/h" : "rain rate in \(units), times \(factor)"
    case .amount(let factor):
      "amount in \(units)" + (factor == 1 ? "" : ", times \(factor)") + ", divided by the length of its interval"
    case .logarithmicRate:
      "ten times the decimal logarithm of rain rate in mm/h"
    case .reflectivity, .linearReflectivity:
      "reflectivity in \(units), by Z = \(relation.a) R^\(relation.b)"
    }
  }

  /// What a variable with this quantity would mean, in words.
  var meaning: String {
    switch self {
    case .rate, .logarithmicRate: "a rain rate"
    case .amount: "an amount of rain"
    case .reflectivity, .linearReflectivity: "a radar reflectivity"
    }
  }
}
