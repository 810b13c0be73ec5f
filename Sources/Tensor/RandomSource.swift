#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A small, fast, seeded source of random numbers that gives the same sequence everywhere: xoshiro256**.
///
/// Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021; seeded by SplitMix64 as they advise.
public struct RandomSource: RandomNumberGenerator, Sendable, Equatable {
  /// The whole state; a source made from it goes on where this one stands.
  public var state: SIMD4<UInt64>

  /// A source whose sequence depends on `seed` only.
  public init(seed: UInt64) {
    var mix = seed
    func next() -> UInt64 {
      mix &+= 0x9E37_79B9_7F4A_7C15
      var z = mix
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = SIMD4(next(), next(), next(), next())
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotate(state[1] &* 5, 7) &* 9
    let t = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= t
    state[3] = rotate(state[3], 45)
    return result
  }

  /// A number in `0..<1`, each of 2^24 equally likely.
  public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A number below `bound`, each equally likely.
  public mutating func index(below bound: Int) -> Int { Int(next(upperBound: UInt64(bound))) }

  /// A number of the standard normal distribution (Box–Muller, in double precision).
  public mutating func normal() -> Float {
    let u = Double(next() >> 11) * 0x1p-53
    let v = Double(next() >> 11) * 0x1p-53
    return Float((-2 * log(1 - u)).squareRoot() * cos(2 * .pi * v))
  }
}

extension Tensor {
  /// A tensor of numbers drawn uniformly from `low..<high`.
  public static func uniform(shape: [Int], low: Float, high: Float, using source: inout RandomSource) -> Tensor {
    var result = Tensor(shape: shape)
    result.withUnsafeMutableBufferPointer { buffer in
      for i in buffer.indices { buffer[i] = low + (high - low) * source.uniform() }
    }
    return result
  }

  /// A tensor of numbers drawn from the standard normal distribution.
  public static func normal(shape: [Int], using source: inout RandomSource) -> Tensor {
    var result = Tensor(shape: shape)
    result.withUnsafeMutableBufferPointer { buffer in
      for i in buffer.indices { buffer[i] = source.normal() }
    }
    return result
  }
}
