import ConvKernels
import Fourier
import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// S-PROG, the spectral prognosis (Seed 2003, "A dynamic and spatial scaling approach to advection forecasting", J. Appl.
/// Meteorol. 42, 381–388): rain is carried along its motion, and what is too small to live that long fades on the way.
///
/// The last three frames, moved to the place of the last one, are split into levels of scale on a decibel scale. How a level
/// resembles itself one and two steps ago makes an autoregressive process of second order for it, whose forecast tends to
/// the mean. The sum of the levels gets the distribution of the last frame back, and is carried along the motion. Filters,
/// equations and distribution are those of pysteps' `sprog`; here all that is linear is done with the transforms of the last
/// two frames, so that each lead time takes half a transform.
public struct SpectralPrognosis: Sendable {
  /// The frames that it takes, no more and no fewer.
  public static let frames = 3

  /// S-PROG has no numbers to choose.
  public init() {}

  /// The rain after each of a number of steps.
  ///
  /// What comes from outside of the field, or from where the last frame is missing, is missing. What is missing in the
  /// frames before counts as the last frame has it. The result is the same for any number of threads.
  ///
  /// - Parameters:
  ///   - rainRate: three frames that follow each other, `[3, h, w]` in mm/h, NaN where missing.
  ///   - motion: in pixels per step, of the same size.
  ///   - steps: how many.
  ///   - pool: the threads that compute.
  /// - Returns: `[steps, h, w]` in mm/h.
  /// - Precondition: the sizes agree.
  public func forecast(
    _ rainRate: Tensor, along motion: MotionField, steps: Int, pool: WorkerPool
  ) -> Tensor {
    let (frames, last) = lagrangian(rainRate, along: motion, pool: pool)
    var fields = prognosis(frames, steps: steps, pool: pool)
    fields.removeMissing(of: last)
    return SemiLagrangian.rainRates(ofEach: fields, along: motion, pool: pool)
  }

  /// What the process expects of the field where the last frame has it, in dB: smoother and smoother, and not yet with the
  /// distribution of rain. What is dry is −15 dB, and so is what is missing.
  ///
  /// - Parameters:
  ///   - rainRate: three frames that follow each other, `[3, h, w]` in mm/h, NaN where missing.
  ///   - motion: in pixels per step, of the same size.
  ///   - steps: how many.
  ///   - pool: the threads that compute.
  /// - Returns: `[steps, h, w]` in dB, for each step in the coordinates of the last frame.
  /// - Precondition: the sizes agree.
  public func expectation(
    _ rainRate: Tensor, along motion: MotionField, steps: Int, pool: WorkerPool
  ) -> Tensor {
    prognosis(lagrangian(rainRate, along: motion, pool: pool).frames, steps: steps, isMatched: false, pool: pool)
  }

  /// Three frames in dB, moved to the place of the last one and filled with its values where they are missing, and the last
  /// one as it is.
  private func lagrangian(
    _ rainRate: Tensor, along motion: MotionField, pool: WorkerPool
  ) -> (frames: [Tensor], last: Tensor) {
    precondition(
      rainRate.shape == [Self.frames, motion.height, motion.width],
      "frames of shape \(rainRate.shape), a motion of \(motion.height) × \(motion.width)")
    let decibels = FlowImages.decibels(rainRate, pool: pool)
    let last = decibels.part(2)
    let frames = [
      filled(SemiLagrangian.extrapolate(decibels.part(0), along: motion, steps: 2, pool: pool).part(1), from: last),
      filled(SemiLagrangian.extrapolate(decibels.part(1), along: motion, steps: 1, pool: pool).part(0), from: last),
      filled(last, from: last),
    ]
    return (frames, last)
  }

  /// The field where the last frame has it after each of a number of steps, `[steps, h, w]` in dB.
  ///
  /// - Parameters:
  ///   - frames: three of `[h, w]` in dB without missing values, moved to the place of the last one.
  ///   - isMatched: whether it gets the distribution of the last one.
  func prognosis(_ frames: [Tensor], steps: Int, isMatched: Bool = true, pool: WorkerPool) -> Tensor {
    let (height, width) = (frames[0].shape[0], frames[0].shape[1])
    let pixels = height * width
    var result = Tensor(uninitialized: [steps, height, width])
    let matching = frames[2].withUnsafeBufferPointer {
      RankMatching(of: $0, wetFrom: FlowImages.dryLimitDecibels, dry: FlowImages.dryDecibels)
    }
    guard !matching.isDry else {
      result.withUnsafeMutableBufferPointer { $0.update(repeating: FlowImages.dryDecibels) }
      return result
    }
    let filters = CascadeFilters(height: height, width: width)
    let transform = PlaneTransform(height: height, width: width)
    let cascade = Cascade(frames, filters, transform)
    let gains = cascade.gains(steps: steps)
    result.withUnsafeMutableBufferPointer { result in
      // Each task writes fields of its own: two lead times are the real and the imaginary part of one transform.
      nonisolated(unsafe) let result = result
      pool.run(tasks: (steps + 1) / 2) { task in
        let first = 2 * task
        let second = min(first + 1, steps - 1)
        let plane = ComplexPlane(height: height, width: width)
        cascade.forecast(gains[first], gains[second], into: plane)
        // The inverse transform is the conjugate of the transform of the conjugate.
        transform.transform(plane)
        let scale = 1 / Double(pixels)
        for (part, step) in [first, second].enumerated() where part == 0 || second > first {
          let target = UnsafeMutableBufferPointer(rebasing: result[step * pixels..<(step + 1) * pixels])
          for row in 0..<height {
            for column in 0..<width {
              let value = plane[row, column]
              target[row * width + column] = Float((part == 0 ? value.x : -value.y) * scale)
            }
          }
          if isMatched { matching.apply(to: target) }
        }
      }
    }
    return result
  }

