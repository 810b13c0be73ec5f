import Tensor

/// The mean squared error over valid pixels: a target that is NaN counts for nothing, in the loss and in the gradient.
public struct MaskedSquaredError: Sendable {
  /// The sum of squared differences.
  public private(set) var sum = 0.0
  /// The number of valid pixels.
  public private(set) var count = 0

  /// A loss over no pixels.
  public init() {}

  /// The mean; `nil` without a valid pixel.
  public var mean: Double? { count > 0 ? sum / Double(count) : nil }

  /// The number of valid targets.
  public static func validCount(_ target: Tensor) -> Int {
    target.withUnsafeBufferPointer { $0.reduce(into: 0) { count, value in if value == value { count += 1 } } }
  }

  /// Adds the pixels of `prediction` and `target`, tensors of one shape.
  public mutating func add(prediction: Tensor, target: Tensor) {
    precondition(prediction.shape == target.shape, "prediction and target of different shapes")
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in
        for index in p.indices where t[index] == t[index] {
          let difference = Double(p[index]) - Double(t[index])
          sum += difference * difference
          count += 1
        }
      }
    }
  }

  /// The gradient of the mean over `validCount` pixels with respect to `prediction`; zero where the target is missing.
  public static func gradient(prediction: Tensor, target: Tensor, validCount: Int) -> Tensor {
    precondition(prediction.shape == target.shape, "prediction and target of different shapes")
    var result = Tensor(shape: prediction.shape)
    let scale = 2 / Float(max(validCount, 1))
    result.withUnsafeMutableBufferPointer { r in
      prediction.withUnsafeBufferPointer { p in
        target.withUnsafeBufferPointer { t in
          for index in p.indices where t[index] == t[index] { r[index] = scale * (p[index] - t[index]) }
        }
      }
    }
    return result
  }
}
