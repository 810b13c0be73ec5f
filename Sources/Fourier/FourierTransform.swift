#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Eight discrete Fourier transforms of one length at a time, one in each lane, in double precision.
///
/// Lengths of small prime factors go by Stockham's algorithm (a factor after the other, decimation in frequency, sorted on
/// the way); others by Bluestein's, as a convolution of a power of two. Nothing is scaled.
public final class FourierTransform: Sendable {
  /// The numbers of eight transforms.
  public typealias Lanes = SIMD8<Double>
  /// One number in each lane.
  @frozen public struct Complex {
    /// The real parts.
    public var re: Lanes
    /// The imaginary parts.
    public var im: Lanes

    /// Couples the two.
    @inlinable public init(re: Lanes, im: Lanes) { (self.re, self.im) = (re, im) }
  }

  /// The number of values.
  public let length: Int
  private let factors: [Int]
  private let twiddles: [SIMD2<Double>]
  private let chirp: Chirp?

  private struct Chirp: Sendable {
    let transform: FourierTransform
    /// exp(−πi k²/n).
    let values: [SIMD2<Double>]
    /// The transform of the conjugate chirp, divided by the padded length.
    let filter: [SIMD2<Double>]
  }

  /// Prepares transforms of a length.
  ///
  /// - Precondition: the length is positive.
  public init(length: Int) {
    precondition(length > 0, "a transform has at least one value")
    self.length = length
    var (rest, factors) = (length, [Int]())
    for factor in [4, 2, 3, 5, 7, 11, 13] {
      while rest % factor == 0 {
        factors.append(factor)
        rest /= factor
      }
    }
    self.factors = factors
    twiddles = (0..<length).map { Self.unit(-2 * .pi * Double($0) / Double(length)) }
    chirp = rest == 1 ? nil : Self.chirp(length)
  }

  private static func unit(_ angle: Double) -> SIMD2<Double> { SIMD2(cos(angle), sin(angle)) }

  private static func chirp(_ length: Int) -> Chirp {
    var padded = 1
    while padded < 2 * length - 1 { padded *= 2 }
    let transform = FourierTransform(length: padded)
    // k² modulo 2n, so that the angle stays small and exact.
    let values = (0..<length).map { unit(-.pi * Double(($0 * $0) % (2 * length)) / Double(length)) }
    var filter = [Complex](repeating: Complex(re: .zero, im: .zero), count: padded)
    for k in 0..<length {
      let number = Complex(re: Lanes(repeating: values[k].x), im: Lanes(repeating: -values[k].y))
      filter[k] = number
      filter[(padded - k) % padded] = number
    }
    var work = filter
    filter.withUnsafeMutableBufferPointer { a in
      work.withUnsafeMutableBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        transform.run(a, b)
      }
    }
    return Chirp(
      transform: transform, values: values,
      filter: filter.map { SIMD2($0.re[0], $0.im[0]) / Double(padded) })
  }

  /// The memory that ``run(_:_:)`` needs beside the values.
  public var workCount: Int { chirp.map { 2 * $0.transform.length } ?? length }

  /// Transforms `values` in place.
  ///
  /// - Parameter work: memory for ``workCount`` numbers.
  public func run(_ values: UnsafeMutablePointer<Complex>, _ work: UnsafeMutablePointer<Complex>) {
    if let chirp { return run(values, work, chirp) }
    var (x, y) = (values, work)
    var (n, s) = (length, 1)
    for factor in factors {
      let m = n / factor
      switch factor {
      case 4: pass4(m, s, x, y)
      case 2: pass2(m, s, x, y)
      default: pass(factor, m, s, x, y)
      }
      swap(&x, &y)
      (n, s) = (m, s * factor)
    }
    if x != values { values.update(from: x, count: length) }
  }

  private func run(
    _ values: UnsafeMutablePointer<Complex>, _ work: UnsafeMutablePointer<Complex>, _ chirp: Chirp
  ) {
    let padded = chirp.transform.length
    for k in 0..<length { work[k] = values[k] * chirp.values[k] }
    (work + length).update(repeating: Complex(re: .zero, im: .zero), count: padded - length)
    chirp.transform.run(work, work + padded)
    // The inverse transform is the conjugate of the transform of the conjugate.
    for k in 0..<padded {
      let product = work[k] * chirp.filter[k]
      work[k] = Complex(re: product.re, im: -product.im)
    }
    chirp.transform.run(work, work + padded)
    for k in 0..<length { values[k] = Complex(re: work[k].re, im: -work[k].im) * chirp.values[k] }
  }

  @inline(__always)
  private func pass2(_ m: Int, _ s: Int, _ x: UnsafeMutablePointer<Complex>, _ y: UnsafeMutablePointer<Complex>) {
    for q in 0..<m {
      let w = twiddles[q * s]
      for r in 0..<s {
        let (a, b) = (x[r + s * q], x[r + s * (q + m)])
        y[r + s * 2 * q] = a + b
        y[r + s * (2 * q + 1)] = (a - b) * w
      }
    }
  }

  @inline(__always)
  private func pass4(_ m: Int, _ s: Int, _ x: UnsafeMutablePointer<Complex>, _ y: UnsafeMutablePointer<Complex>) {
    for q in 0..<m {
      let (w1, w2, w3) = (twiddles[q * s], twiddles[2 * q * s], twiddles[3 * q * s])
      for r in 0..<s {
        let from = x + (r + s * q)
        let (a, b, c, d) = (from[0], from[s * m], from[2 * s * m], from[3 * s * m])
        let (even, odd) = (a + c, a - c)
        let (sum, difference) = (b + d, b - d)
        // −i times the difference.
        let turned = Complex(re: difference.im, im: -difference.re)
        let to = y + (r + s * 4 * q)
        to[0] = even + sum
        to[s] = (odd + turned) * w1
        to[2 * s] = (even - sum) * w2
        to[3 * s] = (odd - turned) * w3
      }
    }
  }

  private func pass(
    _ p: Int, _ m: Int, _ s: Int, _ x: UnsafeMutablePointer<Complex>, _ y: UnsafeMutablePointer<Complex>
  ) {
    for q in 0..<m {
      for r in 0..<s {
        for k in 0..<p {
          var sum = x[r + s * q]
          for j in 1..<p { sum = sum + x[r + s * (q + m * j)] * twiddles[(j * k) % p * (length / p)] }
          y[r + s * (p * q + k)] = sum * twiddles[q * k * s]
        }
      }
    }
  }
}

extension FourierTransform.Complex {
  @inline(__always) static func + (a: Self, b: Self) -> Self { Self(re: a.re + b.re, im: a.im + b.im) }
  @inline(__always) static func - (a: Self, b: Self) -> Self { Self(re: a.re - b.re, im: a.im - b.im) }
  @inline(__always) static func * (a: Self, w: SIMD2<Double>) -> Self {
    Self(re: a.re * w.x - a.im * w.y, im: a.re * w.y + a.im * w.x)
  }
}
