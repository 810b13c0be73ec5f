// The transforms of a tile: a one-dimensional transform of all columns, then of all rows of what that gave. Sixteen
// channels at a time.

/// A one-dimensional transform from vectors `stride` apart to vectors `stride` apart.
typealias Transform = (UnsafePointer<Lanes>, Int, UnsafeMutablePointer<Lanes>, Int) -> Void

/// Applies `transform` to the columns and then to the rows of `from`, side × side vectors.
///
/// - Parameters:
///   - rowStride: vectors from one row of `from` to the next.
///   - columnStride: vectors from one column to the next.
///   - result: rows and columns of the result, whose vectors are `resultStride` apart.
///   - scratch: room for side × result vectors.
@inline(__always)
func twice(
  _ from: UnsafePointer<Lanes>, _ rowStride: Int, _ columnStride: Int, side: Int, _ to: UnsafeMutablePointer<Lanes>,
  _ resultStride: Int, result: Int, _ scratch: UnsafeMutablePointer<Lanes>, _ transform: Transform
) {
  for x in 0..<side { transform(from + x * columnStride, rowStride, scratch + x, side) }
  for y in 0..<result { transform(scratch + y * side, 1, to + y * result * resultStride, resultStride) }
}

/// As ``twice(_:_:_:side:_:_:result:_:_:)``, from pixels of which some may lie outside: those count as zeros.
@inline(__always)
func spread(
  _ pixels: UnsafePointer<Float>, _ rowStride: Int, _ rows: Int, _ columns: Int, side: Int,
  _ to: UnsafeMutablePointer<Float>, _ pointStride: Int, result: Int, _ scratch: UnsafeMutablePointer<Float>,
  _ transform: Transform
) {
  let temporary = lanes(scratch)
  if rows >= side && columns >= side {
    twice(
      lanes(pixels), rowStride / 16, 1, side: side, lanes(to), pointStride / 16, result: result, temporary, transform)
  } else {
    let copy = temporary + 64
    for y in 0..<side {
      let row = lanes(pixels + y * rowStride)
      for x in 0..<side { copy[y * side + x] = y < rows && x < columns ? row[x] : Lanes.zero }
    }
    twice(copy, side, 1, side: side, lanes(to), pointStride / 16, result: result, temporary, transform)
  }
}

/// A one-dimensional transform to pixels, from vectors that distance apart; hands out each pixel with its number.
typealias OutputTransform = (UnsafePointer<Lanes>, Int, (Int, Lanes) -> Void) -> Void

/// From a transformed tile of side × side points to tile × tile pixels, of which `rows` × `columns` are stored.
@inline(__always)
func gather(
  _ points: UnsafePointer<Float>, _ pointStride: Int, side: Int, tile: Int, _ pixels: UnsafeMutablePointer<Float>,
  _ rowStride: Int, _ rows: Int, _ columns: Int, _ bias: UnsafePointer<Float>?,
  _ scratch: UnsafeMutablePointer<Float>, _ transform: OutputTransform
) {
  let (from, stride) = (lanes(points), pointStride / 16)
  let temporary = lanes(scratch)
  for x in 0..<side {
    transform(from + x * stride, side * stride) { y, value in temporary[y * side + x] = value }
  }
  let start = bias.map { lanes($0)[0] }
  for y in 0..<min(rows, tile) {
    let row = lanes(pixels + y * rowStride)
    transform(temporary + y * side, 1) { x, value in
      if x < columns { row[x] = (start ?? row[x]) + value }
    }
  }
}
