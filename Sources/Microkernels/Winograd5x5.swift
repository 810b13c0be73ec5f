import KernelInterface

// Winograd's F(4×4, 5×5): 64 products give 16 pixels, where the direct sum takes 400. As F(4×4, 3×3), with eight points.

private typealias P = EightPoints

/// Aᵀ: eight points to four pixels.
@inline(__always)
private func output8(_ m: UnsafePointer<Lanes>, _ s: Int, _ store: (Int, Lanes) -> Void) {
  let (sumA, differenceA) = (m[s] + m[2 * s], m[s] - m[2 * s])
  let (sumB, differenceB) = (m[3 * s] + m[4 * s], m[3 * s] - m[4 * s])
  let (sumC, differenceC) = (m[5 * s] + m[6 * s], m[5 * s] - m[6 * s])
  store(0, m[0] + sumA + sumB + sumC)
  store(1, P.sum(differenceA * P.a, P.b, differenceB, P.c, differenceC))
  store(2, P.sum(sumA * P.a2, P.b2, sumB, P.c2, sumC))
  store(3, fma(differenceC, P.c3, P.sum(m[7 * s], P.a3, differenceA, P.b3, differenceB)))
}

/// A: four gradients of pixels to eight points.
@inline(__always)
private func outputGradient8(_ y: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (y0, y1, y2, y3) = (y[0], y[s], y[2 * s], y[3 * s])
  let (evenA, oddA) = (fma(y2, P.a2, y0), fma(y3, P.a3, y1 * P.a))
  let (evenB, oddB) = (fma(y2, P.b2, y0), fma(y3, P.b3, y1 * P.b))
  let (evenC, oddC) = (fma(y2, P.c2, y0), fma(y3, P.c3, y1 * P.c))
  P.store(y0, (evenA, oddA), (evenB, oddB), (evenC, oddC), y3, t, r)
}

/// G: five weights to eight points.
@inline(__always)
private func weights8(_ w: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (w0, w1, w2, w3, w4) = (w[0], w[s], w[2 * s], w[3 * s], w[4 * s])
  let (evenA, oddA) = (P.sum(w0, P.a2, w2, P.a4, w4) * P.na, fma(w3, P.a3, w1 * P.a) * P.na)
  let (evenB, oddB) = (P.sum(w0, P.b2, w2, P.b4, w4) * P.nb, fma(w3, P.b3, w1 * P.b) * P.nb)
  let (evenC, oddC) = (P.sum(w0, P.c2, w2, P.c4, w4) * P.nc, fma(w3, P.c3, w1 * P.c) * P.nc)
  P.store(w0 * P.n0, (evenA, oddA), (evenB, oddB), (evenC, oddC), w4, t, r)
}

/// Gᵀ: eight points to the gradients of five weights.
@inline(__always)
private func weightGradient8(_ u: UnsafePointer<Lanes>, _ s: Int, _ w: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (sumA, differenceA) = ((u[s] + u[2 * s]) * P.na, (u[s] - u[2 * s]) * P.na)
  let (sumB, differenceB) = ((u[3 * s] + u[4 * s]) * P.nb, (u[3 * s] - u[4 * s]) * P.nb)
  let (sumC, differenceC) = ((u[5 * s] + u[6 * s]) * P.nc, (u[5 * s] - u[6 * s]) * P.nc)
  w[0] = fma(u[0], P.n0, sumA + sumB + sumC)
  w[r] = P.sum(differenceA * P.a, P.b, differenceB, P.c, differenceC)
  w[2 * r] = P.sum(sumA * P.a2, P.b2, sumB, P.c2, sumC)
  w[3 * r] = P.sum(differenceA * P.a3, P.b3, differenceB, P.c3, differenceC)
  w[4 * r] = fma(sumC, P.c4, P.sum(u[7 * s], P.a4, sumA, P.b4, sumB))
}

/// The transforms of F(4×4, 5×5).
func f32Winograd5x5() -> WinogradKernels {
  WinogradKernels(
    kernel: 5, tile: 4,
    input: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 8, to, pointStride, result: 8, scratch, P.input)
    },
    outputGradient: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 4, to, pointStride, result: 8, scratch, outputGradient8)
    },
    output: { points, pointStride, pixels, rowStride, rows, columns, bias, scratch in
      gather(points, pointStride, side: 8, tile: 4, pixels, rowStride, rows, columns, bias, scratch, output8)
    },
    weights: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 5 * fromStride / 16, fromStride / 16, side: 5, lanes(to), toStride / 16, result: 8, lanes(scratch),
        weights8)
    },
    weightGradient: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 8 * fromStride / 16, fromStride / 16, side: 8, lanes(to), toStride / 16, result: 5, lanes(scratch),
        weightGradient8)
    })
}
