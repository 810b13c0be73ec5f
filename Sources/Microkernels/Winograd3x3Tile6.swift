import KernelInterface

// Winograd's F(6×6, 3×3): 64 products give 36 pixels, where the direct sum takes 324. A fifth fewer than F(4×4, 3×3), where
// the image is large enough to fill the tiles, and rounding errors like those of F(4×4, 5×5).

private typealias P = EightPoints

/// Aᵀ: eight points to six pixels.
@inline(__always)
private func output8(_ m: UnsafePointer<Lanes>, _ s: Int, _ store: (Int, Lanes) -> Void) {
  let (sumA, differenceA) = (m[s] + m[2 * s], m[s] - m[2 * s])
  let (sumB, differenceB) = (m[3 * s] + m[4 * s], m[3 * s] - m[4 * s])
  let (sumC, differenceC) = (m[5 * s] + m[6 * s], m[5 * s] - m[6 * s])
  store(0, m[0] + sumA + sumB + sumC)
  store(1, P.sum(differenceA * P.a, P.b, differenceB, P.c, differenceC))
  store(2, P.sum(sumA * P.a2, P.b2, sumB, P.c2, sumC))
  store(3, P.sum(differenceA * P.a3, P.b3, differenceB, P.c3, differenceC))
  store(4, P.sum(sumA * P.a4, P.b4, sumB, P.c4, sumC))
  store(5, fma(differenceC, P.c5, P.sum(m[7 * s], P.a5, differenceA, P.b5, differenceB)))
}

/// A: six gradients of pixels to eight points.
@inline(__always)
private func outputGradient8(_ y: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (y0, y1, y2, y3, y4, y5) = (y[0], y[s], y[2 * s], y[3 * s], y[4 * s], y[5 * s])
  let (evenA, oddA) = (P.sum(y0, P.a2, y2, P.a4, y4), P.sum(y1 * P.a, P.a3, y3, P.a5, y5))
  let (evenB, oddB) = (P.sum(y0, P.b2, y2, P.b4, y4), P.sum(y1 * P.b, P.b3, y3, P.b5, y5))
  let (evenC, oddC) = (P.sum(y0, P.c2, y2, P.c4, y4), P.sum(y1 * P.c, P.c3, y3, P.c5, y5))
  P.store(y0, (evenA, oddA), (evenB, oddB), (evenC, oddC), y5, t, r)
}

/// G: three weights to eight points.
@inline(__always)
private func weights8(_ w: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (w0, w1, w2) = (w[0], w[s], w[2 * s])
  let (evenA, oddA) = (fma(w2, P.a2, w0) * P.na, w1 * (P.a * P.na))
  let (evenB, oddB) = (fma(w2, P.b2, w0) * P.nb, w1 * (P.b * P.nb))
  let (evenC, oddC) = (fma(w2, P.c2, w0) * P.nc, w1 * (P.c * P.nc))
  P.store(w0 * P.n0, (evenA, oddA), (evenB, oddB), (evenC, oddC), w2, t, r)
}

/// Gᵀ: eight points to the gradients of three weights.
@inline(__always)
private func weightGradient8(_ u: UnsafePointer<Lanes>, _ s: Int, _ w: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (sumA, differenceA) = ((u[s] + u[2 * s]) * P.na, (u[s] - u[2 * s]) * P.na)
  let (sumB, differenceB) = ((u[3 * s] + u[4 * s]) * P.nb, (u[3 * s] - u[4 * s]) * P.nb)
  let (sumC, differenceC) = ((u[5 * s] + u[6 * s]) * P.nc, (u[5 * s] - u[6 * s]) * P.nc)
  w[0] = fma(u[0], P.n0, sumA + sumB + sumC)
  w[r] = P.sum(differenceA * P.a, P.b, differenceB, P.c, differenceC)
  w[2 * r] = fma(sumC, P.c2, P.sum(u[7 * s], P.a2, sumA, P.b2, sumB))
}

/// The transforms of F(6×6, 3×3).
func f32Winograd3x3Tile6() -> WinogradKernels {
  WinogradKernels(
    kernel: 3, tile: 6,
    input: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 8, to, pointStride, result: 8, scratch, P.input)
    },
    outputGradient: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 6, to, pointStride, result: 8, scratch, outputGradient8)
    },
    output: { points, pointStride, pixels, rowStride, rows, columns, bias, scratch in
      gather(points, pointStride, side: 8, tile: 6, pixels, rowStride, rows, columns, bias, scratch, output8)
    },
    weights: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 3 * fromStride / 16, fromStride / 16, side: 3, lanes(to), toStride / 16, result: 8, lanes(scratch),
        weights8)
    },
    weightGradient: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 8 * fromStride / 16, fromStride / 16, side: 8, lanes(to), toStride / 16, result: 3, lanes(scratch),
        weightGradient8)
    })
}
