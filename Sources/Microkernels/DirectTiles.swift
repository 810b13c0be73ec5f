import KernelInterface

// Register tiles of the direct convolution, pixels × output channels. Tiles of 6×16 fill the sixteen registers of AVX2
// (twelve sums, two weights, a broadcast); with 32 registers of twice the width, 12×32 lets each broadcast serve two
// multiply-adds, so that loads are no bottleneck.

/// Where the sums of a tile start and end.
private struct DirectStart {
  let output: UnsafeMutablePointer<Lanes>
  /// Pixels from an output block to the next one.
  let stride: Int
  let bias: UnsafePointer<Lanes>?

  /// What the sum of a pixel starts from; pixels from `used` on are not there.
  @inline(__always)
  func value(_ pixel: Int, _ block: Int, _ used: Int) -> Lanes {
    if let bias { return bias[block] }
    return pixel < used ? output[block * stride + pixel] : Lanes.zero
  }

  @inline(__always)
  func store(_ sum: Lanes, _ pixel: Int, _ block: Int, _ used: Int) {
    if pixel < used { output[block * stride + pixel] = sum }
  }

  @inline(__always)
  func moved(by pixels: Int) -> DirectStart { DirectStart(output: output + pixels, stride: stride, bias: bias) }
}

/// One row of one or two output blocks: `width` pixels from `x` = 0. What stands to the right of the border is computed
/// too, and not stored.
func f32DirectRow(
  _ sources: UnsafePointer<DirectSource>, _ count: Int, _ blocks: Int, _ y: Int, _ width: Int,
  _ output: UnsafeMutablePointer<Float>, _ outputStride: Int, _ bias: UnsafePointer<Float>?
) {
  let row = DirectStart(output: lanes(output), stride: outputStride / 16, bias: bias.map { lanes($0) })
  var x = 0
  #if WIDE_REGISTERS
    if blocks == 2 {
      while width - x >= 12 {
        f32Direct12x32(sources, count, y: y, x: x, row.moved(by: x), used: 12)
        x += 12
      }
      while x < width {
        f32Direct4x32(sources, count, y: y, x: x, row.moved(by: x), used: min(4, width - x))
        x += 4
      }
      return
    }
  #endif
  while x < width {
    let left = width - x
    // Seven and eight pixels are done as two fours: a tile of six would leave one or two.
    if left >= 6 && left != 7 && left != 8 {
      f32Direct6x16(sources, count, y: y, x: x, row.moved(by: x), used: 6)
      x += 6
    } else {
      f32Direct4x16(sources, count, y: y, x: x, row.moved(by: x), used: min(4, left))
      x += 4
    }
  }
}

@inline(__always)
private func f32Direct6x16(
  _ sources: UnsafePointer<DirectSource>, _ count: Int, y: Int, x: Int, _ start: DirectStart, used: Int
) {
  var a0 = start.value(0, 0, used)
  var a1 = start.value(1, 0, used)
  var a2 = start.value(2, 0, used)
  var a3 = start.value(3, 0, used)
  var a4 = start.value(4, 0, used)
  var a5 = start.value(5, 0, used)
  for index in 0..<count {
    let source = sources[index]
    let corner = source.input + y * source.rowStride + x * 16
    var first = lanes(source.weights)
    for block in 0..<source.blocks {
      let used = source.usedLanes[block]
      for ky in 0..<source.kernelHeight {
        var pixel = corner + block * source.blockStride + ky * source.rowStride
        for _ in 0..<source.kernelWidth {
          for lane in 0..<used {
            let p = pixel + lane
            let w = first[lane]
            a0.addProduct(Lanes(repeating: p[0]), w)
            a1.addProduct(Lanes(repeating: p[16]), w)
            a2.addProduct(Lanes(repeating: p[32]), w)
            a3.addProduct(Lanes(repeating: p[48]), w)
            a4.addProduct(Lanes(repeating: p[64]), w)
            a5.addProduct(Lanes(repeating: p[80]), w)
          }
          first += 16
          pixel += 16
        }
      }
    }
  }
  start.store(a0, 0, 0, used)
  start.store(a1, 1, 0, used)
  start.store(a2, 2, 0, used)
  start.store(a3, 3, 0, used)
  start.store(a4, 4, 0, used)
  start.store(a5, 5, 0, used)
}

