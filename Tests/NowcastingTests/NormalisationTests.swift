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

  @Test func thereAndBack() {
    let normalisation = Normalisation()
    let rates: [Float] = [0.05, 0.1, 0.3, 1, 7.5, 42, 150, 200]
    let back = normalisation.rainRate(normalisation.normalised(Tensor(shape: [rates.count], rates))).elements
    for (rate, result) in zip(rates, back) { #expect(abs(rate - result) <= 1e-5 * rate) }
  }

  /// A scale that begins above the dry limit has dry pixels, too.
  @Test func aScaleThatBeginsHigh() {
    let r = Normalisation(minDBZ: 10).rainRate(Tensor(shape: [3], [0, 0.01, 0.03])).elements
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
}
