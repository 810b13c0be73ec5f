import ConvLSTM
import Tensor

/// Tells whether training runs away although every number is still finite.
///
/// The logistic function at the end hides a learning rate that is far too high: weights grow until every pixel is 0 or 1
/// for certain, the loss stays where it is, and no gradient is left that could lead back.
struct TrainingHealth: Sendable, Equatable, Codable {
  /// Updates in a row that had no gradient to speak of.
  private(set) var saturatedUpdates = 0
  /// The loss of the first update, which is that of a network that knows nothing.
  private var firstLoss: Double?
  /// The moving average of the losses.
  private(set) var smoothedLoss = 0.0
  /// That of the losses of saying the same everywhere.
  private(set) var smoothedClueless = 0.0
  /// How many are in them.
  private var count = 0

  /// What an update leaves of an average.
  private static let decay = 0.98
  /// So many updates without a gradient end training: fewer may be what momentum still leads out of.
  private static let mostSaturated = 50
  /// A gradient is none when its norm is less than this share of the loss. That of a network that learns is about the loss
  /// itself, also where all is dry and the loss nearly zero.
  private static let leastGradient = 1e-10
  /// A network is astray whose loss is so many times that of the first update, which may have been an easy batch, and so
  /// many times that of saying the same everywhere.
  private static let (mostOfFirst, mostOfClueless) = (10.0, 1.2)
  /// So many updates are given to find back.
  private static let leastCount = 20

  /// Adds an update.
  mutating func add(loss: Double, clueless: Double, gradientNorm: Double) {
    saturatedUpdates = gradientNorm <= Self.leastGradient * loss && loss > 0 ? saturatedUpdates + 1 : 0
    firstLoss = firstLoss ?? loss
    count += 1
    // Early on plain means: averages that began at zero would take long to get there.
    let share = max(1 - Self.decay, 1 / Double(count))
    smoothedLoss += (loss - smoothedLoss) * share
    smoothedClueless += (clueless - smoothedClueless) * share
  }

  /// Losses of saying a quarter or three quarters of the scale everywhere, over a sample of the measured pixels: their
  /// sums, and the number of pixels. All three can be added up.
  ///
  /// - Parameter first: the place of the first pixel in the batch that this is a part of.
  static func cluelessSums(_ loss: PixelLoss, target: Tensor, first: Int = 0) -> [Double] {
    target.withUnsafeBufferPointer { values in
      var (low, high, count) = (0.0, 0.0, 0.0)
      for index in stride(from: (16 - first % 16) % 16, to: values.count, by: 16) where !values[index].isNaN {
        low += loss.value(prediction: 0.25, target: values[index])
        high += loss.value(prediction: 0.75, target: values[index])
        count += 1
      }
      return [low, high, count]
    }
  }

  /// The mean of the worse of both; `nil` where none of these pixels is measured.
  static func clueless(_ sums: some Collection<Double>) -> Double? {
    let sums = Array(sums)
    return sums[2] > 0 ? max(sums[0], sums[1]) / sums[2] : nil
  }

  private var isFarOff: Bool {
    smoothedLoss > Self.mostOfFirst * (firstLoss ?? .infinity) && smoothedLoss > Self.mostOfClueless * smoothedClueless
  }

  /// Whether the present weights are none that anybody wants.
  var isAstray: Bool { saturatedUpdates > 0 || isFarOff }

  /// Why training has diverged; `nil` as long as it has not.
  var failure: String? {
    if saturatedUpdates >= Self.mostSaturated {
      return "the network is saturated, and no weight has had any influence on the loss for \(saturatedUpdates) steps"
    }
    if isFarOff && count >= Self.leastCount {
      return
        "the loss is \(Self.text(smoothedLoss)), far above the \(Self.text(firstLoss ?? 0)) of the untrained network"
    }
    return nil
  }

  private static func text(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e4)" }
}
