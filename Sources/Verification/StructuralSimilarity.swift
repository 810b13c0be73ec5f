/// The structural similarity of frames: do brightness, contrast and pattern agree, in windows of 7 × 7 pixels?
///
/// Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Transactions on Image
/// Processing 13, 2004, with the choices of scikit-image's `structural_similarity`: uniform windows that lie within the
/// frame, covariances of samples (divided by 48), constants (0.01)² and (0.03)² for values from 0 to 1. Windows with a pixel
/// that does not count are left out. The score of a frame is the mean over its windows, that of several the mean over them.
public struct StructuralSimilarity: Sendable, Equatable, Codable {
  /// The width of the windows in pixels.
  public static let window = 7
  /// The number of frames with at least one window.
  public private(set) var frames = 0
  /// The sum of the frames' scores.
  public private(set) var sum = ExactSum.zero

  /// No frames.
  public init() {}

  /// The mean over frames, −1 to 1, best 1; `nil` without frames.
  public var ssim: Double? { ratio(sum.value, Double(frames)) }

  /// Adds other frames, `times` over. The order of merging does not matter.
  public mutating func merge(_ other: StructuralSimilarity, times: Int = 1) {
    frames += other.frames * times
    sum += other.sum * times
  }

  /// Adds a frame of values from 0 to 1.
  ///
  /// - Parameter flags: 1 for pixels that count; `nil` when all do.
  mutating func add(
    _ f: UnsafePointer<Float>, _ o: UnsafePointer<Float>, flags: UnsafePointer<UInt8>?, height: Int, width: Int
  ) {
    let size = Self.window
    guard height >= size, width >= size else { return }
    var (total, count) = (0.0, 0)
    // The sums of seven rows in each column, of f, o, f², o², fo and of the pixels that do not count.
    let columns = UnsafeMutablePointer<Double>.allocate(capacity: 6 * width)
    let similarities = UnsafeMutablePointer<Double>.allocate(capacity: width)
    defer {
      columns.deallocate()
      similarities.deallocate()
    }
    let (a, b, aa, bb, ab) = (
      columns, columns + width, columns + 2 * width, columns + 3 * width, columns + 4 * width
    )
    let missing = columns + 5 * width
    for top in 0...height - size {
      columns.update(repeating: 0, count: 6 * width)
      for y in top..<top + size {
        let (f, o) = (f + y * width, o + y * width)
        for x in 0..<width {
          let (p, q) = (Double(f[x]), Double(o[x]))
          a[x] += p
          b[x] += q
          aa[x] += p * p
          bb[x] += q * q
          ab[x] += p * q
        }
        if let flags { for x in 0..<width { missing[x] += Double(1 - flags[y * width + x]) } }
      }
      let windows = width - size + 1
      for x in 0..<windows { similarities[x] = Self.similarity(a + x, b + x, aa + x, bb + x, ab + x) }
      for x in 0..<windows {
        if flags != nil, (0..<size).contains(where: { missing[x + $0] != 0 }) { continue }
        total += similarities[x]
        count += 1
      }
    }
    guard count > 0 else { return }
    frames += 1
    sum += ExactSum(total / Double(count))
  }

  @inline(__always)
  private static func similarity(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ aa: UnsafePointer<Double>, _ bb: UnsafePointer<Double>,
    _ ab: UnsafePointer<Double>
  ) -> Double {
    @inline(__always) func mean(_ p: UnsafePointer<Double>) -> Double {
      (p[0] + p[1] + p[2] + p[3] + p[4] + p[5] + p[6]) / 49
    }
    let (f, o) = (mean(a), mean(b))
    let (vf, vo) = (49.0 / 48 * (mean(aa) - f * f), 49.0 / 48 * (mean(bb) - o * o))
    let covariance = 49.0 / 48 * (mean(ab) - f * o)
    let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
    return (2 * f * o + c1) * (2 * covariance + c2) / ((f * f + o * o + c1) * (vf + vo + c2))
  }
}
