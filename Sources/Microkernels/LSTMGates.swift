import KernelInterface

/// The arithmetic of some pixels of sixteen hidden channels of a ConvLSTM, forward and backward side by side.
///
/// Shi et al. 2015, eq. 3, with one peephole weight per channel:
///
///     i = σ(zᵢ + wᵢ∘C₋₁)   f = σ(z_f + w_f∘C₋₁)   g = tanh(z_g)   C = f∘C₋₁ + i∘g   o = σ(z_o + wₒ∘C)   H = o∘tanh(C)
///
/// where z is what the convolutions and the bias gave. Gate order in memory: i, f, o, g.
enum LSTMGates {
  @inline(__always)
  private static func peepholes(_ pointer: UnsafePointer<Float>?) -> (i: Lanes, f: Lanes, o: Lanes) {
    guard let pointer else { return (.zero, .zero, .zero) }
    let w = lanes(pointer)
    return (w[0], w[1], w[2])
  }

  /// The four gates of a row.
  @inline(__always)
  private static func gates(
    _ pixels: GatePixels, row: Int
  ) -> (
    i: UnsafeMutablePointer<Lanes>, f: UnsafeMutablePointer<Lanes>, o: UnsafeMutablePointer<Lanes>,
    g: UnsafeMutablePointer<Lanes>
  ) {
    let (first, stride) = (pixels.gates + row * pixels.gateRowStride, pixels.gateStride)
    return (lanes(first), lanes(first + stride), lanes(first + 2 * stride), lanes(first + 3 * stride))
  }

  /// Gates, cell and hidden state. The gates hold what the convolutions gave, and then, if they are kept, the gates'
  /// values.
  static func forward(_ pixels: GatePixels, _ hidden: UnsafeMutablePointer<Float>, _ hiddenRowStride: Int) {
    // Two loops rather than a test for every pixel.
    if pixels.keepsGates {
      forward(pixels, hidden, hiddenRowStride, keepsGates: true)
    } else {
      forward(pixels, hidden, hiddenRowStride, keepsGates: false)
    }
  }

  @inline(__always)
  private static func forward(
    _ pixels: GatePixels, _ hidden: UnsafeMutablePointer<Float>, _ hiddenRowStride: Int, keepsGates: Bool
  ) {
    let w = peepholes(pixels.peephole)
    for y in 0..<pixels.rows {
      let (zi, zf, zo, zg) = gates(pixels, row: y)
      let (before, after) = (
        lanes(pixels.previousCell + y * pixels.cellRowStride), lanes(pixels.cell + y * pixels.cellRowStride)
      )
      let h = lanes(hidden + y * hiddenRowStride)
      for x in 0..<pixels.columns {
        let c0 = before[x]
        let i = VectorMath.logistic(fma(w.i, c0, zi[x]))
        let f = VectorMath.logistic(fma(w.f, c0, zf[x]))
        let g = VectorMath.tanh(zg[x])
        let c = fma(i, g, f * c0)
        let o = VectorMath.logistic(fma(w.o, c, zo[x]))
        if keepsGates { (zi[x], zf[x], zo[x], zg[x]) = (i, f, o, g) }
        after[x] = c
        h[x] = o * VectorMath.tanh(c)
      }
    }
  }

  /// The gradients, from those with respect to H and C of this step.
  ///
  /// - Parameters:
  ///   - pixels: the gates' values are replaced by the gradients with respect to z.
  ///   - hiddenGradient: the gradient with respect to H.
  ///   - cellGradient: the gradient with respect to C that came from the step after; replaced by that with respect to
  ///     C₋₁.
  static func backward(
    _ pixels: GatePixels, _ hiddenGradient: UnsafePointer<Float>, _ cellGradient: UnsafeMutablePointer<Float>
  ) {
    let w = peepholes(pixels.peephole)
    let one = Lanes(repeating: 1)
    for y in 0..<pixels.rows {
      let offset = y * pixels.cellRowStride
      let (gi, gf, go, gg) = gates(pixels, row: y)
      let (before, after) = (lanes(pixels.previousCell + offset), lanes(pixels.cell + offset))
      let (dh, dc) = (lanes(hiddenGradient + offset), lanes(cellGradient + offset))
      for x in 0..<pixels.columns {
        let (i, f, o, g, c0) = (gi[x], gf[x], go[x], gg[x], before[x])
        let t = VectorMath.tanh(after[x])
        let dzo = dh[x] * t * o * (one - o)
        let dcx = fma(dzo, w.o, fma(dh[x] * o, one - t * t, dc[x]))
        let dzi = dcx * g * i * (one - i)
        let dzf = dcx * c0 * f * (one - f)
        let dzg = dcx * i * (one - g * g)
        (gi[x], gf[x], go[x], gg[x]) = (dzi, dzf, dzo, dzg)
        dc[x] = fma(dzf, w.f, fma(dzi, w.i, dcx * f))
      }
    }
  }

  /// Adds the pixels' part to the gradients of the four biases and the three peepholes of sixteen hidden channels. Each
  /// row is summed up by itself.
  ///
  /// - Parameter sums: `[7][16]`: the biases of i, f, o, g, then the peepholes of i, f, o.
  static func addParameterGradients(_ pixels: GatePixels, _ sums: UnsafeMutablePointer<Double>) {
    for y in 0..<pixels.rows {
      let (di, df, dO, dg) = gates(pixels, row: y)
      let (before, after) = (
        lanes(pixels.previousCell + y * pixels.cellRowStride), lanes(pixels.cell + y * pixels.cellRowStride)
      )
      var (bi, bf, bo, bg) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      var (wi, wf, wo) = (Lanes.zero, Lanes.zero, Lanes.zero)
      for x in 0..<pixels.columns {
        bi += di[x]
        bf += df[x]
        bo += dO[x]
        bg += dg[x]
        wi = fma(di[x], before[x], wi)
        wf = fma(df[x], before[x], wf)
        wo = fma(dO[x], after[x], wo)
      }
      addToDoubles(bi, sums)
      addToDoubles(bf, sums + 16)
      addToDoubles(bo, sums + 32)
      addToDoubles(bg, sums + 48)
      addToDoubles(wi, sums + 64)
      addToDoubles(wf, sums + 80)
      addToDoubles(wo, sums + 96)
    }
  }
}
