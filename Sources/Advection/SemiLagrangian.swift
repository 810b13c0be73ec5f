import ConvKernels
import Tensor

/// Semi-Lagrangian extrapolation: rain is carried along a motion that does not change.
///
/// For each pixel and step the way back to where its rain comes from is followed through the motion, by the midpoint rule
/// (Germann and Zawadzki 2002, "Scale-dependence of the predictability of precipitation from continental radar images",
/// Mon. Weather Rev. 130, 2859–2873; the scheme of pysteps' `extrapolate` with one iteration). The field itself is
/// interpolated once for each forecast, from the last frame, so nothing is smoothed more the longer it goes.
public enum SemiLagrangian {
  /// The field after each of a number of steps.
  ///
  /// What comes from outside of the field, or from where it is missing, is missing. The result is the same for any number
  /// of threads.
  ///
  /// - Parameters:
  ///   - field: `[h, w]` of any unit, NaN where missing.
  ///   - motion: in pixels per step, of the same size.
  ///   - steps: how many.
  ///   - pool: the threads that compute.
  /// - Returns: `[steps, h, w]`.
  /// - Precondition: the sizes agree.
  public static func extrapolate(
    _ field: Tensor, along motion: MotionField, steps: Int, pool: WorkerPool
  ) -> Tensor {
    precondition(
      field.shape == [motion.height, motion.width],
      "a field of shape \(field.shape), a motion of \(motion.height) × \(motion.width)")
    return field.withUnsafeBufferPointer { extrapolate($0, stride: 0, along: motion, steps: steps, pool: pool) }
  }

  /// Fields that are carried on by different times: the first by one step, the second by two, and so on.
  ///
  /// Otherwise as ``extrapolate(_:along:steps:pool:)``.
  ///
  /// - Parameter fields: `[steps, h, w]` of any unit, NaN where missing; or `[steps, c, h, w]`, several for each time.
  /// - Returns: of the same shape.
  /// - Precondition: the sizes agree.
  public static func extrapolate(each fields: Tensor, along motion: MotionField, pool: WorkerPool) -> Tensor {
    let pixels = motion.height * motion.width
    precondition(
      (3...4).contains(fields.rank) && Array(fields.shape.suffix(2)) == [motion.height, motion.width],
      "fields of shape \(fields.shape), a motion of \(motion.height) × \(motion.width)")
    let channels = fields.rank == 4 ? fields.shape[1] : 1
    return fields.withUnsafeBufferPointer {
      extrapolate(
        $0, stride: channels * pixels, channels: channels, along: motion, steps: fields.shape[0], pool: pool)
    }.reshaped(fields.shape)
  }

  /// - Parameters:
  ///   - stride: from the fields of one step to those of the next.
  ///   - channels: the fields of a step.
  private static func extrapolate(
    _ fields: UnsafeBufferPointer<Float>, stride: Int, channels: Int = 1, along motion: MotionField, steps: Int,
    pool: WorkerPool
  ) -> Tensor {
    let (height, width) = (motion.height, motion.width)
    var result = Tensor(uninitialized: [steps * channels, height, width])
    motion.vectors.withUnsafeBufferPointer { vectors in
      result.withUnsafeMutableBufferPointer { result in
        guard let fields = fields.baseAddress, let vectors = vectors.baseAddress, let result = result.baseAddress
        else { return }
        pool.run(tasks: height) { row in
          withUnsafeTemporaryAllocation(of: Trajectory.self, capacity: width) { trajectories in
            for column in 0..<width {
              trajectories.initializeElement(
                at: column, to: Trajectory(.zero, increment: vectors[row * width + column]))
            }
            for step in 0..<steps {
              let (field, target) = (fields + step * stride, result + (step * channels * height + row) * width)
              for column in 0..<width {
                let pixel = SIMD2(Float(column), Float(row))
                trajectories[column].follow(from: pixel, vectors, height: height, width: width)
                let place = pixel + trajectories[column].displacement
                for channel in 0..<channels {
                  let other = channel * height * width
                  target[other + column] = sampleBridging(
                    field + other, height: height, width: width, x: place.x, y: place.y)
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// The way of the rain of a pixel, back or on.
struct Trajectory {
  /// From the pixel to where its rain comes from, or goes to.
  private(set) var displacement: SIMD2<Float>
  /// The motion at that place.
  private var increment: SIMD2<Float>

  init(_ displacement: SIMD2<Float>, increment: SIMD2<Float>) {
    self.displacement = displacement
    self.increment = increment
  }

  /// Goes one step, with the motion halfway.
  ///
  /// - Parameter sense: 1 goes back to where the rain comes from, −1 on to where it goes to.
  @inline(__always)
  mutating func follow(
    from pixel: SIMD2<Float>, _ vectors: UnsafePointer<SIMD2<Float>>, height: Int, width: Int, sense: Float = 1
  ) {
    func motion(at place: SIMD2<Float>) -> SIMD2<Float> {
      sense * sample(vectors, height: height, width: width, x: place.x, y: place.y)
    }
    displacement -= motion(at: pixel + displacement - 0.5 * increment)
    increment = motion(at: pixel + displacement)
  }
}
