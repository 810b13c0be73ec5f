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
  /// - Parameter fields: `[steps, h, w]` of any unit, NaN where missing.
  /// - Returns: `[steps, h, w]`.
  /// - Precondition: the sizes agree.
  public static func extrapolate(each fields: Tensor, along motion: MotionField, pool: WorkerPool) -> Tensor {
    let pixels = motion.height * motion.width
    precondition(
      fields.rank == 3 && Array(fields.shape.dropFirst()) == [motion.height, motion.width],
      "fields of shape \(fields.shape), a motion of \(motion.height) × \(motion.width)")
    return fields.withUnsafeBufferPointer {
      extrapolate($0, stride: pixels, along: motion, steps: fields.shape[0], pool: pool)
    }
  }

  /// - Parameter stride: from the field of one step to that of the next.
  private static func extrapolate(
    _ fields: UnsafeBufferPointer<Float>, stride: Int, along motion: MotionField, steps: Int, pool: WorkerPool
  ) -> Tensor {
    let (height, width) = (motion.height, motion.width)
    var result = Tensor(uninitialized: [steps, height, width])
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
              let (field, target) = (fields + step * stride, result + (step * height + row) * width)
              for column in 0..<width {
                let pixel = SIMD2(Float(column), Float(row))
                trajectories[column].follow(from: pixel, vectors, height: height, width: width)
                let place = pixel + trajectories[column].displacement
                target[column] = sampleBridging(field, height: height, width: width, x: place.x, y: place.y)
              }
            }
          }
        }
      }
    }
    return result
  }
}

/// The way back from a pixel.
private struct Trajectory {
  /// From the pixel to where its rain comes from.
  private(set) var displacement: SIMD2<Float>
  /// The motion at that place.
  private var increment: SIMD2<Float>

  init(_ displacement: SIMD2<Float>, increment: SIMD2<Float>) {
    self.displacement = displacement
    self.increment = increment
  }

  /// Goes back by one step, with the motion halfway.
  @inline(__always)
  mutating func follow(from pixel: SIMD2<Float>, _ vectors: UnsafePointer<SIMD2<Float>>, height: Int, width: Int) {
    func motion(at place: SIMD2<Float>) -> SIMD2<Float> {
      sample(vectors, height: height, width: width, x: place.x, y: place.y)
    }
    displacement -= motion(at: pixel + displacement - 0.5 * increment)
    increment = motion(at: pixel + displacement)
  }
}
