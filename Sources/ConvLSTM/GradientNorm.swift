import Tensor

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