@inline(__always)
private func f32Direct4x16(
  _ sources: UnsafePointer<DirectSource>, _ count: Int, y: Int, x: Int, _ start: DirectStart, used: Int
) {
  var a0 = start.value(0, 0, used)
  var a1 = start.value(1, 0, used)
  var a2 = start.value(2, 0, used)
  var a3 = start.value(3, 0, used)
  for index in 0..<count {
    let source = sources[index]
    let corner = source.input + y * source.rowStride + x * 16
    var first = lanes(source.weights)
    for block in 0..<source.blocks {
      let used = source.usedLanes[block]
      for ky in 0..<source.kernelHeight {
        var pixel = corner + block * source.blockStride + ky * source.rowStride
        for _ in 0..<source.kernelWidth {
          for lane in 0..<used {
            let p = pixel + lane
            let w = first[lane]
            a0.addProduct(Lanes(repeating: p[0]), w)
            a1.addProduct(Lanes(repeating: p[16]), w)
            a2.addProduct(Lanes(repeating: p[32]), w)
            a3.addProduct(Lanes(repeating: p[48]), w)
          }
          first += 16
          pixel += 16
        }
      }
    }
  }
  start.store(a0, 0, 0, used)
  start.store(a1, 1, 0, used)
  start.store(a2, 2, 0, used)
  start.store(a3, 3, 0, used)
}

