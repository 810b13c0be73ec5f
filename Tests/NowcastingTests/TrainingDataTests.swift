import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

/// Frames in which every pixel tells where and when it is: rain rate 1 + t/10 + y/1000 + x/100000.
func countingSequence(
  frames: Int, height: Int = 12, width: Int = 10, start: Double = 0, step: Double = 300, spacing: Double = 1000
) -> FrameSequence {
  var rate = Tensor(shape: [frames, height, width])
  for t in 0..<frames {
    for y in 0..<height {
      for x in 0..<width { rate[t, y, x] = 1 + Float(t) / 10 + Float(y) / 1000 + Float(x) / 100_000 }
    }
  }
  return FrameSequence(
    name: "start \(Int(start))", grid: Grid(height: height, width: width, spacingMetres: spacing),
    times: (0..<frames).map { start + Double($0) * step }, rainRate: rate)
}

@Suite struct TrainingDataTests {
  private func options(_ input: Int, _ lead: Int, share: Double = 0.2) -> TrainingOptions {
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (input, lead, share)
    return options
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return (error as? NowcastError).map { "\($0.code.rawValue) \($0.message)" } ?? "\(error)" }
  }

  /// Sequences end at gaps, so a window inside of one sequence crosses none.
  @Test func windowsStayInTheirSequence() throws {
    let data = try TrainingData(
      [countingSequence(frames: 6), countingSequence(frames: 4), countingSequence(frames: 3, start: 9000)],
      options: options(3, 2, share: 0))
    #expect(data.training == [.init(sequence: 0, start: 0), .init(sequence: 0, start: 1)])
    #expect(data.notes == ["2 of 3 sequences are shorter than 5 frames and not used"])
  }

  /// An interpolated frame is an input, and nothing to learn: as a target it is missing, and a window of nothing else is none.
  @Test func interpolatedFramesAreNoTargets() throws {
    var sequence = countingSequence(frames: 9)
    sequence.bridged = [4, 6, 7]
    let data = try TrainingData([sequence], options: options(3, 2, share: 0))
    // The lead frames of a window from 3 on are 6 and 7.
    #expect(data.training.map(\.start) == [0, 1, 2, 4])
    let sampler = Sampler(data, crop: 10, batchSize: 1, seed: 1)
    for window in data.training {
      let batch = try sampler.batch([Sampler.Sample(window: window, y: 0, x: 0)])
      for frame in 0..<3 { #expect(batch.input.part(0).part(frame).elements.allSatisfy { $0 > 0 }) }
      for lead in 0..<2 {
        let isMissing = sequence.bridged.contains(window.start + 3 + lead)
        #expect(batch.target.part(0).part(lead).elements.allSatisfy { $0.isNaN == isMissing })
      }
    }
  }

  @Test func theLastPartIsHeldOut() throws {
    let data = try TrainingData([countingSequence(frames: 20)], options: options(3, 2, share: 0.25))
    // The boundary is frame 15: no window that is learned from reaches it, every held-out target lies behind it.
    #expect(data.training.map(\.start) == Array(0...10))
    #expect(data.validation.map(\.start) == [12, 13, 14, 15])
  }

  @Test func givenValidationDataIsAllThatIsHeldOut() throws {
    let data = try TrainingData(
      [countingSequence(frames: 6)], validation: [countingSequence(frames: 5, start: 1e6)], options: options(3, 2))
    #expect(data.training.map(\.sequence) == [0, 0] && data.validation.map(\.sequence) == [1])
  }

  @Test func whatCannotBeLearnedFromIsRefused() throws {
    #expect(
      message { _ = try TrainingData([countingSequence(frames: 4)], options: options(3, 2)) }
        == "65 a window needs 3 + 2 frames in a row, but the longest sequence has 4; give more frames or fewer "
        + "--input-frames and --lead-frames.")
    #expect(
      message {
        _ = try TrainingData(
          [countingSequence(frames: 9), countingSequence(frames: 9, start: 1e6, step: 600)], options: options(3, 2))
      }.contains("the time step is 600 s here and 300 s in"))
    #expect(
      message {
        _ = try TrainingData(
          [countingSequence(frames: 9), countingSequence(frames: 9, start: 1e6, spacing: 2000)], options: options(3, 2))
      }.contains("the grid spacing is 2000 m here and 1000 m in"))
    var missing = countingSequence(frames: 9)
    missing = missing.with(rainRate: Tensor(shape: try missing.rainRate.shape, repeating: .nan))
    #expect(message { _ = try TrainingData([missing], options: options(3, 2)) }.contains("every pixel"))
    #expect(
      message { _ = try TrainingData([countingSequence(frames: 1)], options: options(1, 1)) }.contains("no two frames"))
  }

  /// An outage that leaves three frames at twice the step does not spoil a year of data.
  @Test func shortSequencesOfAnotherStepAreLeftOut() throws {
    let data = try TrainingData(
      [countingSequence(frames: 3, step: 600), countingSequence(frames: 9, start: 1e6)], options: options(3, 2))
    #expect(data.stepSeconds == 300 && data.training.allSatisfy { $0.sequence == 1 })
    #expect(data.notes == ["1 of 2 sequences are shorter than 5 frames and not used"])
  }

  /// With leave data of several steps and spacings is learned from together, and what it spans is known.
  @Test func mixedData() throws {
    var options = options(3, 2, share: 0)
    options.isMixed = true
    let data = try TrainingData(
      [
        countingSequence(frames: 9), countingSequence(frames: 8, start: 1e6, step: 600, spacing: 500),
        countingSequence(frames: 3, start: 2e6, step: 60, spacing: 9000),
      ], options: options)
    #expect(data.training.map(\.sequence) == [0, 0, 0, 0, 0, 1, 1, 1, 1])
    #expect(data.stepRange == [300, 600] && data.spacingRange == [500, 1000])
    options.isMixed = false
    #expect(try TrainingData([countingSequence(frames: 9)], options: options).stepRange == nil)
  }

  @Test func anHourOfLeadFramesByDefault() {
    let options = TrainingOptions()
    #expect(options.leadFrames(stepSeconds: 300) == 12 && options.leadFrames(stepSeconds: 600) == 6)
    #expect(options.leadFrames(stepSeconds: 900) == 4 && options.leadFrames(stepSeconds: 120) == 20)
  }
}

