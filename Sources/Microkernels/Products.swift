import CCPUInfo
import KernelInterface

// Matrix products between the transforms of Winograd's algorithm: a register tile of tiles × output channels, sized like
// the direct convolution's. A sum runs over the sources, their blocks and their lanes in this order, whatever the tile.

/// Some tiles, in groups of which the last may not be full, times one or two blocks of output channels.
func f32Products(
  _ sources: UnsafePointer<ProductSource>, _ count: Int, _ tiles: Int, _ blocks: Int,
  _ output: UnsafeMutablePointer<Float>, _ outputStride: Int, _ accumulates: Bool
) {
  let out = lanes(output)
  for first in stride(from: 0, to: tiles, by: productGroupTiles) {
    let group = first / productGroupTiles
    #if WIDE_REGISTERS
      switch (blocks, tiles - first <= 6) {
      case (2, false): f32Product12x32(sources, count, group: group, out + first, outputStride / 16, accumulates)
      case (2, true): f32Product6x32(sources, count, group: group, out + first, outputStride / 16, accumulates)
      case (_, false): f32Product12x16(sources, count, group: group, out + first, accumulates)
      case (_, true): f32Product6x16(sources, count, group: group, out + first, accumulates)
      }
    #else
      f32Product6x16(sources, count, group: group, out + first, accumulates)
    #endif
  }
}

/// Tiles of a group, as many as the registers hold beside the weights.
var productGroupTiles: Int {
  #if WIDE_REGISTERS
    12
  #else
    6
  #endif
}

@inline(__always)
private func f32Product6x16(
  _ sources: UnsafePointer<ProductSource>, _ count: Int, group: Int, _ output: UnsafeMutablePointer<Lanes>,
  _ accumulates: Bool
) {
  var a0 = accumulates ? output[0] : Lanes.zero
  var a1 = accumulates ? output[1] : Lanes.zero
  var a2 = accumulates ? output[2] : Lanes.zero
  var a3 = accumulates ? output[3] : Lanes.zero
  var a4 = accumulates ? output[4] : Lanes.zero
  var a5 = accumulates ? output[5] : Lanes.zero
  for index in 0..<count {
    let source = sources[index]
    var tile = source.tiles + group * source.groupStride
    var first = lanes(source.weights)
    for block in 0..<source.blocks {
      for lane in 0..<source.usedLanes[block] {
        let p = tile + lane
        let w = first[lane]
        a0.addProduct(Lanes(repeating: p[0]), w)
        a1.addProduct(Lanes(repeating: p[16]), w)
        a2.addProduct(Lanes(repeating: p[32]), w)
        a3.addProduct(Lanes(repeating: p[48]), w)
        a4.addProduct(Lanes(repeating: p[64]), w)
        a5.addProduct(Lanes(repeating: p[80]), w)
      }
      tile += productGroupTiles * 16
      first += 16
    }
  }
  output[0] = a0
  output[1] = a1
  output[2] = a2
  output[3] = a3
  output[4] = a4
  output[5] = a5
}

