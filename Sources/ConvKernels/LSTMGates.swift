/// The arithmetic of one row of sixteen hidden channels of a ConvLSTM, forward and backward side by side.
///
/// Shi et al. 2015, eq. 3, with one peephole weight per channel:
///
///     i = σ(zᵢ + wᵢ∘C₋₁)   f = σ(z_f + w_f∘C₋₁)   g = tanh(z_g)   C = f∘C₋₁ + i∘g   o = σ(z_o + wₒ∘C)   H = o∘tanh(C)
///
/// where z is what the convolutions and the bias gave. Gate order in memory: i, f, o, g.
enum LSTMGates {
  /// The four gates of a row: before ``forward(gates:gateStride:previousCell:cell:hidden:peephole:width:)`` what the
  /// convolutions gave, after it the gates' values; after the backward pass the gradients with respect to the former.
  typealias Row = UnsafeMutablePointer<Float>

  @inline(__always)
  private static func lanes(_ pointer: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Lanes> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Lanes.self)
  }

  @inline(__always)
  private static func lanes(_ pointer: UnsafePointer<Float>) -> UnsafePointer<Lanes> {
    UnsafeRawPointer(pointer).assumingMemoryBound(to: Lanes.self)
  }

  @inline(__always)
  private static func peepholes(_ pointer: UnsafePointer<Float>?) -> (i: Lanes, f: Lanes, o: Lanes) {
    guard let pointer else { return (.zero, .zero, .zero) }
    let w = lanes(pointer)
    return (w[0], w[1], w[2])
  }

  /// Gates, cell and hidden state of a row.
  ///
  /// - Parameters:
  ///   - gates: the row of the input gate; the others follow `gateStride` floats apart.
  ///   - cell: may be the same memory as `previousCell`.
  ///   - peephole: `[3][16]` for i, f, o.
  static func forward(
    gates: Row, gateStride: Int, previousCell: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>,
    hidden: UnsafeMutablePointer<Float>, peephole: UnsafePointer<Float>?, width: Int
  ) {
    let (zi, zf, zo, zg) = (
      lanes(gates), lanes(gates + gateStride), lanes(gates + 2 * gateStride), lanes(gates + 3 * gateStride)
    )
    let (before, after, h) = (lanes(previousCell), lanes(cell), lanes(hidden))
    let w = peepholes(peephole)
    for x in 0..<width {
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

  /// The gradients of a row, from the gradients with respect to H and C of this step.
  ///
  /// - Parameters:
  ///   - gates: the gates' values; replaced by the gradients with respect to z.
  ///   - hiddenGradient: the gradient with respect to H.
  ///   - cellGradient: the gradient with respect to C that came from the step after; replaced by that with respect to
  ///     C₋₁.
  static func backward(
    gates: Row, gateStride: Int, previousCell: UnsafePointer<Float>, cell: UnsafePointer<Float>,
    hiddenGradient: UnsafePointer<Float>, cellGradient: UnsafeMutablePointer<Float>, peephole: UnsafePointer<Float>?,
    width: Int
  ) {
    let (gi, gf, go, gg) = (
      lanes(gates), lanes(gates + gateStride), lanes(gates + 2 * gateStride), lanes(gates + 3 * gateStride)
    )
    let (before, after, dh, dc) = (lanes(previousCell), lanes(cell), lanes(hiddenGradient), lanes(cellGradient))
    let w = peepholes(peephole)
    let one = Lanes(repeating: 1)
    for x in 0..<width {
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
  static func addParameterGradients(
    gates: UnsafePointer<Float>, gateStride: Int, previousCell: UnsafePointer<Float>, cell: UnsafePointer<Float>,
    width: Int, sums: UnsafeMutablePointer<SIMD16<Double>>
  ) {
    let (di, df, dO, dg) = (
      lanes(gates), lanes(gates + gateStride), lanes(gates + 2 * gateStride), lanes(gates + 3 * gateStride)
    )
    let (before, after) = (lanes(previousCell), lanes(cell))
    var (bi, bf, bo, bg) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var (wi, wf, wo) = (Lanes.zero, Lanes.zero, Lanes.zero)
    for x in 0..<width {
      bi += di[x]
      bf += df[x]
      bo += dO[x]
      bg += dg[x]
      wi.addProduct(di[x], before[x])
      wf.addProduct(df[x], before[x])
      wo.addProduct(dO[x], after[x])
    }
    // Rows are summed in double precision: there are many of them.
    for (index, row) in [bi, bf, bo, bg, wi, wf, wo].enumerated() { sums[index] += SIMD16<Double>(row) }
  }
}
