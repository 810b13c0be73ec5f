import KernelInterface

// Winograd's F(4×4, 5×5): 64 products give 16 pixels, where the direct sum takes 400. As F(4×4, 3×3), with the eight
// points 0, ±1/2, ±1, ±2 and ∞; all constants of A and B are exact.

private var a: Float { 1 / 2 }
private var b: Float { 1 }
private var c: Float { 2 }
private var a2: Float { 1 / 4 }
private var b2: Float { 1 }
private var c2: Float { 4 }
private var a3: Float { 1 / 8 }
private var b3: Float { 1 }
private var c3: Float { 8 }
private var a4: Float { 1 / 16 }
private var b4: Float { 1 }
private var c4: Float { 16 }
/// The coefficients of (x² − a²)(x² − b²)(x² − c²) = x⁶ − e₁x⁴ + e₂x² − e₃.
private var e1: Float { 21 / 4 }
private var e2: Float { 21 / 4 }
private var e3: Float { 1 }
/// 1 ⁄ N of the points 0, ±a, ±b and ±c.
private var n0: Float { -1 }
private var na: Float { 1 / (2 / 4 * (1 / 4 - 1) * (1 / 4 - 4)) }
private var nb: Float { 1 / (2 * (1 - 1 / 4) * (1 - 4)) }
private var nc: Float { 1 / (2 * 4 * (4 - 1 / 4) * (4 - 1)) }

/// Three vectors, `x + p·y + q·z`.
@inline(__always)
private func sum(_ x: Lanes, _ p: Float, _ y: Lanes, _ q: Float, _ z: Lanes) -> Lanes {
  x.addingProduct(y, Lanes(repeating: p)).addingProduct(z, Lanes(repeating: q))
}

/// Bᵀ: eight pixels to eight points.
@inline(__always)
private func input8(_ d: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (d1, d2, d3, d4, d5, d6) = (d[s], d[2 * s], d[3 * s], d[4 * s], d[5 * s], d[6 * s])
  t[0] = sum(d6, -e1, d4, e2, d2).addingProduct(d[0], Lanes(repeating: -e3))
  t[7 * r] = sum(d[7 * s], -e1, d5, e2, d3).addingProduct(d1, Lanes(repeating: -e3))
  let (evenA, oddA) = (sum(d6, -(b2 + c2), d4, b2 * c2, d2), sum(d5, -(b2 + c2), d3, b2 * c2, d1))
  t[r] = evenA.addingProduct(oddA, Lanes(repeating: a))
  t[2 * r] = evenA.addingProduct(oddA, Lanes(repeating: -a))
  let (evenB, oddB) = (sum(d6, -(a2 + c2), d4, a2 * c2, d2), sum(d5, -(a2 + c2), d3, a2 * c2, d1))
  t[3 * r] = evenB.addingProduct(oddB, Lanes(repeating: b))
  t[4 * r] = evenB.addingProduct(oddB, Lanes(repeating: -b))
  let (evenC, oddC) = (sum(d6, -(a2 + b2), d4, a2 * b2, d2), sum(d5, -(a2 + b2), d3, a2 * b2, d1))
  t[5 * r] = evenC.addingProduct(oddC, Lanes(repeating: c))
  t[6 * r] = evenC.addingProduct(oddC, Lanes(repeating: -c))
}

/// Aᵀ: eight points to four pixels.
@inline(__always)
private func output8(_ m: UnsafePointer<Lanes>, _ s: Int) -> (Lanes, Lanes, Lanes, Lanes) {
  let (sumA, differenceA) = (m[s] + m[2 * s], m[s] - m[2 * s])
  let (sumB, differenceB) = (m[3 * s] + m[4 * s], m[3 * s] - m[4 * s])
  let (sumC, differenceC) = (m[5 * s] + m[6 * s], m[5 * s] - m[6 * s])
  let y0 = m[0] + sumA + sumB + sumC
  let y1 = sum(differenceA * a, b, differenceB, c, differenceC)
  let y2 = sum(sumA * a2, b2, sumB, c2, sumC)
  let y3 = sum(m[7 * s], a3, differenceA, b3, differenceB).addingProduct(differenceC, Lanes(repeating: c3))
  return (y0, y1, y2, y3)
}

