import Tensor

/// One motion for a whole image, by correlation: how far one frame has to be shifted to look most like the next.
///
/// An image of a few dozen pixels has too few gradients for a motion of each place: what local growth and decay look like
/// then counts as motion, and the rain goes astray. What is common to all its pixels is found well.
enum UniformMotion {
  /// The furthest shift looked at, as a share of the shorter side.
  private static let furthest = 0.25
  /// The halvings of a pixel's length by which the best whole shift is refined.
  private static let refinements = 4

  /// The motion between frames that follow each other, in pixels per frame; zero where nothing differs from pixel to pixel.
  ///
  /// - Parameter frames: images `[h, w]` of one size, NaN where missing.
  static func motion(of frames: [Tensor]) -> SIMD2<Float> {
    let most = Int(furthest * Double(min(frames[0].shape[0], frames[0].shape[1])))
    var best = (correlation: -Double.infinity, shift: SIMD2<Float>.zero)
    func consider(_ shift: SIMD2<Float>) {
      let value = correlation(frames, shift)
      // Of equal ones the first.
      if value > best.correlation { best = (value, shift) }
    }
    // From no shift outwards, so that the shortest one is the first of its like.
    let shifts = (-most...most).flatMap { y in (-most...most).map { (x: $0, y: y) } }
    for shift in shifts.sorted(by: { ($0.x * $0.x + $0.y * $0.y, $0.y, $0.x) < ($1.x * $1.x + $1.y * $1.y, $1.y, $1.x) }
    ) {
      consider(SIMD2(Float(shift.x), Float(shift.y)))
    }
    var step: Float = 1
    for _ in 0..<refinements {
      step /= 2
      let centre = best.shift
      for y in -1...1 {
        for x in -1...1 where x != 0 || y != 0 { consider(centre + step * SIMD2(Float(x), Float(y))) }
      }
    }
    return best.shift
  }

  /// The correlation of each frame with the one before it, shifted, over the pixels that both have; all pairs together, each
  /// weighted by how much there is to compare.
  private static func correlation(_ frames: [Tensor], _ shift: SIMD2<Float>) -> Double {
    let (height, width) = (frames[0].shape[0], frames[0].shape[1])
    var (covariance, scale) = (0.0, 0.0)
    for (first, second) in zip(frames, frames.dropFirst()) {
      var (count, a, b, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
      first.withUnsafeBufferPointer { first in
        second.withUnsafeBufferPointer { second in
          guard let image = first.baseAddress else { return }
          for row in 0..<height {
            for column in 0..<width {
              let before = sample(
                image, height: height, width: width, x: Float(column) - shift.x, y: Float(row) - shift.y)
              let after = second[row * width + column]
              guard !before.isNaN, !after.isNaN else { continue }
              let (x, y) = (Double(before), Double(after))
              count += 1
              a += x
              b += y
              aa += x * x
              bb += y * y
              ab += x * y
            }
          }
        }
      }
      guard count > 0 else { continue }
      covariance += ab - a * b / count
      scale += (max(aa - a * a / count, 0) * max(bb - b * b / count, 0)).squareRoot()
    }
    return scale > 1e-6 ? covariance / scale : 0
  }
}