@Suite struct SamplerTests {
  private func sampler(crop: Int, batch: Int = 3, missing: (Int, Int, Int) -> Bool = { _, _, _ in false }) throws
    -> Sampler
  {
    var rain = try countingSequence(frames: 8).rainRate
    for t in 0..<8 {
      for y in 0..<12 {
        for x in 0..<10 where missing(t, y, x) { rain[t, y, x] = .nan }
      }
    }
    let sequence = countingSequence(frames: 8).with(rainRate: rain)
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (3, 2, 0)
    return Sampler(try TrainingData([sequence], options: options), crop: crop, batchSize: batch, seed: 5)
  }

  /// The crops hold the frames they say they hold.
  @Test func cropsAreCutWhereTheySay() throws {
    let sampler = try sampler(crop: 6)
    let normalisation = Normalisation()
    for step in 0..<4 {
      let batch = try sampler.batch(epoch: 2, number: step)
      #expect(batch.input.shape == [3, 3, 1, 6, 6] && batch.target.shape == [3, 2, 1, 6, 6])
      for (index, sample) in batch.samples.enumerated() {
        for (tensor, offset) in [(batch.input, 0), (batch.target, 3)] {
          let t = sample.window.start + offset + 1
          let rate = 1 + Float(t) / 10 + Float(sample.y + 4) / 1000 + Float(sample.x + 5) / 100_000
          let expected = normalisation.normalised(Tensor(shape: [1], [rate]))[0]
          #expect(tensor[index, 1, 0, 4, 5] == expected)
        }
      }
    }
  }

  @Test func everyWindowComesOnceBeforeAnyComesAgain() throws {
    let sampler = try sampler(crop: 6, batch: 4)
    let starts = try sampler.batch(epoch: 0, number: 0).samples.map(\.window.start)
    #expect(starts.sorted() == [0, 1, 2, 3])
    #expect(sampler.stepsPerEpoch == 4)
  }

  @Test func theSamePlaceInARunGivesTheSameBatch() throws {
    let (a, b) = (try sampler(crop: 6), try sampler(crop: 6))
    #expect(try a.batch(epoch: 3, number: 1).samples == b.batch(epoch: 3, number: 1).samples)
    #expect(try a.batch(epoch: 3, number: 1).samples != b.batch(epoch: 3, number: 0).samples)
    #expect(try a.batch(epoch: 3, number: 1).samples != b.batch(epoch: 4, number: 1).samples)
  }

  /// All eight orientations come, and each shows the same crop: the corner that was cut at (y, x) is where it says.
  @Test func augmentedCropsAreTurnedAndMirrored() throws {
    let plain = try sampler(crop: 6)
    let sampler = Sampler(plain.data, crop: 6, batchSize: 3, seed: 5, augments: true)
    var seen: [Sampler.Orientation] = []
    for step in 0..<40 {
      let batch = try sampler.batch(epoch: 0, number: step)
      for (index, sample) in batch.samples.enumerated() {
        let orientation = sample.orientation
        if !seen.contains(orientation) { seen.append(orientation) }
        // The pixel of row 1 and column 4 of the crop.
        let (y, x) = (orientation.flipsRows ? 4 : 1, orientation.flipsColumns ? 1 : 4)
        let rate = 1 + Float(sample.window.start) / 10 + Float(sample.y + 1) / 1000 + Float(sample.x + 4) / 100_000
        let expected = Normalisation().normalised(Tensor(shape: [1], [rate]))[0]
        #expect(batch.input[index, 0, 0, orientation.transposes ? x : y, orientation.transposes ? y : x] == expected)
      }
    }
    #expect(seen.count == 8)
  }

