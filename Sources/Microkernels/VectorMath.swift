/// Exponential, logistic function and hyperbolic tangent of sixteen numbers at once.
///
/// All three stand on `eʳ − 1` for |r| ≤ ln 2 ⁄ 2 and a power of two that is put together from bits. The former is the
/// polynomial `r + r²·q(r)`, q of degree 4 with the least largest relative error, 1.4e-8 (fitted to `(eʳ − 1 − r) ⁄ r²`
/// by repeatedly reweighted least squares). Largest errors over all finite arguments, against double precision:
/// logistic 1.5e-7 absolute, tanh 3e-7 relative (`VectorMathTests`). Infinities give the limits; NaN gives NaN.
enum VectorMath {
  private typealias Integers = SIMD16<Int32>

  /// `x = n·ln 2 + r`; returns `eʳ − 1` and `2ⁿ`. `x` must be within ±87.
  @inline(__always)
  private static func split(_ x: Lanes) -> (expm1: Lanes, scale: Lanes) {
    // Adding 1.5·2²³ rounds to an integer and leaves that integer in the low bits.
    let magic = Lanes(repeating: 0x1.8p23)
    let shifted = x * 1.442_695_04 + magic
    let n = shifted - magic
    // ln 2 in two parts, the first with so few bits that n times it is exact.
    let r = x - n * 0x1.62e4p-1 + n * -0x1.7f7d1cp-20
    // Multiplications and additions apart: a fused operation of vectors is one per lane to Swift, and the compiler puts
    // only short chains of them together again.
    var p = r * 0.001_394_649_73 + 0.008_366_610_85
    p = p * r + 0.041_666_280_5
    p = p * r + 0.166_665_435
    p = p * r + 0.5
    p = p * r * r + r
    let bits = unsafeBitCast(shifted, to: Integers.self) &<< 23
    let scale = unsafeBitCast(bits &+ Integers(repeating: 0x3F80_0000), to: Lanes.self)
    return (p, scale)
  }

  /// Sign bits, and the bits of |x| cut to `limit`; all bits of the last are set where x is NaN.
  ///
  /// In whole numbers, because comparisons, minima and masked assignments of vectors are loops over their lanes in Swift.
  @inline(__always)
  private static func parts(_ x: Lanes, limit: Float) -> (sign: Integers, magnitude: Lanes, missing: Integers) {
    let bits = unsafeBitCast(x, to: Integers.self)
    let magnitude = bits & Integers(repeating: .max)
    // The difference is negative, and its sign spreads over all bits, where the magnitude exceeds the limit.
    let room = Integers(repeating: Int32(bitPattern: limit.bitPattern)) &- magnitude
    let least = magnitude &+ (room & (room &>> 31))
    let missing = (Integers(repeating: Int32(bitPattern: Float.infinity.bitPattern)) &- magnitude) &>> 31
    return (bits & Integers(repeating: .min), unsafeBitCast(least, to: Lanes.self), missing)
  }

  @inline(__always)
  private static func or(_ x: Lanes, _ bits: Integers) -> Lanes {
    unsafeBitCast(unsafeBitCast(x, to: Integers.self) | bits, to: Lanes.self)
  }

  /// `1 ⁄ (1 + e⁻ˣ)`.
  @inline(__always)
  static func logistic(_ x: Lanes) -> Lanes {
    let (sign, magnitude, missing) = parts(x, limit: 87)
    let (expm1, scale) = split(-or(magnitude, sign))
    let one = Lanes(repeating: 1)
    return or(one / (one + scale + scale * expm1), missing)
  }

  /// The hyperbolic tangent, `−m ⁄ (m + 2)` with `m = e⁻²ˣ − 1`: exact to the last bits near zero, too.
  @inline(__always)
  static func tanh(_ x: Lanes) -> Lanes {
    let (sign, magnitude, missing) = parts(x, limit: 43.5)
    let (expm1, scale) = split(magnitude * -2)
    let m = (scale - 1) + scale * expm1
    return or(-m / (m + Lanes(repeating: 2)), sign | missing)
  }
}
