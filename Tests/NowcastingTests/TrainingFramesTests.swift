import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct TrainingFramesTests {
  /// Frames come out the same however few of them are kept.
  @Test(arguments: [1e9, 1440.0, 0]) func keptOrReadAgain(limit: Double) throws {
    let sequences = [countingSequence(frames: 8), countingSequence(frames: 5)]
    let frames = TrainingFrames(sequences, normalisation: Normalisation(), limit: limit)
    // What is not kept here the reader keeps.
    #expect(frames.mostBytes == (limit >= 6240 ? 6240 : limit + 6240))
    for pass in 0..<3 {
      for (index, sequence) in sequences.enumerated() {
        for frame in 0..<sequence.count where (frame + pass) % 3 != 0 {
          let expected = Normalisation().normalised(try sequence.rainRate(at: frame))
          #expect(try frames.frame(frame, of: index) == expected)
        }
      }
    }
  }

  /// The batches are those of the sampler, in whatever order they are asked for.
  @Test func batchesMadeAhead() throws {
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (3, 2, 0)
    let sampler = Sampler(
      try TrainingData([countingSequence(frames: 8)], options: options), crop: 6, batchSize: 2, seed: 5)
    let batches = BatchPrefetch(sampler)
    let last = sampler.stepsPerEpoch - 1
    for (epoch, step) in [(0, 0), (0, 1), (0, last), (1, 0), (1, 1), (0, 0)] {
      let expected = try sampler.batch(epoch: epoch, number: step)
      let batch = try batches.batch(epoch: epoch, number: step)
      #expect(batch.samples == expected.samples && batch.input == expected.input)
    }
  }

  @Test func windowsAcrossGapsAreCounted() throws {
    func sequence(_ times: Range<Int>) -> FrameSequence {
      FrameSequence(
        grid: Grid(height: 12, width: 10, spacingMetres: 1000), times: times.map { Double($0) * 300 },
        rainRate: Tensor(shape: [times.count, 12, 10], repeating: 1))
    }
    // Frame 5 is missing: of the windows of four frames, those from 3 and 4 have both ends and cross it.
    let parts = [sequence(0..<5), sequence(6..<12)]
    #expect(parts.brokenWindows(length: 4) == 2)
    #expect(parts.brokenWindows(length: 2) == 0)
    #expect([sequence(0..<5)].brokenWindows(length: 4) == 0)
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames, options.validationShare) = (2, 2, 0)
    let data = try TrainingData(parts, options: options)
    #expect(data.notes.contains { $0.hasPrefix("2 windows are skipped for frames missing in them; --max-gap") })
  }
}
