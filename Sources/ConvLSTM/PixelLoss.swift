#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a pixel's forecast p costs when the truth is t, both in the network's numbers from 0 to 1.
public enum PixelLoss: Sendable, Equatable {
  /// (p − t)².
  case squared
  /// |p − t|.
  case absolute
  /// (p − t)² + |p − t|.
  case squaredPlusAbsolute
  /// −t·ln p − (1 − t)·ln(1 − p) (Shi et al. 2015). Each logarithm is cut at −100, as PyTorch's `binary_cross_entropy`
  /// does it, so that a certain forecast that is wrong costs much and not infinitely much.
  case crossEntropy
  /// w(t)·((p − t)² + |p − t|), which is B-MSE + B-MAE (Shi et al. 2017).
  case balanced(TargetWeights)
  /// (p − t)² ⁄ 2 up to a difference of `delta`, and from there on its tangent, as PyTorch's `huber_loss`.
  case huber(delta: Float)
  /// The forecast has a channel for each of some thresholds, rising, with the probability that the truth reaches it; it costs
  /// the sum of their cross-entropies. In the network's numbers, as the truth.
  case exceedance([Float])

  /// Channels of a forecast for one of the truth.
  public var channels: Int { if case .exceedance(let thresholds) = self { thresholds.count } else { 1 } }

  /// The cost of a pixel in one of the forecast's channels.
  public func value(prediction p: Float, target t: Float, channel: Int = 0) -> Double {
    let difference = Double(p) - Double(t)
    switch self {
    case .squared: return difference * difference
    case .absolute: return difference.magnitude
    case .squaredPlusAbsolute: return difference * difference + difference.magnitude
    case .exceedance(let thresholds):
      // The cross-entropy of a truth that is 0 or 1 has one logarithm.
      return -Swift.max(log(t >= thresholds[channel] ? Double(p) : 1 - Double(p)), -100)
    case .crossEntropy:
      let (p, t) = (Double(p), Double(t))
      return -t * Swift.max(log(p), -100) - (1 - t) * Swift.max(log(1 - p), -100)
    case .balanced(let weights):
      return Double(weights.weight(of: t)) * (difference * difference + difference.magnitude)
    case .huber(let delta):
      let delta = Double(delta)
      let size = difference.magnitude
      return size <= delta ? difference * difference / 2 : delta * (size - delta / 2)
    }
  }

  /// The derivative of the cost: with respect to the number z in front of the logistic function p = σ(z) where
  /// ``isGradientBeforeLogistic``, otherwise with respect to p. Where p = t, that of |p − t| is 0.
  public func slope(prediction p: Float, target t: Float, channel: Int = 0) -> Float {
    let difference = p - t
    func sign() -> Float { difference > 0 ? 1 : difference < 0 ? -1 : 0 }
    switch self {
    case .squared: return 2 * difference
    case .absolute: return sign()
    case .squaredPlusAbsolute: return 2 * difference + sign()
    case .crossEntropy: return difference
    case .exceedance(let thresholds): return p - (t >= thresholds[channel] ? 1 : 0)
    case .balanced(let weights): return weights.weight(of: t) * (2 * difference + sign())
    case .huber(let delta): return difference.magnitude <= delta ? difference : delta * sign()
    }
  }

  /// Whether the gradient is that in front of the logistic function: the cross-entropy's is p − t there, while with respect
  /// to p it would be divided by p·(1 − p), which rounds to zero for a pixel of which the network is certain.
  public var isGradientBeforeLogistic: Bool {
    if case .exceedance = self { true } else { self == .crossEntropy }
  }
}

/// How much pixels count, by the truth: the weight of the last threshold that it reaches, and 1 below all of them.
public struct TargetWeights: Sendable, Equatable {
  /// One step of the weights.
  public struct Step: Sendable, Equatable {
    /// The least value that has the weight, in the network's numbers.
    public let threshold: Float
    /// The weight.
    public let weight: Float

    /// A step.
    public init(threshold: Float, weight: Float) {
      self.threshold = threshold
      self.weight = weight
    }
  }

  /// The steps, thresholds rising.
  public let steps: [Step]

  /// Weights by their steps.
  ///
  /// - Precondition: the thresholds rise.
  public init(_ steps: [Step]) {
    precondition(zip(steps, steps.dropFirst()).allSatisfy { $0.threshold < $1.threshold }, "thresholds must rise")
    self.steps = steps
  }

  /// The weight of a truth.
  public func weight(of target: Float) -> Float {
    var weight: Float = 1
    for step in steps {
      guard target >= step.threshold else { break }
      weight = step.weight
    }
    return weight
  }
}
