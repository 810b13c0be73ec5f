import ConvKernels
import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The images that motion is looked for in: rain on a decibel scale, at several resolutions. NaN is missing in all.
enum FlowImages {
  /// The rate below which it is dry, in mm/h.
  static let dryLimit: Float = 0.1
  /// The same in dB.
  static let dryLimitDecibels: Float = -10
  /// What is dry, in dB: 5 dB below the limit, as in pysteps' `dB_transform`, so that the edge of rain is an edge.
  static let dryDecibels: Float = -15

  /// 10·log₁₀ of rain rates in mm/h, of any shape; what is not finite is missing.
  static func decibels(_ rainRate: Tensor, pool: WorkerPool) -> Tensor {
    var result = Tensor(uninitialized: rainRate.shape)
    let share = 1 << 14
    rainRate.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        pool.run(tasks: (source.count + share - 1) / share) { task in
          for index in task * share..<min((task + 1) * share, source.count) {
            let rate = source[index]
            target[index] = !rate.isFinite ? .nan : rate >= dryLimit ? 10 * log10f(rate) : dryDecibels
          }
        }
      }
    }
    return result
  }

  /// An image `[h, w]` at half its resolution, `[(h + 1) / 2, (w + 1) / 2]`: means of the measured ones of 2 × 2 pixels,
  /// missing where no more than half of them are measured.
  static func halved(_ image: Tensor, pool: WorkerPool) -> Tensor {
    let (height, width) = (image.shape[0], image.shape[1])
    let (rows, columns) = ((height + 1) / 2, (width + 1) / 2)
    var result = Tensor(uninitialized: [rows, columns])
    image.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        pool.run(tasks: rows) { row in
          let below = 2 * row + 1 < height
          for column in 0..<columns {
            let right = 2 * column + 1 < width
            var (sum, measured) = (Float(0), 0)
            func add(_ index: Int) {
              let value = source[index]
              guard !value.isNaN else { return }
              sum += value
              measured += 1
            }
            let corner = 2 * row * width + 2 * column
            add(corner)
            if right { add(corner + 1) }
            if below { add(corner + width) }
            if right && below { add(corner + width + 1) }
            let pixels = (right ? 2 : 1) * (below ? 2 : 1)
            target[row * columns + column] = 2 * measured > pixels ? sum / Float(measured) : .nan
          }
        }
      }
    }
    return result
  }

  /// An image `[h, w]` smoothed by a Gaussian of a standard deviation of one pixel. Missing pixels stay so, and count for
  /// none of the others.
  static func smoothed(_ image: Tensor, pool: WorkerPool) -> Tensor {
    let (height, width) = (image.shape[0], image.shape[1])
    let radius = 3
    let weights = (-radius...radius).map { expf(-Float($0 * $0) / 2) }
    var result = Tensor(uninitialized: [height, width])
    image.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        pool.run(tasks: height) { row in
          // Sums along the column, with margins of zero: what is outside of the image does not count.
          var sums = [SIMD2<Float>](repeating: .zero, count: width + 2 * radius)
          for offset in max(-radius, -row)...min(radius, height - 1 - row) {
            let weight = weights[offset + radius]
            let values = source.baseAddress.unsafelyUnwrapped + (row + offset) * width
            for column in 0..<width {
              let value = values[column]
              sums[column + radius] += value.isNaN ? .zero : weight * SIMD2(value, 1)
            }
          }
          for column in 0..<width {
            var sum = SIMD2<Float>.zero
            for tap in 0...2 * radius { sum += weights[tap] * sums[column + tap] }
            let index = row * width + column
            target[index] = source[index].isNaN ? .nan : sum.x / sum.y
          }
        }
      }
    }
    return result
  }
}