/// A: four gradients of pixels to eight points.
@inline(__always)
private func outputGradient8(_ y: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (y0, y1, y2, y3) = (y[0], y[s], y[2 * s], y[3 * s])
  let (evenA, oddA) = (y0.addingProduct(y2, Lanes(repeating: a2)), (y1 * a).addingProduct(y3, Lanes(repeating: a3)))
  let (evenB, oddB) = (y0.addingProduct(y2, Lanes(repeating: b2)), (y1 * b).addingProduct(y3, Lanes(repeating: b3)))
  let (evenC, oddC) = (y0.addingProduct(y2, Lanes(repeating: c2)), (y1 * c).addingProduct(y3, Lanes(repeating: c3)))
  t[0] = y0
  t[r] = evenA + oddA
  t[2 * r] = evenA - oddA
  t[3 * r] = evenB + oddB
  t[4 * r] = evenB - oddB
  t[5 * r] = evenC + oddC
  t[6 * r] = evenC - oddC
  t[7 * r] = y3
}

/// G: five weights to eight points.
@inline(__always)
private func weights8(_ w: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (w0, w1, w2, w3, w4) = (w[0], w[s], w[2 * s], w[3 * s], w[4 * s])
  let (evenA, oddA) = (sum(w0, a2, w2, a4, w4) * na, (w1 * a).addingProduct(w3, Lanes(repeating: a3)) * na)
  let (evenB, oddB) = (sum(w0, b2, w2, b4, w4) * nb, (w1 * b).addingProduct(w3, Lanes(repeating: b3)) * nb)
  let (evenC, oddC) = (sum(w0, c2, w2, c4, w4) * nc, (w1 * c).addingProduct(w3, Lanes(repeating: c3)) * nc)
  t[0] = w0 * n0
  t[r] = evenA + oddA
  t[2 * r] = evenA - oddA
  t[3 * r] = evenB + oddB
  t[4 * r] = evenB - oddB
  t[5 * r] = evenC + oddC
  t[6 * r] = evenC - oddC
  t[7 * r] = w4
}

/// Gᵀ: eight points to the gradients of five weights.
@inline(__always)
private func weightGradient8(_ u: UnsafePointer<Lanes>, _ s: Int, _ w: UnsafeMutablePointer<Lanes>, _ r: Int) {
  let (sumA, differenceA) = ((u[s] + u[2 * s]) * na, (u[s] - u[2 * s]) * na)
  let (sumB, differenceB) = ((u[3 * s] + u[4 * s]) * nb, (u[3 * s] - u[4 * s]) * nb)
  let (sumC, differenceC) = ((u[5 * s] + u[6 * s]) * nc, (u[5 * s] - u[6 * s]) * nc)
  w[0] = (u[0] * n0) + sumA + sumB + sumC
  w[r] = sum(differenceA * a, b, differenceB, c, differenceC)
  w[2 * r] = sum(sumA * a2, b2, sumB, c2, sumC)
  w[3 * r] = sum(differenceA * a3, b3, differenceB, c3, differenceC)
  w[4 * r] = sum(u[7 * s], a4, sumA, b4, sumB).addingProduct(sumC, Lanes(repeating: c4))
}

/// The transforms of F(4×4, 5×5).
func f32Winograd5x5() -> WinogradKernels {
  WinogradKernels(
    kernel: 5,
    input: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 8, to, pointStride, result: 8, scratch, input8)
    },
    outputGradient: { pixels, rowStride, rows, columns, to, pointStride, scratch in
      spread(pixels, rowStride, rows, columns, side: 4, to, pointStride, result: 8, scratch, outputGradient8)
    },
    output: { points, pointStride, pixels, rowStride, rows, columns, bias, scratch in
      gather(points, pointStride, side: 8, pixels, rowStride, rows, columns, bias, scratch, output8)
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
