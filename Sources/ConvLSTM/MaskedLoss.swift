import Tensor

/// The mean of a pixel's loss over valid pixels: a target that is NaN counts for nothing, in the loss and in the gradient.
public struct MaskedLoss: Sendable {
  /// What a pixel costs.
  public let loss: PixelLoss
  /// The sum over the pixels so far.
  public private(set) var sum = 0.0
  /// The number of valid pixels.
  public private(set) var count = 0

  /// A loss over no pixels yet.
  public init(_ loss: PixelLoss) { self.loss = loss }

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
          sum += loss.value(prediction: p[index], target: t[index])
          count += 1
        }
      }
    }
  }

  /// The gradient of the mean over `validCount` pixels; zero where the target is missing. With respect to what,
  /// ``PixelLoss/isGradientBeforeLogistic`` says.
  public static func gradient(
    _ loss: PixelLoss, prediction: Tensor, target: Tensor, validCount: Int
  ) -> Tensor {
    precondition(prediction.shape == target.shape, "prediction and target of different shapes")
    var result = Tensor(shape: prediction.shape)
    let scale = 1 / Float(max(validCount, 1))
    result.withUnsafeMutableBufferPointer { r in
      prediction.withUnsafeBufferPointer { p in
        target.withUnsafeBufferPointer { t in
          for index in p.indices where t[index] == t[index] {
            r[index] = scale * loss.slope(prediction: p[index], target: t[index])
          }
        }
      }
    }
    return result
  }
}
