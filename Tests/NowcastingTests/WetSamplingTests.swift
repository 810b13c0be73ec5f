import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct WetSamplingTests {
  /// It rains in the right half of the area of 40 × 40, in the last ten of forty frames.
  private func rain(_ rate: Float = 3) -> FrameSequence {
    var frames = Tensor(shape: [40, 40, 40])
    for t in 30..<40 {
      for y in 0..<40 { for x in 20..<40 { frames[t, y, x] = rate } }
    }
    return FrameSequence(
      grid: Grid(height: 40, width: 40, spacingMetres: 1000), times: (0..<40).map { Double($0) * 300 }, rainRate: frames
    )
  }

  private func sampler(_ rain: FrameSequence, wet: Bool, seed: UInt64 = 1) throws -> Sampler {
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (3, 2, 0)
    return Sampler(
      try TrainingData([rain], options: options), crop: 8, batchSize: 4, seed: seed,
      wetness: wet ? Wetness(options.normalisation) : nil)
  }

  /// The shares of wet target pixels of the first crops.
  private func shares(_ sampler: Sampler) throws -> [Double] {
    try (0..<60).flatMap { number in
      let target = try sampler.batch(epoch: 0, number: number).target
      return (0..<4).map { index in
        let values = target.part(index).elements
        return Double(values.filter { $0 > 0 }.count) / Double(values.count)
      }
    }
  }

  /// A crop is wet with a chance of about one in seven. Of those that are drawn, all wet and a tenth of the dry ones are
  /// taken, so about six in ten are wet.
  @Test func wetCropsPrevail() throws {
    func wet(_ shares: [Double]) -> Double { Double(shares.filter { $0 >= 0.1 }.count) / Double(shares.count) }
    let plain = try wet(shares(sampler(rain(), wet: false)))
    let chosen = try wet(shares(sampler(rain(), wet: true)))
    print("wet crops: \(plain) as they come, \(chosen) as chosen")
    #expect((0.08...0.22).contains(plain))
    let expected = plain / (plain + 0.1 * (1 - plain))
    #expect(abs(chosen - expected) < 0.12)
    // Dry ones still come.
    #expect(chosen < 0.95)
  }

  @Test func theSamePlaceInARunGivesTheSameCrops() throws {
    let (a, b) = (try sampler(rain(), wet: true), try sampler(rain(), wet: true))
    #expect(try a.batch(epoch: 2, number: 3).samples == b.batch(epoch: 2, number: 3).samples)
    #expect(try a.batch(epoch: 2, number: 3).samples != b.batch(epoch: 2, number: 4).samples)
    let other = try sampler(rain(), wet: true, seed: 2)
    #expect(try a.batch(epoch: 2, number: 3).samples != other.batch(epoch: 2, number: 3).samples)
  }

  /// Where nothing is wet something is taken all the same, and drizzle is not wet.
  @Test(arguments: [0, 0.3] as [Float]) func dryDataEnds(rate: Float) throws {
    let sampler = try sampler(rain(rate), wet: true)
    #expect(try sampler.batch(epoch: 0, number: 0).samples.count == 4)
    #expect(try #require(try sampler.wetnessNote()).contains("0.0 % of their pixels"))
  }

  /// The chances, and what the log says of them.
  @Test func chancesAndTheirNote() throws {
    let wetness = Wetness(Normalisation())
    for (share, chance) in [(0, 0.1), (0.05, 0.55), (0.1, 1), (1, 1)] {
      #expect(abs(wetness.chance(wetShare: share) - chance) < 1e-12)
    }
    #expect(try sampler(rain(), wet: false).wetnessNote() == nil)
    let note = try #require(try sampler(rain(), wet: true).wetnessNote())
    #expect(note.contains("--sampling wet") && note.contains("0.5 mm/h") && note.contains("as they come"))
  }

  /// Where the scale begins above 0.5 mm/h, what is not zero is wet, and zero is not.
  @Test func aScaleThatBeginsHigh() { #expect(Wetness(Normalisation(scale: .dbzLinear(min: 30))).threshold > 0) }
}
