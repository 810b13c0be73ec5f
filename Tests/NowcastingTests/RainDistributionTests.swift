import ConvKernels
import Foundation
import Nowcasting
import Tensor
import Testing

@Suite struct RainDistributionTests {
  private static let thresholds: [Float] = [0.5, 1, 4]

  /// Probabilities `[1, 3, 6, 7]` that differ from pixel to pixel, one of them missing.
  private static let probabilities: Tensor = {
    var random = RandomSource(seed: 4)
    var values = Tensor(shape: [1, 3, 6, 7])
    for row in 0..<6 {
      for column in 0..<7 {
        let first = random.uniform()
        values[0, 0, row, column] = first
        values[0, 1, row, column] = first * random.uniform()
        values[0, 2, row, column] = values[0, 1, row, column] * random.uniform()
      }
    }
    for index in 0..<3 { values[0, index, 2, 3] = .nan }
    return values
  }()

  /// A third of it dry, one pixel missing.
  private static let observed: Tensor = {
    var values = (0..<42).map { (index: Int) -> Float in index < 12 ? 0 : Float(index - 8) / 7 }
    values[41] = .nan
    return Tensor(shape: [6, 7], values)
  }()

  private let distribution = RainDistribution(thresholds: thresholds, probabilities: probabilities)

  /// The probability that rain is above a rate, as the documentation says, in double precision.
  private static func exceedance(_ rate: Double, _ values: [Double]) -> Double {
    let limits = thresholds.map(Double.init)
    if rate <= limits[0] { return values[0] }
    for index in 1..<3 where rate <= limits[index] {
      let share = log(rate / limits[index - 1]) / log(limits[index] / limits[index - 1])
      return values[index - 1] + share * (values[index] - values[index - 1])
    }
    return values[2] * pow(limits[2] / rate, 3)
  }

  /// The mean is the integral of the probability over the rate.
  @Test func meanIsTheIntegral() {
    let mean = distribution.mean(0)
    #expect(mean[2, 3].isNaN)
    for (row, column) in [(0, 0), (1, 5), (5, 6), (3, 2)] {
      let values = (0..<3).map { Double(Self.probabilities[0, $0, row, column]) }
      var (sum, step) = (0.0, 1e-3)
      for number in 0..<400_000 { sum += step * Self.exceedance((Double(number) + 0.5) * step, values) }
      // What is beyond 400 mm/h.
      step = values[2] * pow(4, 3) / (2 * 400 * 400)
      #expect(abs(Double(mean[row, column]) - sum - step) < 1e-4)
    }
  }

  /// A quantile is the rate whose probability is the one asked for, or none where rain is less likely.
  @Test(arguments: [0.05, 0.3, 0.6] as [Float]) func quantiles(probability: Float) {
    let field = distribution.quantile(0, exceededBy: probability)
    var wet = 0
    for row in 0..<6 {
      for column in 0..<7 where !field[row, column].isNaN {
        let values = (0..<3).map { Self.probabilities[0, $0, row, column] }
        let rate = field[row, column]
        #expect((rate == 0) == (values[0] < probability))
        for (value, threshold) in zip(values, Self.thresholds) {
          #expect((rate >= threshold) == (value >= probability))
        }
        wet += rate > 0 ? 1 : 0
      }
    }
    #expect(wet > 3)
  }

