import Tensor

/// The pixels that count: those with a number in the observation and in every forecast that is compared with it.
///
/// Forecasts are only comparable on the same pixels, and "not measured" is not "no rain". So the mask is formed first,
/// from all methods together, and thresholds are applied afterwards and only where the mask is set.
public struct PixelMask: Sendable {
  /// 1 where the pixel counts, 0 elsewhere, in the order of the field.
  public let flags: [UInt8]
  /// The number of pixels that count.
  public let validCount: Int

  /// Forms the mask of an observation and the forecasts of all compared methods for the same time.
  ///
  /// NaN and the infinities are missing.
  ///
  /// - Precondition: all fields have the same number of pixels.
  public init(observation: UnsafeBufferPointer<Float>, forecasts: [UnsafeBufferPointer<Float>]) {
    let pixels = observation.count
    flags = Array(unsafeUninitializedCapacity: pixels) { flags, count in
      for i in 0..<pixels { flags[i] = observation[i].magnitude < .infinity ? 1 : 0 }
      for forecast in forecasts {
        precondition(forecast.count == pixels, "a forecast of \(forecast.count) pixels for \(pixels) observed ones")
        for i in 0..<pixels { flags[i] &= forecast[i].magnitude < .infinity ? 1 : 0 }
      }
      count = pixels
    }
    var count = 0
    for flag in flags { count &+= Int(flag) }
    validCount = count
  }

  /// Forms the mask of an observation and all compared forecasts, tensors of the same shape.
  ///
  /// - Precondition: all shapes are equal.
  public init(observation: Tensor, forecasts: [Tensor]) {
    precondition(
      forecasts.allSatisfy { $0.shape == observation.shape }, "fields of different shapes are not comparable")
    // Nested calls rather than a loop, so that every pointer is used only inside of its closure.
    func collect(_ pointers: [UnsafeBufferPointer<Float>]) -> PixelMask {
      guard pointers.count <= forecasts.count else {
        return PixelMask(observation: pointers[0], forecasts: Array(pointers.dropFirst()))
      }
      let next = pointers.isEmpty ? observation : forecasts[pointers.count - 1]
      return next.withUnsafeBufferPointer { collect(pointers + [$0]) }
    }
    self = collect([])
  }
}
