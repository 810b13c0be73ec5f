import ConvKernels
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
  /// target, `[…, channels, h, w]` beside `[…, 1, h, w]`, costs the sum over them. The sum is the same for any number of
  /// threads.
  public mutating func add(prediction: Tensor, target: Tensor, pool: WorkerPool = .standard) {
    let images = Images(loss, prediction, target)
    var sums = [Double](repeating: 0, count: images.count)
    sums.withUnsafeMutableBufferPointer { sums in
      // Each task writes a sum of its own.
      nonisolated(unsafe) let sums = sums
      pool.run(tasks: images.count) { image in
        var sum = 0.0
        images.forEachValid(image) { p, t, channel, _ in
          sum += loss.value(prediction: p, target: t, channel: channel)
        }
        sums[image] = sum
      }
    }
    sum = sums.reduce(sum, +)
    count += Self.validCount(target)
  }

  /// The gradient of the mean over `validCount` pixels; zero where the target is missing. With respect to what,
  /// ``PixelLoss/isGradientBeforeLogistic`` says.
  public static func gradient(
    _ loss: PixelLoss, prediction: Tensor, target: Tensor, validCount: Int, pool: WorkerPool = .standard
  ) -> Tensor {
    let images = Images(loss, prediction, target)
    var result = Tensor(shape: prediction.shape)
    let scale = 1 / Float(max(validCount, 1))
    result.withUnsafeMutableBufferPointer { result in
      // Each task writes an image of its own.
      nonisolated(unsafe) let result = result
      pool.run(tasks: images.count) { image in
        images.forEachValid(image) { p, t, channel, place in
          result[place] = scale * loss.slope(prediction: p, target: t, channel: channel)
        }
      }
    }
    return result
  }
}

/// A prediction's images, one for each channel, and the truth of each.
private struct Images {
  /// The number of images.
  let count: Int
  private let channels: Int
  private let pixels: Int
  private let prediction: Tensor
  private let target: Tensor

  init(_ loss: PixelLoss, _ prediction: Tensor, _ target: Tensor) {
    channels = loss.channels
    precondition(
      channels == 1 ? prediction.shape == target.shape : prediction.count == channels * target.count,
      "prediction and target of different shapes")
    // Where there are no images, a share of the numbers takes the place of one.
    pixels = target.rank >= 2 ? target.shape.suffix(2).reduce(1, *) : target.count
    count = pixels > 0 ? channels * (target.count / pixels) : 0
    (self.prediction, self.target) = (prediction, target)
  }

  /// Calls `body` with each value of an image whose target is valid, the target, the channel and the place.
  @inline(__always)
  func forEachValid(_ image: Int, _ body: (Float, Float, Int, Int) -> Void) {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in
        let (frame, channel) = image.quotientAndRemainder(dividingBy: channels)
        let (place, truthPlace) = (image * pixels, frame * pixels)
        for pixel in 0..<pixels {
          let truth = t[truthPlace + pixel]
          if truth == truth { body(p[place + pixel], truth, channel, place + pixel) }
        }
      }
    }
  }
}
