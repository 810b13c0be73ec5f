// Products of weight gradients: a register tile of input channels × output channels, summed over pixels or tiles.

/// Adds to four times sixteen sums: for four input channels the sum over pixels of input × output gradient of sixteen
/// channels.
func f32DirectWeightGradient4x16(
  _ input: UnsafePointer<Float>, _ inputStride: Int, _ gradient: UnsafePointer<Float>, _ gradientStride: Int,
  _ rows: Int, _ width: Int, _ sums: UnsafeMutablePointer<Float>
) {
  var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  for row in 0..<rows {
    var x = input + row * inputStride
    var g = lanes(gradient + row * gradientStride)
    for _ in 0..<width {
      let w = g[0]
      a0.addProduct(Lanes(repeating: x[0]), w)
      a1.addProduct(Lanes(repeating: x[1]), w)
      a2.addProduct(Lanes(repeating: x[2]), w)
      a3.addProduct(Lanes(repeating: x[3]), w)
      x += 16
      g += 1
    }
  }
  let sums = lanes(sums)
  sums[0] += a0
  sums[1] += a1
  sums[2] += a2
  sums[3] += a3
}

/// Adds to `sums[block][16][16]` the products of the first `lanesUsed` of sixteen input channels with one or two blocks
/// of output channels over `tiles` tiles.
func f32WeightProducts(
  _ input: UnsafePointer<Float>, _ lanesUsed: Int, _ gradient: UnsafePointer<Float>, _ gradientStride: Int,
  _ blocks: Int, _ tiles: Int, _ sums: UnsafeMutablePointer<Float>, _ sumsStride: Int
) {
  #if WIDE_REGISTERS
    if blocks == 2 {
      var lane = 0
      while lane < lanesUsed {
        f32WeightProducts8x32(
          input + lane, lanes(gradient), lanes(gradient + gradientStride), tiles, lanes(sums) + lane,
          lanes(sums + sumsStride) + lane)
        lane += 8
      }
      return
    }
  #endif
  var lane = 0
  while lane < lanesUsed {
    f32WeightProducts4x16(input + lane, lanes(gradient), tiles, lanes(sums) + lane)
    lane += 4
  }
}

@inline(__always)
private func f32WeightProducts4x16(
  _ input: UnsafePointer<Float>, _ gradient: UnsafePointer<Lanes>, _ tiles: Int, _ sums: UnsafeMutablePointer<Lanes>
) {
  var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  var x = input
  for tile in 0..<tiles {
    let w = gradient[tile]
    a0.addProduct(Lanes(repeating: x[0]), w)
    a1.addProduct(Lanes(repeating: x[1]), w)
    a2.addProduct(Lanes(repeating: x[2]), w)
    a3.addProduct(Lanes(repeating: x[3]), w)
    x += 16
  }
  sums[0] += a0
  sums[1] += a1
  sums[2] += a2
  sums[3] += a3
}

#if WIDE_REGISTERS
  @inline(__always)
  private func f32WeightProducts8x32(
    _ input: UnsafePointer<Float>, _ first: UnsafePointer<Lanes>, _ second: UnsafePointer<Lanes>, _ tiles: Int,
    _ firstSums: UnsafeMutablePointer<Lanes>, _ secondSums: UnsafeMutablePointer<Lanes>
  ) {
    var (a0, a1, a2, a3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (a4, a5, a6, a7) = (a0, a0, a0, a0)
    var (b0, b1, b2, b3) = (a0, a0, a0, a0)
    var (b4, b5, b6, b7) = (a0, a0, a0, a0)
    var x = input
    for tile in 0..<tiles {
      let (w, v) = (first[tile], second[tile])
      let x0 = Lanes(repeating: x[0])
      a0.addProduct(x0, w)
      b0.addProduct(x0, v)
      let x1 = Lanes(repeating: x[1])
      a1.addProduct(x1, w)
      b1.addProduct(x1, v)
      let x2 = Lanes(repeating: x[2])
      a2.addProduct(x2, w)
      b2.addProduct(x2, v)
      let x3 = Lanes(repeating: x[3])
      a3.addProduct(x3, w)
      b3.addProduct(x3, v)
      let x4 = Lanes(repeating: x[4])
      a4.addProduct(x4, w)
      b4.addProduct(x4, v)
      let x5 = Lanes(repeating: x[5])
      a5.addProduct(x5, w)
      b5.addProduct(x5, v)
      let x6 = Lanes(repeating: x[6])
      a6.addProduct(x6, w)
      b6.addProduct(x6, v)
      let x7 = Lanes(repeating: x[7])
      a7.addProduct(x7, w)
      b7.addProduct(x7, v)
      x += 16
    }
    firstSums[0] += a0
    firstSums[1] += a1
    firstSums[2] += a2
    firstSums[3] += a3
    firstSums[4] += a4
    firstSums[5] += a5
    firstSums[6] += a6
    firstSums[7] += a7
    secondSums[0] += b0
    secondSums[1] += b1
    secondSums[2] += b2
    secondSums[3] += b3
    secondSums[4] += b4
    secondSums[5] += b5
    secondSums[6] += b6
    secondSums[7] += b7
  }
#endif
