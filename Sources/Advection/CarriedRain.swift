import ConvKernels
import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension SemiLagrangian {
  /// Rain where it was at the last frame's time, a field for each step after it, carried to where it will be: on a decibel
  /// scale, as ``SpectralPrognosis`` does it, so that cells keep their edges between pixels.
  ///
  /// - Parameters:
  ///   - rainRate: `[steps, h, w]` in mm/h, NaN where missing.
  ///   - motion: in pixels per step, of the same size.
  ///   - pool: the threads that compute.
  /// - Returns: `[steps, h, w]` in mm/h; below 0.1 it is dry.
  public static func extrapolate(
    eachRainRate rainRate: Tensor, along motion: MotionField, pool: WorkerPool
  ) -> Tensor {
    rainRates(ofEach: FlowImages.decibels(rainRate, pool: pool), along: motion, pool: pool)
  }

  /// The same of fields in dB.
  static func rainRates(ofEach decibels: Tensor, along motion: MotionField, pool: WorkerPool) -> Tensor {
    var result = extrapolate(each: decibels, along: motion, pool: pool)
    result.becomeRainRates()
    return result
  }
}

extension Tensor {
  /// From dB to mm/h; what lies below the least rain is dry.
  fileprivate mutating func becomeRainRates() {
    let factor = Float(log2(10.0) / 10)
    withUnsafeMutableBufferPointer { values in
      for index in values.indices where !values[index].isNaN {
        values[index] = values[index] >= FlowImages.dryLimitDecibels ? exp2f(factor * values[index]) : 0
      }
    }
  }
}
