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

  /// Whether it says anything about persistence. Cross-entropy does not: persistence is certain where it is dry, and a
  /// certain forecast that is wrong costs infinitely much, or whatever the logarithm is cut at.
  var suitsPersistence: Bool { self != .crossEntropy }
}
