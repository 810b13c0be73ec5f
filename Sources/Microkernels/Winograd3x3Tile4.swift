import KernelInterface

// Winograd's F(4×4, 3×3) (Lavin and Gray 2016): 36 products give 16 pixels, where the direct sum takes 144.
//
// The transforms follow from Toom and Cook's interpolation of polynomials at the points 0, ±a, ±b and ∞:
//
//     y = Aᵀ [(G w) ∘ (Bᵀ d)]      Aᵀ: values of a cubic's dual,  G: values of the kernel at the points, divided by
//                                  Nᵢ = Π(pᵢ − pⱼ),  Bᵀ: the coefficients of Π(x − pⱼ) without the factor i
//
// The points come in pairs ±p, so that even and odd parts are shared. With a = 5/8 and b = 3/2, not the usual 1 and 2,
// the transforms amplify rounding errors four times less, and all constants of A and B are exact.

private var a: Float { 5 / 8 }
private var b: Float { 3 / 2 }
private var a2: Float { 25 / 64 }
private var b2: Float { 9 / 4 }
private var a3: Float { 125 / 512 }
private var b3: Float { 27 / 8 }
/// a² + b², and a²·b².
private var sum: Float { 169 / 64 }
private var product: Float { 225 / 256 }
/// 1 ⁄ N of the points 0, ±a and ±b.
private var n0: Float { 256 / 225 }
private var na: Float { 1 / (2 * 25 / 64 * (25 / 64 - 9 / 4)) }
private var nb: Float { 1 / (2 * 9 / 4 * (9 / 4 - 25 / 64)) }

/// Bᵀ: six pixels to six points.
@inline(__always)
private func input6(_ d: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (d0, d1, d2, d3, d4, d5) = (d[0], d[s], d[2 * s], d[3 * s], d[4 * s], d[5 * s])
  t[0] = fma(d0, product, fma(d2, -sum, d4))
  t[5 * r] = fma(d1, product, fma(d3, -sum, d5))
  let (evenA, oddA) = (
    fma(d2, -b2, d4), fma(d1, -b2, d3)
  )
  let (evenB, oddB) = (
    fma(d2, -a2, d4), fma(d1, -a2, d3)
  )
  t[r] = fma(oddA, a, evenA)
  t[2 * r] = fma(oddA, -a, evenA)
  t[3 * r] = fma(oddB, b, evenB)
  t[4 * r] = fma(oddB, -b, evenB)
}

/// Aᵀ: six points to four pixels.
@inline(__always)
private func output6(_ m: UnsafePointer<Lanes>, _ s: Int, _ store: (Int, Lanes) -> Void) {
  let (sumA, differenceA) = (m[s] + m[2 * s], m[s] - m[2 * s])
  let (sumB, differenceB) = (m[3 * s] + m[4 * s], m[3 * s] - m[4 * s])
  store(0, m[0] + sumA + sumB)
  store(1, fma(differenceB, b, differenceA * a))
  store(2, fma(sumB, b2, sumA * a2))
  store(3, fma(differenceB, b3, fma(differenceA, a3, m[5 * s])))
}

/// A: four gradients of pixels to six points.
@inline(__always)
private func outputGradient6(_ y: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (y0, y1, y2, y3) = (y[0], y[s], y[2 * s], y[3 * s])
  let (evenA, oddA) = (fma(y2, a2, y0), fma(y3, a3, y1 * a))
  let (evenB, oddB) = (fma(y2, b2, y0), fma(y3, b3, y1 * b))
  t[0] = y0
  t[r] = evenA + oddA
  t[2 * r] = evenA - oddA
  t[3 * r] = evenB + oddB
  t[4 * r] = evenB - oddB
  t[5 * r] = y3
}

/// G: three weights to six points.
@inline(__always)
private func weights6(_ w: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (w0, w1, w2) = (w[0], w[s], w[2 * s])
  let (evenA, oddA) = (fma(w2, a2, w0) * na, w1 * (a * na))
  let (evenB, oddB) = (fma(w2, b2, w0) * nb, w1 * (b * nb))
  t[0] = w0 * n0
  t[r] = evenA + oddA
  t[2 * r] = evenA - oddA
  t[3 * r] = evenB + oddB
  t[4 * r] = evenB - oddB
  t[5 * r] = w2
}

/// Gᵀ: six points to the gradients of three weights.
@inline(__always)
private func weightGradient6(_ u: UnsafePointer<Lanes>, _ s: Int, _ w: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (sumA, differenceA) = ((u[s] + u[2 * s]) * na, (u[s] - u[2 * s]) * na)
  let (sumB, differenceB) = ((u[3 * s] + u[4 * s]) * nb, (u[3 * s] - u[4 * s]) * nb)
  w[0] = (u[0] * n0) + sumA + sumB
  w[r] = fma(differenceB, b, differenceA * a)
  w[2 * r] = fma(sumB, b2, fma(sumA, a2, u[5 * s]))
}

/// The transforms of F(4×4, 3×3).
func f32Winograd3x3Tile4() -> WinogradKernels {
  WinogradKernels(
    kernel: 3, tile: 4,
    input: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 6, to, pointStride, result: 6, scratch, input6)
    },
    outputGradient: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 4, to, pointStride, result: 6, scratch, outputGradient6)
    },
    output: { points, pointStride, pixels, rowStride, rows, columns, bias, scratch in
      gather(points, pointStride, side: 6, tile: 4, pixels, rowStride, rows, columns, bias, scratch, output6)
    },
    weights: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 3 * fromStride / 16, fromStride / 16, side: 3, lanes(to), toStride / 16, result: 6, lanes(scratch),
        weights6)
    },
    weightGradient: { from, fromStride, to, toStride, scratch in
      twice(
        lanes(from), 6 * fromStride / 16, fromStride / 16, side: 6, lanes(to), toStride / 16, result: 3, lanes(scratch),
        weightGradient6)
    })
}
