import KernelInterface

/// The arithmetic of one row of sixteen hidden channels of a ConvLSTM, forward and backward side by side.
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
    _ row: GateRow
  ) -> (
    i: UnsafeMutablePointer<Lanes>, f: UnsafeMutablePointer<Lanes>, o: UnsafeMutablePointer<Lanes>,
    g: UnsafeMutablePointer<Lanes>
  ) {
    let stride = row.gateStride
    return (
      lanes(row.gates), lanes(row.gates + stride), lanes(row.gates + 2 * stride), lanes(row.gates + 3 * stride)
    )
  }

  /// Gates, cell and hidden state of a row. The gates hold what the convolutions gave, and then the gates' values.
  static func forward(_ row: GateRow, _ hidden: UnsafeMutablePointer<Float>) {
    let (zi, zf, zo, zg) = gates(row)
    let (before, after, h) = (lanes(row.previousCell), lanes(row.cell), lanes(hidden))
    let w = peepholes(row.peephole)
    for x in 0..<row.width {
      let c0 = before[x]
      let i = VectorMath.logistic(zi[x].addingProduct(w.i, c0))
      let f = VectorMath.logistic(zf[x].addingProduct(w.f, c0))
      let g = VectorMath.tanh(zg[x])
      let c = (f * c0).addingProduct(i, g)
      let o = VectorMath.logistic(zo[x].addingProduct(w.o, c))
      (zi[x], zf[x], zo[x], zg[x]) = (i, f, o, g)
      after[x] = c
      h[x] = o * VectorMath.tanh(c)
    }
  }

  /// The gradients of a row, from those with respect to H and C of this step.
  ///
  /// - Parameters:
  ///   - row: the gates' values are replaced by the gradients with respect to z.
  ///   - hiddenGradient: the gradient with respect to H.
  ///   - cellGradient: the gradient with respect to C that came from the step after; replaced by that with respect to
  ///     C₋₁.
  static func backward(
    _ row: GateRow, _ hiddenGradient: UnsafePointer<Float>, _ cellGradient: UnsafeMutablePointer<Float>
  ) {
    let (gi, gf, go, gg) = gates(row)
    let (before, after, dh, dc) = (
      lanes(row.previousCell), lanes(row.cell), lanes(hiddenGradient), lanes(cellGradient)
    )
    let w = peepholes(row.peephole)
    let one = Lanes(repeating: 1)
    for x in 0..<row.width {
      let (i, f, o, g, c0) = (gi[x], gf[x], go[x], gg[x], before[x])
      let t = VectorMath.tanh(after[x])
      let dzo = dh[x] * t * o * (one - o)
      let dcx = (dc[x] + dh[x] * o * (one - t * t)).addingProduct(dzo, w.o)
      let dzi = dcx * g * i * (one - i)
      let dzf = dcx * c0 * f * (one - f)
      let dzg = dcx * i * (one - g * g)
      (gi[x], gf[x], go[x], gg[x]) = (dzi, dzf, dzo, dzg)
      dc[x] = (dcx * f).addingProduct(dzi, w.i).addingProduct(dzf, w.f)
    }
  }

  /// Adds a row's part to the gradients of the four biases and the three peepholes of sixteen hidden channels.
  ///
  /// - Parameter sums: `[7][16]`: the biases of i, f, o, g, then the peepholes of i, f, o.
  static func addParameterGradients(_ row: GateRow, _ sums: UnsafeMutablePointer<Double>) {
    let (di, df, dO, dg) = gates(row)
    let (before, after) = (lanes(row.previousCell), lanes(row.cell))
    var (bi, bf, bo, bg) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (wi, wf, wo) = (Lanes.zero, Lanes.zero, Lanes.zero)
    for x in 0..<row.width {
      bi += di[x]
      bf += df[x]
      bo += dO[x]
      bg += dg[x]
      wi.addProduct(di[x], before[x])
      wf.addProduct(df[x], before[x])
      wo.addProduct(dO[x], after[x])
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
