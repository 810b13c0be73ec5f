import Foundation
import Nowcasting
import RadarIO
import Tensor
import Testing

@Suite struct NormalisationTests {
  /// FIELD figures of HKO-7 (Shi et al. 2017): its thresholds in mm/h and their pixel values, a = 58.53, b = 1.56.
  @Test(arguments: [(0.5, 0.32825), (2, 0.46243), (5, 0.55111), (10, 0.61820), (30, 0.72453)])
  func publishedThresholds(rate: Float, pixel: Float) {
    let normalisation = Normalisation(relation: ReflectivityRelation(a: 58.53, b: 1.56))
    #expect(abs(normalisation.normalised(Tensor(shape: [1], [rate]))[0] - pixel) < 1e-5)
  }

  @Test(arguments: [Normalisation(), Normalisation(scale: .logRainRate())])
  func thereAndBack(normalisation: Normalisation) {
    let rates: [Float] = [0.05, 0.1, 0.3, 1, 7.5, 42, 150, 200]
    let back = normalisation.rainRate(normalisation.normalised(Tensor(shape: [rates.count], rates))).elements
    for (rate, result) in zip(rates, back) { #expect(abs(rate - result) <= 1e-5 * rate) }
  }

  /// A scale that begins above the dry limit has dry pixels, too.
  @Test func aScaleThatBeginsHigh() {
    let r = Normalisation(scale: .dbzLinear(min: 10)).rainRate(Tensor(shape: [3], [0, 0.01, 0.03])).elements
    #expect(r[0] == 0 && r[1] == 0 && r[2] > 0.15)
  }

  @Test func dryMissingAndOutOfRange() {
    let normalisation = Normalisation()
    let p = normalisation.normalised(Tensor(shape: [6], [0, -0.0, .nan, 1e-6, 1e6, .infinity])).elements
    #expect(p[0] == 0 && p[1] == 0 && p[2].isNaN && p[3] == 0 && p[4] == 1 && p[5] == 1)
    let r = normalisation.rainRate(Tensor(shape: [5], [0, .nan, 0.1, 1, 2])).elements
    // 0.1 is −3 dBZ, far below any rain that a radar tells from none.
    #expect(r[0] == 0 && r[1].isNaN && r[2] == 0)
    #expect(abs(r[3] - 205.05) < 0.01 && r[4] == r[3])
  }

  /// The formula in double precision, for every rate from drizzle to a cloudburst, there and back.
  @Test(arguments: [(0.1, 200.0), (0.12, 300), (1, 100)]) func logarithmOfTheRainRate(offset: Double, most: Double) {
    let normalisation = Normalisation(scale: .logRainRate(offset: offset, max: most))
    let rates = (0...400).map { Float(0.06 * pow(most / 0.06, Double($0) / 400)) }
    let p = normalisation.normalised(Tensor(shape: [rates.count], rates)).elements
    let back = normalisation.rainRate(Tensor(shape: [p.count], p)).elements
    for (rate, (p, back)) in zip(rates, zip(p, back)) {
      #expect(abs(Double(p) - log((offset + Double(rate)) / offset) / log((offset + most) / offset)) < 2e-7)
      #expect(abs(back - rate) <= 2e-6 * rate)
    }
    // A rate that is given back is given back again: nothing wanders with repetition.
    let again = normalisation.rainRate(normalisation.normalised(Tensor(shape: [back.count], back))).elements
    for (first, second) in zip(back, again) { #expect(abs(first - second) <= 2e-6 * first) }
  }

  @Test func dryMissingAndOutOfRangeOfTheLogarithm() {
    let normalisation = Normalisation(scale: .logRainRate())
    let p = normalisation.normalised(Tensor(shape: [6], [0, -0.0, .nan, -1, 1e6, .infinity])).elements
    #expect(p[0] == 0 && p[1] == 0 && p[2].isNaN && p[3] == 0 && p[4] == 1 && p[5] == 1)
    let r = normalisation.rainRate(Tensor(shape: [6], [0, .nan, 0.05, 0.06, 1, 2])).elements
    // 0.05 is 0.046 mm/h.
    #expect(r[0] == 0 && r[1].isNaN && r[2] == 0 && r[3] > 0.05)
    #expect(abs(r[4] - 200) < 1e-3 && r[5] == r[4])
  }

  @Test(arguments: [Normalisation(), Normalisation(scale: .logRainRate(offset: 0.2, max: 100))])
  func describedAndReadBack(normalisation: Normalisation) throws {
    let data = try JSONEncoder().encode(normalisation)
    #expect(try JSONDecoder().decode(Normalisation.self, from: data) == normalisation)
    let keys = Set(try #require(JSONSerialization.jsonObject(with: data) as? [String: Any]).keys)
    let own: Set = normalisation.kind == .dbzLinear ? ["min_dbz", "max_dbz"] : ["log_offset", "max_rain_rate"]
    #expect(keys == own.union(["kind", "zr_a", "zr_b"]))
  }
}
