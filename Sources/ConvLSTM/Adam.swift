import Tensor

/// The optimiser Adam (Kingma and Ba 2015, algorithm 1).
public struct Adam: Sendable {
  /// The learning rate.
  public var learningRate: Float
  /// The decay of the mean gradient.
  public let beta1: Float
  /// The decay of the mean squared gradient.
  public let beta2: Float
  /// What keeps the division away from zero.
  public let epsilon: Float
  /// Updates done.
  public private(set) var step = 0
  /// The decaying mean of the gradients, `[count]`.
  public private(set) var firstMoment: Tensor
  /// The decaying mean of the squared gradients, `[count]`.
  public private(set) var secondMoment: Tensor

  /// Starts an optimisation of `count` parameters.
  public init(
    count: Int, learningRate: Float = 1e-3, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8
  ) {
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    firstMoment = Tensor(shape: [count])
    secondMoment = Tensor(shape: [count])
  }

  /// Goes on with an optimisation from its saved moments.
  public mutating func restore(step: Int, firstMoment: Tensor, secondMoment: Tensor) {
    precondition(firstMoment.shape == self.firstMoment.shape && secondMoment.shape == self.secondMoment.shape)
    self.step = step
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
  }

  /// Moves `parameters` against `gradients`.
  public mutating func update(_ parameters: inout ParameterSet, gradients: ParameterSet) {
    precondition(parameters.layout == gradients.layout && parameters.layout.count == firstMoment.count)
    step += 1
    let (b1, b2, epsilon) = (beta1, beta2, epsilon)
    // The corrections of the moments' start from zero, in double precision: 1 − 0.999ⁿ is small at first.
    let rate = Float(Double(learningRate) / (1 - power(Double(beta1), step)))
    let root = Float((1 - power(Double(beta2), step)).squareRoot())
    parameters.values.withUnsafeMutableBufferPointer { p in
      gradients.values.withUnsafeBufferPointer { g in
        firstMoment.withUnsafeMutableBufferPointer { m in
          secondMoment.withUnsafeMutableBufferPointer { v in
            for i in p.indices {
              m[i] = b1 * m[i] + (1 - b1) * g[i]
              v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i]
              p[i] -= rate * m[i] / (v[i].squareRoot() / root + epsilon)
            }
          }
        }
      }
    }
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= factor }
      factor *= factor
      left >>= 1
    }
    return result
  }
}

extension ParameterSet {
  /// The Euclidean norm of all values together, summed in double precision.
  public var norm: Double {
    values.withUnsafeBufferPointer { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }.squareRoot()
  }

  /// Multiplies all values by `factor`.
  public mutating func scale(by factor: Float) {
    values.withUnsafeMutableBufferPointer { buffer in
      for index in buffer.indices { buffer[index] *= factor }
    }
  }

  /// Shrinks gradients to a norm of at most `limit` (Pascanu et al. 2013) and returns the norm they had.
  @discardableResult
  public mutating func clip(toNorm limit: Double) -> Double {
    let norm = norm
    if norm > limit { scale(by: Float(limit / (norm + 1e-6))) }
    return norm
  }
}
