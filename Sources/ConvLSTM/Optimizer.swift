import Tensor

/// Moves parameters against gradients, by one of four methods. The formulas are those of PyTorch's optimisers.
public struct Optimizer: Sendable {
  /// The method and its constants.
  public enum Method: Sendable, Equatable {
    /// Adam (Kingma and Ba 2015, algorithm 1).
    case adam(beta1: Float = 0.9, beta2: Float = 0.999)
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019): before each update weights shrink by
    /// rate · `weightDecay`.
    case adamW(beta1: Float = 0.9, beta2: Float = 0.999, weightDecay: Float = 0.01)
    /// RMSProp (Tieleman and Hinton 2012): the gradient over the root of the decaying mean of its square.
    case rmsProp(decay: Float = 0.9)
    /// Gradient descent; the step is the gradient plus `momentum` times the last step.
    case sgd(momentum: Float = 0.9)

    /// The numbers that are kept for each parameter, by name.
    public var stateNames: [String] {
      switch self {
      case .adam, .adamW: ["first_moment", "second_moment"]
      case .rmsProp: ["second_moment"]
      case .sgd: ["momentum"]
      }
    }
  }

  /// What keeps divisions away from zero.
  public static let epsilon: Float = 1e-8

  /// The method.
  public let method: Method
  /// Updates done.
  public private(set) var step = 0
  /// What is kept for each parameter, `[count]` each, in the order of ``Method/stateNames``.
  public private(set) var state: [Tensor]

  /// Starts an optimisation of `count` parameters.
  public init(_ method: Method, count: Int) {
    self.method = method
    state = method.stateNames.map { _ in Tensor(shape: [count]) }
  }

  /// Goes on with an optimisation from its saved state.
  ///
  /// - Precondition: the tensors are those of the method.
  public init(_ method: Method, step: Int, state: [Tensor]) {
    precondition(state.count == method.stateNames.count, "the state of another method")
    self.method = method
    self.step = step
    self.state = state
  }

  /// Moves `parameters` against `gradients`.
  public mutating func update(_ parameters: inout ParameterSet, gradients: ParameterSet, learningRate: Double) {
    precondition(parameters.layout == gradients.layout && parameters.values.shape == state[0].shape)
    step += 1
    switch method {
    case .adam(let beta1, let beta2):
      updateAdam(&parameters, gradients, learningRate, beta1, beta2)
    case .adamW(let beta1, let beta2, let weightDecay):
      parameters.scale(by: Float(1 - learningRate * Double(weightDecay)))
      updateAdam(&parameters, gradients, learningRate, beta1, beta2)
    case .rmsProp(let decay):
      let rate = Float(learningRate)
      forEach(&parameters, gradients) { p, g, v in
        v = decay * v + (1 - decay) * g * g
        p -= rate * g / (v.squareRoot() + Self.epsilon)
      }
    case .sgd(let momentum):
      let rate = Float(learningRate)
      forEach(&parameters, gradients) { p, g, m in
        m = momentum * m + g
        p -= rate * m
      }
    }
  }

  private mutating func updateAdam(
    _ parameters: inout ParameterSet, _ gradients: ParameterSet, _ learningRate: Double, _ b1: Float, _ b2: Float
  ) {
    // The corrections of the moments' start from zero, in double precision: 1 − 0.999ⁿ is small at first.
    let rate = Float(Double(Float(learningRate)) / (1 - power(Double(b1), step)))
    let root = Float((1 - power(Double(b2), step)).squareRoot())
    let epsilon = Self.epsilon
    // Taken out, so that both moments can be changed at once and in place.
    var moments = state.removeLast()
    moments.withUnsafeMutableBufferPointer { v in
      var i = 0
      forEach(&parameters, gradients) { p, g, m in
        m = b1 * m + (1 - b1) * g
        v[i] = b2 * v[i] + (1 - b2) * g * g
        p -= rate * m / (v[i].squareRoot() / root + epsilon)
        i += 1
      }
    }
    state.append(moments)
  }

  /// Calls `body` with each parameter, its gradient and its number of the first state.
  @inline(__always)
  private mutating func forEach(
    _ parameters: inout ParameterSet, _ gradients: ParameterSet, _ body: (inout Float, Float, inout Float) -> Void
  ) {
    parameters.values.withUnsafeMutableBufferPointer { p in
      gradients.values.withUnsafeBufferPointer { g in
        state[0].withUnsafeMutableBufferPointer { s in
          for i in p.indices { body(&p[i], g[i], &s[i]) }
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
