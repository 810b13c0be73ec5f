import Tensor

/// Which crops a training run takes.
public enum SamplingKind: String, Sendable, Codable, CaseIterable {
  /// Every window once before any comes again, the crop anywhere.
  case uniform
  /// Wet crops rather than dry ones.
  case wet
}

/// How crops are chosen by rain, so that dry ones do not dominate: drawn anywhere, and taken with a chance that grows with
/// the share of wet pixels in their lead frames. An importance sampling, as Ravuri et al. 2021 do it with another measure.
struct Wetness: Sendable, Equatable {
  /// The rain rate in mm/h from which a pixel is wet; the lowest threshold of Shi et al. 2015 and 2017.
  static let rainRate: Float = 0.5
  /// The share of wet pixels from which a crop is always taken.
  static let enough = 0.1
  /// The chance of a dry crop: a network must see dry weather, too.
  static let dryChance = 0.1
  /// Crops that are drawn before the last one is taken as it is.
  static let draws = 20

  /// Normalised values from here on are wet.
  let threshold: Float

  /// - Parameter normalisation: the scale of the frames. Where it begins above ``rainRate``, all that is above zero is wet.
  init(_ normalisation: Normalisation) {
    let value = normalisation.normalised(Tensor(shape: [1], [Self.rainRate]))[0]
    threshold = max(value, .leastNormalMagnitude)
  }

  /// The chance of a crop to be taken.
  func chance(wetShare: Double) -> Double {
    Self.dryChance + (1 - Self.dryChance) * min(wetShare / Self.enough, 1)
  }
}
