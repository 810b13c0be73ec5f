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

  /// Adds the pixels of `prediction` and `target`, tensors of one shape; a prediction of several channels for one of the
  /// target, `[…, channels, h, w]` beside `[…, 1, h, w]`, costs the sum over them.
  public mutating func add(prediction: Tensor, target: Tensor) {
    var sum = self.sum
    Self.forEachValid(loss, prediction, target) { p, t, channel, _ in
      sum += loss.value(prediction: p, target: t, channel: channel)
    }
    self.sum = sum
    count += Self.validCount(target)
  }

  /// Calls `body` with each value of a prediction whose target is valid, the target, the channel and the place.
  private static func forEachValid(
    _ loss: PixelLoss, _ prediction: Tensor, _ target: Tensor, _ body: (Float, Float, Int, Int) -> Void
  ) {
    let channels = loss.channels
    precondition(
      channels == 1 ? prediction.shape == target.shape : prediction.count == channels * target.count,
      "prediction and target of different shapes")
    let pixels = channels == 1 ? target.count : target.shape.suffix(2).reduce(1, *)
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in
        for frame in 0..<(pixels > 0 ? target.count / pixels : 0) {
          for channel in 0..<channels {
            let place = (frame * channels + channel) * pixels
            for pixel in 0..<pixels {
              let truth = t[frame * pixels + pixel]
              if truth == truth { body(p[place + pixel], truth, channel, place + pixel) }
            }
          }
        }
      }
    }
  }

  /// The gradient of the mean over `validCount` pixels; zero where the target is missing. With respect to what,
  /// ``PixelLoss/isGradientBeforeLogistic`` says.
  public static func gradient(
    _ loss: PixelLoss, prediction: Tensor, target: Tensor, validCount: Int
  ) -> Tensor {
    var result = Tensor(shape: prediction.shape)
    let scale = 1 / Float(max(validCount, 1))
    result.withUnsafeMutableBufferPointer { r in
      forEachValid(loss, prediction, target) { p, t, channel, place in
        r[place] = scale * loss.slope(prediction: p, target: t, channel: channel)
      }
    }
    return result
  }
}
