import Tensor

/// How likely the rain rate is to reach some thresholds, beside a forecast: `probability_of_rainfall_rate_above_threshold`, as
/// IMPROVER names it.
public struct ExceedanceField: Sendable {
  /// The thresholds in mm/h, rising.
  public let thresholds: [Float]
  /// The probabilities, `[t, thresholds, h, w]`, NaN where missing.
  public let probabilities: Tensor

  /// - Precondition: there is a probability for each threshold.
  public init(thresholds: [Float], probabilities: Tensor) {
    precondition(
      probabilities.rank == 4 && probabilities.shape[1] == thresholds.count && !thresholds.isEmpty,
      "\(thresholds.count) thresholds for probabilities of shape \(probabilities.shape)")
    (self.thresholds, self.probabilities) = (thresholds, probabilities)
  }

  static let name = "probability_of_rainfall_rate_above_threshold"
  static let thresholdName = "threshold"
  /// Probabilities are kept in ten-thousandths: finer than any is known.
  private static let scale = 1e-4
  private static let fill: Int16 = -1

  /// Defines dimension, coordinate and variable.
  func define(
    in encoder: CFEncoder, time: Int32, y: Int32, x: Int32, chunks: [Int], level: Int32, georeference: [CFAttribute]
  ) throws -> (threshold: Int32, probability: Int32) {
    let dimension = try encoder.dimension(Self.thresholdName, thresholds.count)
    let threshold = try encoder.variable(
      Self.thresholdName, .double, [dimension],
      [
        CFAttribute("standard_name", "rainfall_rate"), CFAttribute("long_name", "threshold of the rain rate"),
        CFAttribute("units", "mm h-1"),
      ])
    let probability = try encoder.variable(
      Self.name, .short, [time, dimension, y, x],
      [
        CFAttribute(name: "_FillValue", type: .short, bytes: withUnsafeBytes(of: Self.fill) { Array($0) }),
        CFAttribute("long_name", "probability that the rain rate reaches the threshold"), CFAttribute("units", "1"),
        CFAttribute(name: "scale_factor", type: .double, bytes: withUnsafeBytes(of: Self.scale) { Array($0) }),
      ] + georeference)
    try encoder.deflate(probability, chunks: [1, 1] + chunks, level: level)
    return (threshold, probability)
  }

  /// Writes the values.
  func put(in variables: (threshold: Int32, probability: Int32), _ encoder: CFEncoder) throws {
    // By way of their text: 0.1 is to be 0.1.
    let limits = thresholds.map { Double(String($0)) ?? Double($0) }
    try limits.withUnsafeBytes { try encoder.put($0, in: variables.threshold) }
    let (height, width) = (probabilities.shape[2], probabilities.shape[3])
    var plane = [Int16](repeating: 0, count: height * width)
    for step in 0..<probabilities.shape[0] {
      for index in thresholds.indices {
        let first = (step * thresholds.count + index) * plane.count
        probabilities.withUnsafeBufferPointer { values in
          for pixel in plane.indices {
            let value = values[first + pixel]
            plane[pixel] = value.isNaN ? Self.fill : Int16((Double(min(max(value, 0), 1)) / Self.scale).rounded())
          }
        }
        try plane.withUnsafeBytes {
          try encoder.put(
            $0, in: variables.probability, starts: [step, index, 0, 0], counts: [1, 1, height, width])
        }
      }
    }
  }
}
