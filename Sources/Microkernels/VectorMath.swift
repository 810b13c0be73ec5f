import CCPUInfo

/// Exponential, logistic function and hyperbolic tangent of sixteen numbers at once.
///
/// All three stand on `eʳ − 1` for |r| ≤ ln 2 ⁄ 2 and a power of two that is put together from bits. The former is the
/// polynomial `r + r²·q(r)`, q of degree 4 with the least largest relative error, 1.4e-8 (fitted to `(eʳ − 1 − r) ⁄ r²`
/// by repeatedly reweighted least squares). Largest errors over all finite arguments, against double precision:
/// logistic 1e-7 absolute, tanh 2e-7 relative (`VectorMathTests`). Infinities give the limits; NaN gives NaN.
enum VectorMath {
  private typealias Integers = SIMD16<Int32>

  /// `x = n·ln 2 + r`; returns `eʳ − 1` and `2ⁿ`. `x` must be within ±87, or NaN, which makes `eʳ − 1` NaN.
  @inline(__always)
  private static func split(_ x: Lanes) -> (expm1: Lanes, scale: Lanes) {
    // Adding 1.5·2²³ rounds to an integer and leaves that integer in the low bits.
    let magic = Lanes(repeating: 0x1.8p23)
    let shifted = fma(x, 1.442_695_04, magic)
    let n = shifted - magic
    // ln 2 in two parts: the rounded number, and what it lacks.
    let r = fma(n, 1.904_654_29e-9, fma(n, -0.693_147_182, x))
    var p = fma(r, 0.001_394_649_73, Lanes(repeating: 0.008_366_610_85))
    p = fma(p, r, Lanes(repeating: 0.041_666_280_5))
    p = fma(p, r, Lanes(repeating: 0.166_665_435))
    p = fma(p, r, Lanes(repeating: 0.5))
    p = fma(p * r, r, r)
    let bits = unsafeBitCast(shifted, to: Integers.self) &<< 23
    let scale = unsafeBitCast(bits &+ Integers(repeating: 0x3F80_0000), to: Lanes.self)
    return (p, scale)
  }

  /// `x` cut to ±`limit`; NaN stays NaN.
  @inline(__always)
  private static func clamp(_ x: Lanes, _ limit: Float) -> Lanes {
    cpu_vector_at_least(Lanes(repeating: -limit), cpu_vector_at_most(Lanes(repeating: limit), x))
  }

  /// `1 ⁄ (1 + e⁻ˣ)`.
  @inline(__always)
  static func logistic(_ x: Lanes) -> Lanes {
    let (expm1, scale) = split(-clamp(x, 87))
    let one = Lanes(repeating: 1)
    return one / fma(scale, expm1, scale + one)
  }

  /// The hyperbolic tangent, `−m ⁄ (m + 2)` with `m = e⁻²ˣ − 1`: exact to the last bits near zero, too.
  @inline(__always)
  static func tanh(_ x: Lanes) -> Lanes {
    // From 9.02 on the nearest float is 1.
    let (expm1, scale) = split(clamp(x, 10) * -2)
    let m = fma(scale, expm1, scale - 1)
    return -m / (m + Lanes(repeating: 2))
  }
}
