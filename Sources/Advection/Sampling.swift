/// The value of an image at a place between its pixels, linear in both directions; NaN outside of the image and where one
/// of the pixels that count is missing.
///
/// A pixel of weight zero does not count, so a place on the last row or column is inside, and a missing neighbour is no
/// matter to a place that is exactly on a pixel.
@inline(__always)
func sample(_ image: UnsafePointer<Float>, height: Int, width: Int, x: Float, y: Float) -> Float {
  // Written so that NaN fails, too.
  guard x >= 0, y >= 0, x <= Float(width - 1), y <= Float(height - 1) else { return .nan }
  let (column, row) = (Int(x), Int(y))
  let (fx, fy) = (x - Float(column), y - Float(row))
  let corner = image + (row * width + column)
  let right = fx > 0 ? 1 : 0
  let below = fy > 0 ? width : 0
  let upper = corner[0] + fx * (corner[right] - corner[0])
  let lower = corner[below] + fx * (corner[below + right] - corner[below])
  return upper + fy * (lower - upper)
}

/// As ``sample(_:height:width:x:y:)``, but where some of the pixels are missing the others stand for them, as long as they
/// have more than half of the weight. A hole is then carried along and does not grow.
@inline(__always)
func sampleBridging(_ image: UnsafePointer<Float>, height: Int, width: Int, x: Float, y: Float) -> Float {
  let value = sample(image, height: height, width: width, x: x, y: y)
  guard value.isNaN, x >= 0, y >= 0, x <= Float(width - 1), y <= Float(height - 1) else { return value }
  let (column, row) = (Int(x), Int(y))
  let (fx, fy) = (x - Float(column), y - Float(row))
  var (sum, weights) = (Float(0), Float(0))
  for (dy, wy) in [(0, 1 - fy), (1, fy)] where wy > 0 {
    for (dx, wx) in [(0, 1 - fx), (1, fx)] where wx > 0 {
      let pixel = image[(row + dy) * width + column + dx]
      guard !pixel.isNaN else { continue }
      sum += wy * wx * pixel
      weights += wy * wx
    }
  }
  return weights > 0.5 ? sum / weights : .nan
}

/// A vector of a field at a place between its points, linear in both directions; outside that of the nearest edge.
@inline(__always)
func sample(
  _ field: UnsafePointer<SIMD2<Float>>, height: Int, width: Int, x: Float, y: Float
) -> SIMD2<Float> {
  let x = min(max(x, 0), Float(width - 1))
  let y = min(max(y, 0), Float(height - 1))
  let (column, row) = (Int(x), Int(y))
  let (fx, fy) = (x - Float(column), y - Float(row))
  let corner = field + (row * width + column)
  let right = column + 1 < width ? 1 : 0
  let below = row + 1 < height ? width : 0
  let upper = corner[0] + fx * (corner[right] - corner[0])
  let lower = corner[below] + fx * (corner[below + right] - corner[below])
  return upper + fy * (lower - upper)
}