  /// A crop is that of the same frames with other rain rates: all of its frames by one factor, from the smallest to the
  /// largest, as often above 1 as below; dry and missing pixels stay so.
  @Test(arguments: [Normalisation(), Normalisation(scale: .logRainRate())])
  func rainIsMadeStrongerAndWeaker(normalisation: Normalisation) throws {
    var sequence = countingSequence(frames: 6)
    var rates = try sequence.rainRate
    for t in 0..<6 { (rates[t, 2, 3], rates[t, 4, 5], rates[t, 6, 7]) = (0, .nan, 900) }
    sequence = sequence.with(rainRate: rates)
    var settings = TrainingOptions()
    (settings.inputFrames, settings.leadFrames, settings.validationShare) = (3, 2, 0)
    settings.normalisation = normalisation
    let sampler = Sampler(
      try TrainingData([sequence], options: settings), crop: 10, batchSize: 2, seed: 3,
      intensity: IntensityScaling(most: 3, normalisation: normalisation))
    var factors: [Float] = []
    for number in 0..<100 {
      let batch = try sampler.batch(epoch: 0, number: number)
      for (index, sample) in batch.samples.enumerated() {
        factors.append(sample.intensity)
        let scaled = Tensor(shape: rates.shape, rates.elements.map { $0 * sample.intensity })
        let expected = normalisation.normalised(scaled)
        for t in 0..<5 {
          let frame = (t < 3 ? batch.input : batch.target).part(index).part(t < 3 ? t : t - 3)
          for y in 0..<10 {
            for x in 0..<10 {
              let (value, wanted) = (frame[0, y, x], expected[sample.window.start + t, sample.y + y, sample.x + x])
              if wanted.isNaN {
                #expect(t < 3 ? value == 0 : value.isNaN)
              } else if rates[sample.window.start + t, sample.y + y, sample.x + x] < 200 {
                #expect(abs(value - wanted) < 2e-6)
              } else {
                // Cut before it was multiplied: weaker than the most there is, but never stronger.
                #expect(value <= 1 && (sample.intensity < 1 || value == 1))
              }
            }
          }
        }
      }
    }
    #expect(factors.allSatisfy { $0 >= 1 / 3.0001 && $0 <= 3.0001 })
    #expect((70...130).contains(factors.filter { $0 > 1 }.count))
    #expect(factors.contains { $0 > 2.5 } && factors.contains { $0 < 0.4 })
    let plain = Sampler(sampler.data, crop: 10, batchSize: 2, seed: 3)
    #expect(try plain.batch(epoch: 0, number: 0).samples.allSatisfy { $0.intensity == 1 })
    #expect(try sampler.validationSamples(most: 4).allSatisfy { $0.intensity == 1 })
  }

  @Test func missingEntersAsZeroAndIsNoTarget() throws {
    let batch = try sampler(crop: 12) { _, y, x in y == 2 && x == 3 }.batch(epoch: 0, number: 0)
    #expect(batch.input[0, 1, 0, 2, 3] == 0 && batch.target[0, 1, 0, 2, 3].isNaN)
    #expect(batch.input[0, 1, 0, 2, 4] > 0 && !batch.target[0, 1, 0, 2, 4].isNaN)
  }

  /// Held-out crops cover the whole frame, be it no multiple of a crop.
  @Test func validationCoversTheFrames() throws {
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (3, 2, 0.5)
    let data = try TrainingData([countingSequence(frames: 12)], options: options)
    let sampler = Sampler(data, crop: 7, batchSize: 3, seed: 5)
    let samples = try sampler.validationSamples(most: 1000)
    #expect(Set(samples.map(\.window.start)) == Set(data.validation.map(\.start)))
    #expect(Set(samples.map { [$0.y, $0.x] }) == [[0, 0], [0, 3], [5, 0], [5, 3]])
    #expect(try sampler.validationSamples(most: 5).count == 5)
  }

  @Test func aSmallerFrameIsTakenWhole() throws {
    let sampler = try sampler(crop: 64)
    #expect(sampler.height == 12 && sampler.width == 10)
  }

  /// Batches made ahead are those made on the spot, also after a jump and over the end of an epoch.
  @Test func batchesMadeAheadAreTheSame() throws {
    let sampler = try sampler(crop: 8, batch: 1)
    let batches = BatchPrefetch(sampler)
    let inOrder = (0..<sampler.batchesPerEpoch).map { (0, $0) } + [(1, 0), (1, 1)]
    for (epoch, number) in inOrder + [(5, 3), (5, 4), (2, 0)] {
      let (made, expected) = (
        try batches.batch(epoch: epoch, number: number), try sampler.batch(epoch: epoch, number: number)
      )
      #expect(made.samples == expected.samples && made.input == expected.input)
    }
  }

  /// The order of a pass is that of one shuffle of all windows by the source of the pass, however often it is asked for.
  @Test func ordersAreKeptAndTheSame() {
    let orders = WindowOrders()
    for (epoch, pass) in [(0, 0), (0, 1), (0, 0), (1, 0), (0, 1), (0, 0)] {
      let seed = UInt64(epoch * 10 + pass)
      var source = RandomSource(seed: seed)
      var expected = Array(0..<1000)
      expected.shuffle(using: &source)
      let found = (0..<1000).map {
        orders.window($0, epoch: epoch, pass: pass, count: 1000) { RandomSource(seed: seed) }
      }
      #expect(found == expected)
    }
  }
}