#if WIDE_REGISTERS
  @inline(__always)
  private func f32Direct12x32(
    _ sources: UnsafePointer<DirectSource>, _ count: Int, y: Int, x: Int, _ start: DirectStart, used: Int
  ) {
    var a0 = start.value(0, 0, used)
    var a1 = start.value(1, 0, used)
    var a2 = start.value(2, 0, used)
    var a3 = start.value(3, 0, used)
    var a4 = start.value(4, 0, used)
    var a5 = start.value(5, 0, used)
    var a6 = start.value(6, 0, used)
    var a7 = start.value(7, 0, used)
    var a8 = start.value(8, 0, used)
    var a9 = start.value(9, 0, used)
    var a10 = start.value(10, 0, used)
    var a11 = start.value(11, 0, used)
    var b0 = start.value(0, 1, used)
    var b1 = start.value(1, 1, used)
    var b2 = start.value(2, 1, used)
    var b3 = start.value(3, 1, used)
    var b4 = start.value(4, 1, used)
    var b5 = start.value(5, 1, used)
    var b6 = start.value(6, 1, used)
    var b7 = start.value(7, 1, used)
    var b8 = start.value(8, 1, used)
    var b9 = start.value(9, 1, used)
    var b10 = start.value(10, 1, used)
    var b11 = start.value(11, 1, used)
    for index in 0..<count {
      let source = sources[index]
      let corner = source.input + y * source.rowStride + x * 16
      var first = lanes(source.weights)
      var second = lanes(source.weights + source.weightsStride)
      for block in 0..<source.blocks {
        let used = source.usedLanes[block]
        for ky in 0..<source.kernelHeight {
          var pixel = corner + block * source.blockStride + ky * source.rowStride
          for _ in 0..<source.kernelWidth {
            for lane in 0..<used {
              let p = pixel + lane
              let (w, v) = (first[lane], second[lane])
              let p0 = Lanes(repeating: p[0])
              a0.addProduct(p0, w)
              b0.addProduct(p0, v)
              let p1 = Lanes(repeating: p[16])
              a1.addProduct(p1, w)
              b1.addProduct(p1, v)
              let p2 = Lanes(repeating: p[32])
              a2.addProduct(p2, w)
              b2.addProduct(p2, v)
              let p3 = Lanes(repeating: p[48])
              a3.addProduct(p3, w)
              b3.addProduct(p3, v)
              let p4 = Lanes(repeating: p[64])
              a4.addProduct(p4, w)
              b4.addProduct(p4, v)
              let p5 = Lanes(repeating: p[80])
              a5.addProduct(p5, w)
              b5.addProduct(p5, v)
              let p6 = Lanes(repeating: p[96])
              a6.addProduct(p6, w)
              b6.addProduct(p6, v)
              let p7 = Lanes(repeating: p[112])
              a7.addProduct(p7, w)
              b7.addProduct(p7, v)
              let p8 = Lanes(repeating: p[128])
              a8.addProduct(p8, w)
              b8.addProduct(p8, v)
              let p9 = Lanes(repeating: p[144])
              a9.addProduct(p9, w)
              b9.addProduct(p9, v)
              let p10 = Lanes(repeating: p[160])
              a10.addProduct(p10, w)
              b10.addProduct(p10, v)
              let p11 = Lanes(repeating: p[176])
              a11.addProduct(p11, w)
              b11.addProduct(p11, v)
            }
            first += 16
            second += 16
            pixel += 16
          }
        }
      }
    }
    start.store(a0, 0, 0, used)
    start.store(a1, 1, 0, used)
    start.store(a2, 2, 0, used)
    start.store(a3, 3, 0, used)
    start.store(a4, 4, 0, used)
    start.store(a5, 5, 0, used)
    start.store(a6, 6, 0, used)
    start.store(a7, 7, 0, used)
    start.store(a8, 8, 0, used)
    start.store(a9, 9, 0, used)
    start.store(a10, 10, 0, used)
    start.store(a11, 11, 0, used)
    start.store(b0, 0, 1, used)
    start.store(b1, 1, 1, used)
    start.store(b2, 2, 1, used)
    start.store(b3, 3, 1, used)
    start.store(b4, 4, 1, used)
    start.store(b5, 5, 1, used)
    start.store(b6, 6, 1, used)
    start.store(b7, 7, 1, used)
    start.store(b8, 8, 1, used)
    start.store(b9, 9, 1, used)
    start.store(b10, 10, 1, used)
    start.store(b11, 11, 1, used)
  }

  @inline(__always)
  private func f32Direct4x32(
    _ sources: UnsafePointer<DirectSource>, _ count: Int, y: Int, x: Int, _ start: DirectStart, used: Int
  ) {
    var a0 = start.value(0, 0, used)
    var a1 = start.value(1, 0, used)
    var a2 = start.value(2, 0, used)
    var a3 = start.value(3, 0, used)
    var b0 = start.value(0, 1, used)
    var b1 = start.value(1, 1, used)
    var b2 = start.value(2, 1, used)
    var b3 = start.value(3, 1, used)
    for index in 0..<count {
      let source = sources[index]
      let corner = source.input + y * source.rowStride + x * 16
      var first = lanes(source.weights)
      var second = lanes(source.weights + source.weightsStride)
      for block in 0..<source.blocks {
        let used = source.usedLanes[block]
        for ky in 0..<source.kernelHeight {
          var pixel = corner + block * source.blockStride + ky * source.rowStride
          for _ in 0..<source.kernelWidth {
            for lane in 0..<used {
              let p = pixel + lane
              let (w, v) = (first[lane], second[lane])
              let p0 = Lanes(repeating: p[0])
              a0.addProduct(p0, w)
              b0.addProduct(p0, v)
              let p1 = Lanes(repeating: p[16])
              a1.addProduct(p1, w)
              b1.addProduct(p1, v)
              let p2 = Lanes(repeating: p[32])
              a2.addProduct(p2, w)
              b2.addProduct(p2, v)
              let p3 = Lanes(repeating: p[48])
              a3.addProduct(p3, w)
              b3.addProduct(p3, v)
            }
            first += 16
            second += 16
            pixel += 16
          }
        }
      }
    }
    start.store(a0, 0, 0, used)
    start.store(a1, 1, 0, used)
    start.store(a2, 2, 0, used)
    start.store(a3, 3, 0, used)
    start.store(b0, 0, 1, used)
    start.store(b1, 1, 1, used)
    start.store(b2, 2, 1, used)
    start.store(b3, 3, 1, used)
  }
#endif
