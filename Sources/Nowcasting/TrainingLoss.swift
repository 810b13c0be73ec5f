import ConvLSTM
import Tensor

/// What training minimises: the mean over measured pixels, in the network's numbers.
public enum TrainingLoss: String, Sendable, Codable, CaseIterable {
  /// The squared error.
  case mse
  /// The absolute error.
  case mae
  /// The sum of both.
  case mseAndMAE = "mse-mae"
  /// The cross-entropy (Shi et al. 2015).
  case crossEntropy = "cross-entropy"
  /// B-MSE + B-MAE (Shi et al. 2017): both errors, strong rain weighted more.
  case balanced
  /// Huber's: squared for small errors, absolute for large ones.
  case huber
  /// The cross-entropy of the probabilities that rain reaches ``exceedanceThresholds``: the network has a channel for each.
  case exceedance

  /// The rain rates in mm/h whose probabilities the loss `exceedance` teaches.
  static let exceedanceThresholds: [Float] = [0.1, 0.5, 1, 2, 5, 10, 20, 40]

  /// The weights of the balanced loss (Shi et al. 2017), by the true rain rate in mm/h; below the first it is 1.
  static let balancedWeights: [(rainRate: Float, weight: Float)] = [(2, 2), (5, 5), (10, 10), (30, 30)]

  /// The loss of a pixel in the numbers of `normalisation`.
  ///
  /// - Throws: ``NowcastError`` `usage` when the scale does not tell the rain rates apart that the balanced loss weights.
  func pixelLoss(_ normalisation: Normalisation, huberDelta: Double) throws -> PixelLoss {
    switch self {
    case .mse: return .squared
    case .mae: return .absolute
    case .mseAndMAE: return .squaredPlusAbsolute
    case .crossEntropy: return .crossEntropy
    case .huber: return .huber(delta: Float(huberDelta))
    case .exceedance:
      let rates = Tensor(shape: [Self.exceedanceThresholds.count], Self.exceedanceThresholds)
      let thresholds = normalisation.normalised(rates).elements
      guard thresholds.allSatisfy({ $0 > 0 && $0 < 1 }) else {
        throw NowcastError(
          .usage,
          "--loss exceedance is about rain of 0.1 to 40 mm/h, which must lie inside of the network's scale; take a lower "
            + "--min-dbz or a higher --max-dbz or --max-rain-rate.")
      }
      return .exceedance(thresholds)
    case .balanced:
      let rates = Tensor(shape: [Self.balancedWeights.count], Self.balancedWeights.map(\.rainRate))
      // By the same function that makes the targets: a target on a threshold reaches it to the last bit.
      let thresholds = normalisation.normalised(rates).elements
      guard thresholds.allSatisfy({ $0 > 0 && $0 < 1 }) else {
        throw NowcastError(
          .usage,
          "--loss balanced weighs rain of 2 to 30 mm/h, which must lie inside of the network's scale; take a lower "
            + "--min-dbz or a higher --max-dbz or --max-rain-rate.")
      }
      return .balanced(
        TargetWeights(
          zip(thresholds, Self.balancedWeights).map { TargetWeights.Step(threshold: $0, weight: $1.weight) }))
    }
  }

  /// Whether it says anything about persistence. Cross-entropies do not: persistence is certain where it is dry, and a
  /// certain forecast that is wrong costs infinitely much, or whatever the logarithm is cut at.
  var suitsPersistence: Bool { self != .crossEntropy && self != .exceedance }

  /// Whether the network's forecast is a rain rate, in its numbers.
  var forecastsRates: Bool { self != .exceedance }
}
