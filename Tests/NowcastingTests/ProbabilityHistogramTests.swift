import Tensor
import Testing

@testable import Nowcasting

@Suite struct ProbabilityHistogramTests {
  private let values: [Float] = {
    var source = RandomSource(seed: 4)
    return (0..<3000).map { _ in
      let value = source.uniform()
      return value * value * value
    }
  }()

  @Test func ranks() {
    let sorted = values.sorted(by: >)
    let histogram = ProbabilityHistogram(values)
    for rank in [1, 2, 17, 1500, 3000] { #expect(histogram.largest(rank) == sorted[rank - 1]) }
    #expect(ProbabilityHistogram([1, 0, -0.0]).largest(1) == 1)
  }

  /// Against every number of pixels tried by hand: the index of the one that is found is the greatest but for the width of a bin.
  @Test(arguments: [(400.0, 1.25), (600, 3), (750, 1.5), (100, 20)]) func bestCount(expected: Double, growth: Double) {
    let most = growth * expected
    let sorted = values.sorted(by: >).map(Double.init)
    let factor = expected / sorted.reduce(0, +)
    var indices: [Double] = []
    var hits = 0.0
    for (count, value) in sorted.enumerated() {
      hits += min(value * factor, 1)
      indices.append(hits / (Double(count + 1) + expected - hits))
    }
    let range = Int(expected.rounded(.up))...min(Int(most), sorted.count)
    let best = range.map { indices[$0 - 1] }.max() ?? .nan
    let found = ProbabilityHistogram(values).bestCount(expected: expected, most: most)
    #expect(found >= expected && found <= most)
    #expect(indices[Int(found) - 1] > 0.995 * best)
    // It is a choice: at the ends of the range the index is lower, or the end is the best.
    #expect(indices[Int(found) - 1] >= 0.999 * max(indices[range.lowerBound - 1], indices[range.upperBound - 1]))
  }

  /// Who is sure needs no more than what is expected; where nothing is likely, that is what is chosen, too.
  @Test func certainty() {
    let certain = [Float](repeating: 1, count: 50) + [Float](repeating: 0, count: 200)
    #expect(ProbabilityHistogram(certain).bestCount(expected: 50, most: 100) == 50)
    #expect(ProbabilityHistogram([0, 0, 0]).bestCount(expected: 2, most: 3) == 2)
  }
}
