/// What a direct kernel reads for one output block: an image block and its weights. Several of them are summed up, so
/// that a convolution over concatenated inputs needs no concatenation.
struct DirectSource {
  /// The pixel under the kernel's top left tap for the output pixel (0, 0), block 0.
  let input: UnsafePointer<Float>
  /// The weights' stream of the output block.
  let weights: UnsafePointer<Float>
  let usedLanes: UnsafePointer<Int>
  let blocks: Int
  let blockStride: Int
  let rowStride: Int
  let kernelHeight: Int
  let kernelWidth: Int
}

typealias Lanes = SIMD16<Float>

/// Sixteen output channels of six neighbouring pixels in registers: twelve 8-wide accumulators, two weights and a
/// broadcast fill the sixteen registers of AVX2. Reads every tap of every source; starts from what `tile` holds.
///
/// - Parameters:
///   - position: floats from the sources' first pixel to the tile's first one, by row and column.
@inline(__always)
func f32Direct6x16(
  _ sources: UnsafeBufferPointer<DirectSource>, y: Int, x: Int,
  _ t: inout (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)
) {
  var (a0, a1, a2, a3, a4, a5) = t
  for source in sources {
    let corner = source.input + y * source.rowStride + x * 16
    var weights = UnsafeRawPointer(source.weights).assumingMemoryBound(to: Lanes.self)
    for block in 0..<source.blocks {
      let lanes = source.usedLanes[block]
      for ky in 0..<source.kernelHeight {
        var pixel = corner + block * source.blockStride + ky * source.rowStride
        for _ in 0..<source.kernelWidth {
          for lane in 0..<lanes {
            let w = weights[lane]
            let p = pixel + lane
            a0.addProduct(Lanes(repeating: p[0]), w)
            a1.addProduct(Lanes(repeating: p[16]), w)
            a2.addProduct(Lanes(repeating: p[32]), w)
            a3.addProduct(Lanes(repeating: p[48]), w)
            a4.addProduct(Lanes(repeating: p[64]), w)
            a5.addProduct(Lanes(repeating: p[80]), w)
          }
          weights += 16
          pixel += 16
        }
      }
    }
  }
  t = (a0, a1, a2, a3, a4, a5)
}

/// As ``f32Direct6x16(_:y:x:_:)``, for four pixels: eight accumulators still keep both FMA units busy.
@inline(__always)
func f32Direct4x16(
  _ sources: UnsafeBufferPointer<DirectSource>, y: Int, x: Int, _ t: inout (Lanes, Lanes, Lanes, Lanes)
) {
  var (a0, a1, a2, a3) = t
  for source in sources {
    let corner = source.input + y * source.rowStride + x * 16
    var weights = UnsafeRawPointer(source.weights).assumingMemoryBound(to: Lanes.self)
    for block in 0..<source.blocks {
      let lanes = source.usedLanes[block]
      for ky in 0..<source.kernelHeight {
        var pixel = corner + block * source.blockStride + ky * source.rowStride
        for _ in 0..<source.kernelWidth {
          for lane in 0..<lanes {
            let w = weights[lane]
            let p = pixel + lane
            a0.addProduct(Lanes(repeating: p[0]), w)
            a1.addProduct(Lanes(repeating: p[16]), w)
            a2.addProduct(Lanes(repeating: p[32]), w)
            a3.addProduct(Lanes(repeating: p[48]), w)
          }
          weights += 16
          pixel += 16
        }
      }
    }
  }
  t = (a0, a1, a2, a3)
}

/// One row of one output block: `width` pixels from `x` = 0, in tiles of six and four.
///
/// - Parameters:
///   - output: the row's first pixel.
///   - bias: sixteen numbers to start from; `nil` starts from what the output holds (accumulation).
func f32DirectRow(
  _ sources: UnsafeBufferPointer<DirectSource>, y: Int, width: Int, output: UnsafeMutablePointer<Float>,
  bias: UnsafePointer<Float>?
) {
  let out = UnsafeMutableRawPointer(output).assumingMemoryBound(to: Lanes.self)
  let start = bias.map { UnsafeRawPointer($0).loadUnaligned(as: Lanes.self) }
  var x = 0
  while x < width {
    let left = width - x
    // Seven and eight pixels are done as two fours: a tile of six would leave one or two.
    if left >= 6 && left != 7 && left != 8 {
      var t =
        start.map { ($0, $0, $0, $0, $0, $0) } ?? (out[x], out[x + 1], out[x + 2], out[x + 3], out[x + 4], out[x + 5])
      f32Direct6x16(sources, y: y, x: x, &t)
      (out[x], out[x + 1], out[x + 2], out[x + 3], out[x + 4], out[x + 5]) = t
      x += 6
    } else {
      let used = min(left, 4)
      let zero = Lanes.zero
      var t =
        start.map { ($0, $0, $0, $0) }
        ?? (out[x], used > 1 ? out[x + 1] : zero, used > 2 ? out[x + 2] : zero, used > 3 ? out[x + 3] : zero)
      // What stands to the right of the border is computed too, and not stored.
      f32Direct4x16(sources, y: y, x: x, &t)
      out[x] = t.0
      if used > 1 { out[x + 1] = t.1 }
      if used > 2 { out[x + 2] = t.2 }
      if used > 3 { out[x + 3] = t.3 }
      x += used
    }
  }
}
