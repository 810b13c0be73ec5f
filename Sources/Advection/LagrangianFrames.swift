import Tensor

/// Frames in Lagrangian coordinates: every pixel shows the rain that is, was or will be that of the parcel of air which is
/// there at the reference time.
///
/// A network that sees frames so has not to learn motion, only how rain changes; L-CNN (Ritvanen et al. 2023, "Advection-free
/// convolutional neural network for convective rainfall nowcasting", IEEE J. Sel. Top. Appl. Earth Obs. Remote Sens. 16,
/// 1654–1667) has it for another network. What it forecasts is carried to its place by
/// ``SemiLagrangian/extrapolate(each:along:pool:)``.
public enum LagrangianFrames {
  /// On which side of the reference time frames lie.
  public enum Side: Sendable {
    /// Before it: pixels are followed back to where their rain was.
    case past
    /// After it: pixels are followed on to where their rain will be.
    case future
  }

  /// Parts of frames, each pixel from where its rain is at the frame's time.
  ///
  /// What lies outside of a frame, or is missing in it, is missing. Everything is done on the calling thread.
  ///
  /// - Parameters:
  ///   - frames: the first one is one step away from the reference time, the second two, and so on; `[h, w]` of any unit,
  ///     NaN where missing, or `nil` for one that is missing as a whole.
  ///   - side: before or after the reference time.
  ///   - motion: in pixels per step, of the frames' size.
  ///   - rows: the rows wanted.
  ///   - columns: the columns wanted.
  /// - Returns: `[frames, rows, columns]`.
  /// - Precondition: the sizes agree, and rows and columns lie inside.
  public static func frames(
    _ frames: [Tensor?], _ side: Side, along motion: MotionField, rows: Range<Int>, columns: Range<Int>
  ) -> Tensor {
    let (height, width) = (motion.height, motion.width)
    precondition(
      frames.allSatisfy { $0.map { $0.shape == [height, width] } ?? true } && rows.lowerBound >= 0
        && rows.upperBound <= height && columns.lowerBound >= 0 && columns.upperBound <= width,
      "frames or a part that do not fit a motion of \(height) × \(width)")
    let sense: Float = side == .past ? 1 : -1
    let pixels = rows.count * columns.count
    var result = Tensor(shape: [frames.count, rows.count, columns.count], repeating: .nan)
    motion.vectors.withUnsafeBufferPointer { vectors in
      guard let vectors = vectors.baseAddress else { return }
      var trajectories: [Trajectory] = []
      trajectories.reserveCapacity(pixels)
      for row in rows {
        for column in columns {
          trajectories.append(Trajectory(.zero, increment: sense * vectors[row * width + column]))
        }
      }
      result.withUnsafeMutableBufferPointer { result in
        for (step, frame) in frames.enumerated() {
          let target = UnsafeMutableBufferPointer(rebasing: result[step * pixels..<(step + 1) * pixels])
          func visit(_ frame: UnsafePointer<Float>?) {
            var index = 0
            for row in rows {
              for column in columns {
                let pixel = SIMD2(Float(column), Float(row))
                trajectories[index].follow(from: pixel, vectors, height: height, width: width, sense: sense)
                if let frame {
                  let place = pixel + trajectories[index].displacement
                  target[index] = sampleBridging(frame, height: height, width: width, x: place.x, y: place.y)
                }
                index += 1
              }
            }
          }
          if let frame { frame.withUnsafeBufferPointer { visit($0.baseAddress) } } else { visit(nil) }
        }
      }
    }
    return result
  }
}
