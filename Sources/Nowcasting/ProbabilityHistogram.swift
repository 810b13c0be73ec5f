/// Probabilities of many pixels, counted by their size, so that nothing has to be sorted.
struct ProbabilityHistogram {
  private let values: [Float]
  /// How many values have the upper half of their bits in common. Numbers from 0 to 1 are in the order of their bits, and a
  /// bin is less than a hundredth of a value wide.
  private let counts: [Int]

  /// - Parameter values: from 0 to 1.
  init(_ values: [Float]) {
    self.values = values
    var counts = [Int](repeating: 0, count: Self.bin(1) + 1)
    for value in values { counts[Self.bin(value)] += 1 }
    self.counts = counts
  }

  // (Adding 0 makes a zero of −0.)
  private static func bin(_ value: Float) -> Int { Int((value + 0).bitPattern >> 16) }

  /// The middle of a bin; that of zero is zero.
  private static func value(ofBin bin: Int) -> Double {
    bin == 0 ? 0 : Double(Float(bitPattern: UInt32(bin) << 16 | 0x8000))
  }

  /// The value that is the largest but `rank` − 1.
  ///
  /// - Precondition: `rank` is at least 1, and there are as many values.
  func largest(_ rank: Int) -> Float {
    var (last, above) = (counts.count - 1, 0)
    while above + counts[last] < rank {
      above += counts[last]
      last -= 1
    }
    return values.filter { Self.bin($0) == last }.sorted(by: >)[rank - above - 1]
  }

  /// How many pixels are to be chosen, the most likely ones, so that the critical success index to be expected is greatest:
  /// with probabilities p, multiplied so that their sum is what is expected, the hits are the sum of p over the chosen
  /// ones, and the index is hits / (chosen + expected − hits).
  ///
  /// - Parameters:
  ///   - expected: the pixels that will be reached; no fewer are chosen.
  ///   - most: no more are chosen.
  func bestCount(expected: Double, most: Double) -> Double {
    let sum = counts.indices.reduce(0.0) { counts[$1] > 0 ? $0 + Double(counts[$1]) * Self.value(ofBin: $1) : $0 }
    guard expected > 0, sum > 0 else { return expected }
    let factor = expected / sum
    var (count, hits) = (0.0, 0.0)
    var best = (count: expected, index: -1.0)
    for bin in counts.indices.reversed() where counts[bin] > 0 {
      let gain = min(Self.value(ofBin: bin) * factor, 1)
      // What the limits cut off of a bin counts by itself.
      for end in [count + Double(counts[bin]), expected, most] where end > count {
        let part = min(end, count + Double(counts[bin]))
        let partHits = hits + (part - count) * gain
        let index = partHits / max(part + expected - partHits, 1e-9)
        if part >= expected && part <= most && index > best.index { best = (part, index) }
      }
      hits += Double(counts[bin]) * gain
      count += Double(counts[bin])
      if count >= most { break }
    }
    return best.count
  }
}