  /// A field with the values of another where it is missing, and those of no rain where that is missing, too.
  private func filled(_ field: Tensor, from other: Tensor) -> Tensor {
    var result = field
    result.withUnsafeMutableBufferPointer { values in
      other.withUnsafeBufferPointer { other in
        for index in values.indices where values[index].isNaN {
          values[index] = other[index].isNaN ? FlowImages.dryDecibels : other[index]
        }
      }
    }
    return result
  }

  /// The numbers that a forecast depends on, as `name=value`.
  public var summary: String { "levels=\(CascadeFilters.standardLevels) order=2" }
}

/// The last frames in levels of scale: their transforms, and how the levels resemble themselves.
private struct Cascade {
  let filters: CascadeFilters
  /// The transform of the last frame (real part) and the one before it (imaginary part).
  private let plane: ComplexPlane
  /// The standard deviation of each level in the last frame and the one before it.
  private let deviations: [SIMD2<Double>]
  private let models: [AutoregressiveModel]

  init(_ frames: [Tensor], _ filters: CascadeFilters, _ transform: PlaneTransform) {
    self.filters = filters
    func transformed(_ first: Tensor, _ second: Tensor) -> ComplexPlane {
      first.withUnsafeBufferPointer { first in
        second.withUnsafeBufferPointer { second in
          transform.transformed(first.baseAddress.unsafelyUnwrapped, second.baseAddress.unsafelyUnwrapped)
        }
      }
    }
    let plane = transformed(frames[2], frames[1])
    self.plane = plane
    let oldest = transformed(frames[0], frames[0])
    // Variances of the three frames' levels and covariances with the last one, after Parseval.
    var variances = [SIMD4<Double>](repeating: .zero, count: filters.levels)
    var covariances = [SIMD2<Double>](repeating: .zero, count: filters.levels)
    filters.forEachWavenumber { row, column, opposite, weights in
      let (last, before) = Cascade.parts(plane[row, column], plane[opposite.row, opposite.column])
      let (first, _) = Cascade.parts(oldest[row, column], oldest[opposite.row, opposite.column])
      let powers = SIMD4((last * last).sum(), (before * before).sum(), (first * first).sum(), 0)
      let products = SIMD2((last * before).sum(), (last * first).sum())
      for level in 0..<filters.levels {
        let weight = Double(weights[level] * weights[level])
        variances[level] += weight * powers
        covariances[level] += weight * products
      }
    }
    let pixels = Double(filters.height * filters.width)
    deviations = variances.map { SIMD2($0.x.squareRoot(), $0.y.squareRoot()) / pixels }
    models = zip(variances, covariances).map { variances, covariances in
      func correlation(_ covariance: Double, _ variance: Double) -> Double {
        let product = (variances.x * variance).squareRoot()
        return product > 0 ? covariance / product : 0
      }
      return AutoregressiveModel(
        correlations: correlation(covariances.x, variances.y), correlation(covariances.y, variances.z))
    }
  }

  /// The transforms of two fields of which one is the real and one the imaginary part.
  @inline(__always)
  private static func parts(
    _ value: SIMD2<Double>, _ opposite: SIMD2<Double>
  ) -> (first: SIMD2<Double>, second: SIMD2<Double>) {
    (
      0.5 * SIMD2(value.x + opposite.x, value.y - opposite.y),
      0.5 * SIMD2(value.y + opposite.y, opposite.x - value.x)
    )
  }

  /// For each step and level, what of the last frame and of the one before it is left.
  func gains(steps: Int) -> [[SIMD2<Double>]] {
    let shares = models.map { $0.shares(steps: steps) }
    return (0..<steps).map { step in
      zip(shares, deviations).map { shares, deviations in
        // The levels are compared by their standard deviations, and get that of the last frame.
        SIMD2(shares[step].x, deviations.y > 0 ? shares[step].y * deviations.x / deviations.y : 0)
      }
    }
  }

  /// The conjugate of the transform of two forecasts, one as the real and one as the imaginary part.
  func forecast(_ first: [SIMD2<Double>], _ second: [SIMD2<Double>], into target: ComplexPlane) {
    let mean = plane[0, 0].x
    target[0, 0] = SIMD2(mean, -mean)
    filters.forEachWavenumber { row, column, opposite, weights in
      let (last, before) = Cascade.parts(plane[row, column], plane[opposite.row, opposite.column])
      var (a, b) = (SIMD2<Double>.zero, SIMD2<Double>.zero)
      for level in 0..<filters.levels {
        a += Double(weights[level]) * first[level]
        b += Double(weights[level]) * second[level]
      }
      let (real, imaginary) = (a.x * last + a.y * before, b.x * last + b.y * before)
      target[row, column] = SIMD2(real.x - imaginary.y, -(real.y + imaginary.x))
    }
  }
}

extension Tensor {
  /// Makes missing, in every field of `[t, h, w]`, the pixels that are missing in `frame`.
  fileprivate mutating func removeMissing(of frame: Tensor) {
    let (count, pixels) = (shape[0], frame.count)
    withUnsafeMutableBufferPointer { values in
      frame.withUnsafeBufferPointer { frame in
        for pixel in 0..<pixels where frame[pixel].isNaN {
          for field in 0..<count { values[field * pixels + pixel] = .nan }
        }
      }
    }
  }
}
