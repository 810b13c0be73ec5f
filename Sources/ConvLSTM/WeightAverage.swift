import Tensor

/// The exponential moving average of weights over updates (Polyak and Juditsky 1992): what training jitters about, and
/// often the better model.
public struct WeightAverage: Sendable {
  /// The share of the average that an update leaves: 0.999 looks back over about a thousand updates.
  public let decay: Double
  /// The average, `[count]`; `nil` before the first update, whose weights it begins with.
  public private(set) var values: Tensor?

  /// Begins an average, or goes on with one from its saved values.
  public init(decay: Double, values: Tensor? = nil) {
    self.decay = decay
    self.values = values
  }

  /// Adds the weights after an update.
  public mutating func add(_ parameters: ParameterSet) {
    guard var average = values else {
      values = parameters.values
      return
    }
    values = nil
    let share = Float(1 - decay)
    average.withUnsafeMutableBufferPointer { a in
      parameters.values.withUnsafeBufferPointer { p in
        for i in a.indices { a[i] += share * (p[i] - a[i]) }
      }
    }
    values = average
  }
}