  /// Each threshold is reached at as large a share of the pixels as in the observed field, or at up to 15 % more, and where
  /// it is most likely.
  @Test func matchedAreas() {
    let observed = Self.observed
    let field = distribution.matched(to: observed, pool: WorkerPool(threadCount: 2)).part(0)
    #expect(field[2, 3].isNaN)
    for (index, threshold) in Self.thresholds.enumerated() {
      let wanted = observed.elements.count { $0 >= threshold }
      let reached = field.elements.indices.filter { field.elements[$0] >= threshold }
      #expect(reached.count >= wanted && Double(reached.count) <= 1.15 * Double(wanted) + 0.5)
      let values = Self.probabilities.part(0).part(index).elements
      // Those that reach the next threshold, too, are chosen by that one.
      let next = index + 1 < 3 ? Self.thresholds[index + 1] : .infinity
      let least = reached.filter { field.elements[$0] < next }.map { values[$0] }.min() ?? .infinity
      #expect(values.indices.allSatisfy { reached.contains($0) || !(values[$0] > least) })
    }
    let same = RainDistribution(
      thresholds: Self.thresholds, probabilities: Tensor(shape: [1, 3, 6, 7], repeating: 0.3))
    // Nothing tells where it rains, so it does everywhere.
    #expect(same.matched(to: observed, pool: WorkerPool(threadCount: 1)).elements.allSatisfy { $0 >= 4 })
    let dry = distribution.matched(to: Tensor(shape: [6, 7]), pool: WorkerPool(threadCount: 1))
    #expect(dry.elements.allSatisfy { $0.isNaN || $0 == 0 })
  }

  /// Where places are certain, areas are those of the observed field; where they are not, they are larger, and the sum of the rain
  /// stays.
  @Test func areasGrowWithUncertainty() {
    var source = RandomSource(seed: 8)
    let (height, width) = (60, 80)
    let rain = Tensor(
      shape: [height, width],
      (0..<height * width).map { _ in max(0, 7 * pow(source.uniform(), 2) - 0.5) })
    func reached(_ field: Tensor, _ threshold: Float) -> Int { field.elements.count { $0 >= threshold } }
    func sum(_ field: Tensor) -> Double { field.elements.reduce(0) { $0 + Double($1) } }
    func matched(_ width: Float) -> Tensor {
      // Probabilities that rise with the rain, the more steeply the surer.
      let values = Self.thresholds.flatMap { threshold in
        rain.elements.map { 1 / (1 + exp((log(threshold) - log($0 + 0.01)) / width)) }
      }
      let distribution = RainDistribution(
        thresholds: Self.thresholds, probabilities: Tensor(shape: [1, 3, height, 80], values))
      return distribution.matched(to: rain, pool: WorkerPool(threadCount: 2)).part(0)
    }
    let (sure, unsure) = (matched(0.01), matched(2))
    for threshold in Self.thresholds {
      let wanted = Double(reached(rain, threshold))
      #expect(abs(Double(reached(sure, threshold)) / wanted - 1) < 0.02)
      #expect(Double(reached(unsure, threshold)) / wanted > 1.02)
      #expect(Double(reached(unsure, threshold)) <= 1.15 * wanted + 1)
    }
    // Larger areas with the rain of before would hold more of it.
    #expect(sum(unsure) < 1.02 * sum(rain) && sum(unsure) > 0.8 * sum(rain))
    print(
      "areas and sums: \(Self.thresholds.map { reached(unsure, $0) }) of \(Self.thresholds.map { reached(rain, $0) }), \(sum(unsure)) of \(sum(rain))"
    )
  }

  /// Members stand for the distribution: as many reach a threshold as are likely to.
  @Test func members() {
    let members = distribution.members(0, count: 20, pool: WorkerPool(threadCount: 2))
    for row in 0..<6 {
      for column in 0..<7 where !members[0, row, column].isNaN {
        for (index, threshold) in Self.thresholds.enumerated() {
          let share = Float((0..<20).count { members[$0, row, column] >= threshold }) / 20
          #expect(abs(share - Self.probabilities[0, index, row, column]) <= 0.0251)
        }
        #expect((1..<20).allSatisfy { members[$0, row, column] >= members[$0 - 1, row, column] })
      }
    }
  }

  /// A network may say that strong rain is more likely than weak; it is not.
  @Test func probabilitiesFall() {
    let wrong = RainDistribution(thresholds: [1, 2], probabilities: Tensor(shape: [1, 2, 1, 1], [0.2, 0.7]))
    #expect(wrong.exceedance.elements == [0.2, 0.2])
  }
}
