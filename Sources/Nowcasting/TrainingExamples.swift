import ConvKernels
import ConvLSTM
import RadarIO
import Tensor

/// Some windows whose forecasts are shown while training goes on: the same ones each time.
struct TrainingExamples {
  /// What was observed and what is forecast.
  struct Case {
    /// The name of the sequence.
    let sequence: String
    /// The time of the last frame seen, in seconds since 1970-01-01 UTC.
    let referenceTime: Double
    /// Where the pixels are.
    let grid: Grid
    /// The last frame seen, `[h, w]` in mm/h.
    let last: Tensor
    /// The frames that followed, `[t, h, w]` in mm/h, NaN where missing.
    let observed: Tensor
    /// Those that were forecast, `[t, h, w]` in mm/h.
    let forecast: Tensor
  }

  private static let most = 3

  private let sampler: Sampler
  private let samples: [Sampler.Sample]
  private let normalisation: Normalisation
  private let thresholds: [Float]?

  /// Chooses the wettest crops of windows that do not overlap, of those held out, or of those learned from where none are.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  init(_ sampler: Sampler, _ normalisation: Normalisation, thresholds: [Float]?, held: [Sampler.Sample]) throws {
    self.sampler = sampler
    self.thresholds = thresholds
    self.normalisation = normalisation
    let candidates = held.isEmpty ? try sampler.batch(epoch: 0, number: 0).samples.map(\.upright) : held
    let threshold = Wetness(normalisation).threshold
    let wet = try candidates.map { try sampler.targets($0, wetFrom: threshold).wet }
    let length = sampler.data.inputFrames + sampler.data.leadFrames
    var chosen: [Sampler.Sample] = []
    // Of equally wet ones the first: the choice must not depend on the sort.
    for index in candidates.indices.sorted(by: { (-wet[$0], $0) < (-wet[$1], $1) }) where chosen.count < Self.most {
      let window = candidates[index].window
      let overlaps = chosen.contains {
        $0.window.sequence == window.sequence && abs($0.window.start - window.start) < length
      }
      if !overlaps { chosen.append(candidates[index]) }
    }
    samples = chosen
  }

  /// What a network's forecast `[1, t, c, h, w]` means in mm/h, `[t, h, w]`.
  private func rainRate(_ output: Tensor, last: Tensor) -> Tensor {
    let shape = Array(output.shape.dropFirst())
    guard let thresholds else { return normalisation.rainRate(output.reshaped([shape[0], shape[2], shape[3]])) }
    return RainDistribution(thresholds: thresholds, probabilities: output.reshaped(shape)).matched(
      to: last, pool: .standard)
  }

  /// Their forecasts by a network.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  func cases(_ network: EncoderForecaster) throws -> [Case] {
    try samples.map { sample in
      let batch = try sampler.batch([sample])
      let data = sampler.data
      let sequence = data.sequences[sample.window.sequence]
      let shape = [data.leadFrames, sampler.height, sampler.width]
      let start = sample.window.start + data.inputFrames - 1
      let frames = data.frames[sample.window.sequence]
      let seen = try frames.frame(start).crop(sample.y..<sample.y + sampler.height, sample.x..<sample.x + sampler.width)
      let last = normalisation.rainRate(seen)
      let tape = network.makeTape(
        batch: 1, inputFrames: data.inputFrames, leadFrames: data.leadFrames, height: sampler.height,
        width: sampler.width, recording: .nothing)
      let output = network.forward(tape, batch.input, guidance: batch.guidance)
      return Case(
        sequence: sequence.name, referenceTime: sequence.times[start],
        grid: sequence.grid.crop(sample.y..<sample.y + sampler.height, sample.x..<sample.x + sampler.width),
        last: last, observed: normalisation.rainRate(batch.target.reshaped(shape)),
        forecast: rainRate(output, last: last).reshaped(shape))
    }
  }
}

extension Sampler.Sample {
  /// The same crop, neither turned nor mirrored.
  fileprivate var upright: Sampler.Sample { Sampler.Sample(window: window, y: y, x: x) }
}

extension Tensor {
  /// A part of an image `[h, w]`.
  fileprivate func crop(_ rows: Range<Int>, _ columns: Range<Int>) -> Tensor {
    let width = shape[1]
    return withUnsafeBufferPointer { pixels in
      Tensor(
        shape: [rows.count, columns.count],
        rows.flatMap { pixels[$0 * width + columns.lowerBound..<$0 * width + columns.upperBound] })
    }
  }
}

extension Grid {
  /// The coordinates of a part of the grid, without what is copied to a file.
  fileprivate func crop(_ rows: Range<Int>, _ columns: Range<Int>) -> Grid {
    var part = Grid(height: rows.count, width: columns.count, spacingMetres: spacingMetres ?? 1)
    part.y = y.map { Array($0[rows]) }
    part.x = x.map { Array($0[columns]) }
    (part.yUnits, part.xUnits, part.isGeographic) = (yUnits, xUnits, isGeographic)
    part.spacingMetres = spacingMetres
    return part
  }
}