#if WIDE_REGISTERS
  @inline(__always)
  private func f32Product12x32(
    _ sources: UnsafePointer<ProductSource>, _ count: Int, group: Int, _ output: UnsafeMutablePointer<Lanes>,
    _ stride: Int, _ accumulates: Bool
  ) {
    var a0 = accumulates ? output[0] : Lanes.zero
    var a1 = accumulates ? output[1] : Lanes.zero
    var a2 = accumulates ? output[2] : Lanes.zero
    var a3 = accumulates ? output[3] : Lanes.zero
    var a4 = accumulates ? output[4] : Lanes.zero
    var a5 = accumulates ? output[5] : Lanes.zero
    var a6 = accumulates ? output[6] : Lanes.zero
    var a7 = accumulates ? output[7] : Lanes.zero
    var a8 = accumulates ? output[8] : Lanes.zero
    var a9 = accumulates ? output[9] : Lanes.zero
    var a10 = accumulates ? output[10] : Lanes.zero
    var a11 = accumulates ? output[11] : Lanes.zero
    var b0 = accumulates ? output[stride + 0] : Lanes.zero
    var b1 = accumulates ? output[stride + 1] : Lanes.zero
    var b2 = accumulates ? output[stride + 2] : Lanes.zero
    var b3 = accumulates ? output[stride + 3] : Lanes.zero
    var b4 = accumulates ? output[stride + 4] : Lanes.zero
    var b5 = accumulates ? output[stride + 5] : Lanes.zero
    var b6 = accumulates ? output[stride + 6] : Lanes.zero
    var b7 = accumulates ? output[stride + 7] : Lanes.zero
    var b8 = accumulates ? output[stride + 8] : Lanes.zero
    var b9 = accumulates ? output[stride + 9] : Lanes.zero
    var b10 = accumulates ? output[stride + 10] : Lanes.zero
    var b11 = accumulates ? output[stride + 11] : Lanes.zero
    for index in 0..<count {
      let source = sources[index]
      var tile = source.tiles + group * source.groupStride
      var first = lanes(source.weights)
      let next = source.nextWeights / 16
      var second = lanes(source.weights + source.weightsStride)
      for block in 0..<source.blocks {
        for lane in 0..<source.usedLanes[block] {
          let p = tile + lane
          let (w, v) = (first[lane], second[lane])
          // The next product starts elsewhere in memory, where no hardware would look ahead.
          cpu_info_prefetch(first + (lane + next))
          cpu_info_prefetch(second + (lane + next))
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
        tile += 192
        first += 16
        second += 16
      }
    }
    output[0] = a0
    output[1] = a1
    output[2] = a2
    output[3] = a3
    output[4] = a4
    output[5] = a5
    output[6] = a6
    output[7] = a7
    output[8] = a8
    output[9] = a9
    output[10] = a10
    output[11] = a11
    output[stride + 0] = b0
    output[stride + 1] = b1
    output[stride + 2] = b2
    output[stride + 3] = b3
    output[stride + 4] = b4
    output[stride + 5] = b5
    output[stride + 6] = b6
    output[stride + 7] = b7
    output[stride + 8] = b8
    output[stride + 9] = b9
    output[stride + 10] = b10
    output[stride + 11] = b11
  }

  @inline(__always)
  private func f32Product12x16(
    _ sources: UnsafePointer<ProductSource>, _ count: Int, group: Int, _ output: UnsafeMutablePointer<Lanes>,
    _ accumulates: Bool
  ) {
    var a0 = accumulates ? output[0] : Lanes.zero
    var a1 = accumulates ? output[1] : Lanes.zero
    var a2 = accumulates ? output[2] : Lanes.zero
    var a3 = accumulates ? output[3] : Lanes.zero
    var a4 = accumulates ? output[4] : Lanes.zero
    var a5 = accumulates ? output[5] : Lanes.zero
    var a6 = accumulates ? output[6] : Lanes.zero
    var a7 = accumulates ? output[7] : Lanes.zero
    var a8 = accumulates ? output[8] : Lanes.zero
    var a9 = accumulates ? output[9] : Lanes.zero
    var a10 = accumulates ? output[10] : Lanes.zero
    var a11 = accumulates ? output[11] : Lanes.zero
    for index in 0..<count {
      let source = sources[index]
      var tile = source.tiles + group * source.groupStride
      var first = lanes(source.weights)
      for block in 0..<source.blocks {
        for lane in 0..<source.usedLanes[block] {
          let p = tile + lane
          let w = first[lane]
          a0.addProduct(Lanes(repeating: p[0]), w)
          a1.addProduct(Lanes(repeating: p[16]), w)
          a2.addProduct(Lanes(repeating: p[32]), w)
          a3.addProduct(Lanes(repeating: p[48]), w)
          a4.addProduct(Lanes(repeating: p[64]), w)
          a5.addProduct(Lanes(repeating: p[80]), w)
          a6.addProduct(Lanes(repeating: p[96]), w)
          a7.addProduct(Lanes(repeating: p[112]), w)
          a8.addProduct(Lanes(repeating: p[128]), w)
          a9.addProduct(Lanes(repeating: p[144]), w)
          a10.addProduct(Lanes(repeating: p[160]), w)
          a11.addProduct(Lanes(repeating: p[176]), w)
        }
        tile += 192
        first += 16
      }
    }
    output[0] = a0
    output[1] = a1
    output[2] = a2
    output[3] = a3
    output[4] = a4
    output[5] = a5
    output[6] = a6
    output[7] = a7
    output[8] = a8
    output[9] = a9
    output[10] = a10
    output[11] = a11
  }
  @inline(__always)
  private func f32Product6x32(
    _ sources: UnsafePointer<ProductSource>, _ count: Int, group: Int, _ output: UnsafeMutablePointer<Lanes>,
    _ stride: Int, _ accumulates: Bool
  ) {
    var a0 = accumulates ? output[0] : Lanes.zero
    var a1 = accumulates ? output[1] : Lanes.zero
    var a2 = accumulates ? output[2] : Lanes.zero
    var a3 = accumulates ? output[3] : Lanes.zero
    var a4 = accumulates ? output[4] : Lanes.zero
    var a5 = accumulates ? output[5] : Lanes.zero
    var b0 = accumulates ? output[stride + 0] : Lanes.zero
    var b1 = accumulates ? output[stride + 1] : Lanes.zero
    var b2 = accumulates ? output[stride + 2] : Lanes.zero
    var b3 = accumulates ? output[stride + 3] : Lanes.zero
    var b4 = accumulates ? output[stride + 4] : Lanes.zero
    var b5 = accumulates ? output[stride + 5] : Lanes.zero
    for index in 0..<count {
      let source = sources[index]
      var tile = source.tiles + group * source.groupStride
      var first = lanes(source.weights)
      let next = source.nextWeights / 16
      var second = lanes(source.weights + source.weightsStride)
      for block in 0..<source.blocks {
        for lane in 0..<source.usedLanes[block] {
          let p = tile + lane
          let (w, v) = (first[lane], second[lane])
          // The next product starts elsewhere in memory, where no hardware would look ahead.
          cpu_info_prefetch(first + (lane + next))
          cpu_info_prefetch(second + (lane + next))
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
        }
        tile += 192
        first += 16
        second += 16
      }
    }
    output[0] = a0
    output[1] = a1
    output[2] = a2
    output[3] = a3
    output[4] = a4
    output[5] = a5
    output[stride + 0] = b0
    output[stride + 1] = b1
    output[stride + 2] = b2
    output[stride + 3] = b3
    output[stride + 4] = b4
    output[stride + 5] = b5
  }
#endif
