// What F(4×4, 5×5) and F(6×6, 3×3) have in common: the eight points 0, ±1/2, ±1, ±2 and ∞, and with them the transform of
// the input. All constants of A and B are exact.

/// The points and their powers.
enum EightPoints {
  static var a: Float { 1 / 2 }
  static var b: Float { 1 }
  static var c: Float { 2 }
  static var a2: Float { 1 / 4 }
  static var b2: Float { 1 }
  static var c2: Float { 4 }
  static var a3: Float { 1 / 8 }
  static var b3: Float { 1 }
  static var c3: Float { 8 }
  static var a4: Float { 1 / 16 }
  static var b4: Float { 1 }
  static var c4: Float { 16 }
  static var a5: Float { 1 / 32 }
  static var b5: Float { 1 }
  static var c5: Float { 32 }
  /// The coefficients of (x² − a²)(x² − b²)(x² − c²) = x⁶ − e₁x⁴ + e₂x² − e₃.
  static var e1: Float { 21 / 4 }
  static var e2: Float { 21 / 4 }
  static var e3: Float { 1 }
  /// 1 ⁄ N of the points 0, ±a, ±b and ±c.
  static var n0: Float { -1 }
  static var na: Float { 1 / (2 / 4 * (1 / 4 - 1) * (1 / 4 - 4)) }
  static var nb: Float { 1 / (2 * (1 - 1 / 4) * (1 - 4)) }
  static var nc: Float { 1 / (2 * 4 * (4 - 1 / 4) * (4 - 1)) }

  /// Three vectors, `x + p·y + q·z`.
  @inline(__always)
  static func sum(_ x: Lanes, _ p: Float, _ y: Lanes, _ q: Float, _ z: Lanes) -> Lanes { fma(z, q, fma(y, p, x)) }

  /// The values at 0, at ±a, ±b and ±c from their even and odd parts, and at ∞.
  @inline(__always)
  static func store(
    _ zero: Lanes, _ atA: (even: Lanes, odd: Lanes), _ atB: (even: Lanes, odd: Lanes),
    _ atC: (even: Lanes, odd: Lanes), _ infinity: Lanes, _ t: UnsafeMutablePointer<Lanes>, _ r: Int
  ) {
    t[0] = zero
    t[r] = atA.even + atA.odd
    t[2 * r] = atA.even - atA.odd
    t[3 * r] = atB.even + atB.odd
    t[4 * r] = atB.even - atB.odd
    t[5 * r] = atC.even + atC.odd
    t[6 * r] = atC.even - atC.odd
    t[7 * r] = infinity
  }

  /// Bᵀ: eight pixels to eight points.
  @inline(__always)
  static func input(_ d: UnsafePointer<Lanes>, _ s: Int, _ t: UnsafeMutablePointer<Lanes>, _ r: Int) {
    let (d1, d2, d3, d4, d5, d6) = (d[s], d[2 * s], d[3 * s], d[4 * s], d[5 * s], d[6 * s])
    t[0] = fma(d[0], -e3, sum(d6, -e1, d4, e2, d2))
    t[7 * r] = fma(d1, -e3, sum(d[7 * s], -e1, d5, e2, d3))
    let (evenA, oddA) = (sum(d6, -(b2 + c2), d4, b2 * c2, d2), sum(d5, -(b2 + c2), d3, b2 * c2, d1))
    t[r] = fma(oddA, a, evenA)
    t[2 * r] = fma(oddA, -a, evenA)
    let (evenB, oddB) = (sum(d6, -(a2 + c2), d4, a2 * c2, d2), sum(d5, -(a2 + c2), d3, a2 * c2, d1))
    t[3 * r] = fma(oddB, b, evenB)
    t[4 * r] = fma(oddB, -b, evenB)
    let (evenC, oddC) = (sum(d6, -(a2 + b2), d4, a2 * b2, d2), sum(d5, -(a2 + b2), d3, a2 * b2, d1))
    t[5 * r] = fma(oddC, c, evenC)
    t[6 * r] = fma(oddC, -c, evenC)
  }
}
