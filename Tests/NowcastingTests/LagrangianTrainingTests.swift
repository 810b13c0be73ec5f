import Advection
import ConvKernels
import ConvLSTM
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct LagrangianTrainingTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A crop of a batch shows what whole frames show that are moved to the reference time.
  @Test(arguments: [false, true]) func batches(augments: Bool) throws {
    let data = try TrainingData([Self.rain], options: options)
    let sampler = Sampler(
      data, crop: 16, batchSize: 4, seed: 5, augments: augments, coordinates: .lagrangian)
    let batch = try sampler.batch(epoch: 0, number: 0)
    let normalised = Normalisation().normalised(try Self.rain.rainRate)
    for (index, sample) in batch.samples.enumerated() {
      let reference = sample.window.start + 2
      let motion = OpticalFlow().motion(
        of: try Self.rain.rainRate.parts(reference - 2..<reference + 1), pool: WorkerPool(threadCount: 2))
      let past = LagrangianFrames.frames(
        [normalised.part(reference - 1), normalised.part(reference - 2)], .past, along: motion, rows: 0..<30,
        columns: 0..<34)
      let future = LagrangianFrames.frames(
        [normalised.part(reference + 1), normalised.part(reference + 2)], .future, along: motion, rows: 0..<30,
        columns: 0..<34)
      let inputs = [past.part(1), past.part(0), normalised.part(reference)]
      for row in 0..<16 {
        for column in 0..<16 {
          // Where a pixel of the crop lies in the batch.
          let orientation = sample.orientation
          let flipped = (
            y: orientation.flipsRows ? 15 - row : row, x: orientation.flipsColumns ? 15 - column : column
          )
          let (y, x) = orientation.transposes ? (flipped.x, flipped.y) : (flipped.y, flipped.x)
          for t in 0..<3 {
            let expected = inputs[t][sample.y + row, sample.x + column]
            // What is missing is as in the last frame, or dry.
            let last = inputs[2][sample.y + row, sample.x + column]
            #expect(
              batch.input[index, t, 0, y, x] == (!expected.isNaN ? expected : last.isNaN ? 0 : last))
          }
          for t in 0..<2 {
            let (ours, expected) = (batch.target[index, t, 0, y, x], future[t, sample.y + row, sample.x + column])
            #expect(ours == expected || (ours.isNaN && expected.isNaN))
          }
        }
      }
    }
  }

  /// The coordinates are in the model and followed by forecasts: they are missing where rain comes from outside, as those of
  /// advection are, and nowhere else.
  @Test(arguments: [TrainingLoss.mse, .exceedance]) func modelKeepsCoordinates(loss: TrainingLoss) throws {
    var options = options
    (options.coordinates, options.loss) = (.lagrangian, loss)
    try train("run", options)
    let model = try Model(contentsOf: folder / "run")
    #expect(model.configuration.coordinates == .lagrangian)
    #expect(model.configuration.exceedanceThresholds == (loss == .mse ? nil : TrainingLoss.exceedanceThresholds))
    // Measured everywhere, so that only what comes from outside is missing.
    var rain = try Self.rain.rainRate
    rain.withUnsafeMutableBufferPointer { values in
      for index in values.indices where values[index].isNaN { values[index] = 0 }
    }
    let forecasts = try [1, 2].map {
      try Forecaster(model, pool: WorkerPool(threadCount: $0)).forecast(rain, last: 9, leadFrames: 4)
    }
    let advection = Baseline.advection.forecast(rain.parts(7..<10), leadFrames: 4, pool: .standard)
    let missing = advection.elements.map { $0.isNaN }
    #expect(missing.contains(true) && missing.contains(false))
    #expect(forecasts[0].elements.map { $0.isNaN } == missing)
    for (one, two) in zip(forecasts[0].elements, forecasts[1].elements) { #expect(one == two || one.isNaN) }
    // Nothing is forecast where no input frame measured, whatever moves there.
    let frames = try Self.rain.rainRate
    let forecast = try Forecaster(model, pool: .standard).forecast(frames, last: 9, leadFrames: 4)
    let unmeasured = (0..<30 * 34).filter { pixel in (7..<10).allSatisfy { frames.part($0).elements[pixel].isNaN } }
    #expect(!unmeasured.isEmpty)
    for pixel in unmeasured { #expect((0..<4).allSatisfy { forecast.part($0).elements[pixel].isNaN }) }
  }

  /// Two runs, and one that was stopped in between, end with the same model.
  @Test func sameBytes() throws {
    var options = options
    (options.coordinates, options.loss, options.epochs) = (.lagrangian, .exceedance, 2)
    try train("a", options)
    try train("b", options, threads: 1)
    var first = options
    first.epochs = 1
    try train("c", first)
    try train("c", options, resume: true)
    #expect(try bytes("a/model.safetensors") == bytes("b/model.safetensors"))
    #expect(try bytes("a/model.safetensors") == bytes("c/model.safetensors"))
  }

  @Test func oneFrameShowsNoMotion() throws {
    var options = options
    (options.coordinates, options.inputFrames) = (.lagrangian, 1)
    #expect { try options.validate() } throws: { "\($0)".contains("at least 2 --input-frames") }
  }

  /// The mean of four forecasts knows no left and right: mirrored frames give the mirrored forecast.
  @Test(arguments: [false, true]) func mirroredFrames(rows: Bool) throws {
    var options = options
    (options.augments, options.averagesFlips, options.loss) = (true, true, .exceedance)
    try train("run", options)
    let model = try Model(contentsOf: folder / "run")
    #expect(model.configuration.averagesFlips)
    let forecaster = try Forecaster(model, pool: WorkerPool(threadCount: 2))
    let rain = try Self.rain.rainRate
    let (steps, height, width) = (rain.shape[0], 30, 34)
    func mirrored(_ tensor: Tensor) -> Tensor {
      let images = tensor.count / (height * width)
      return Tensor(
        shape: tensor.shape,
        (0..<images * height * width).map { index in
          let (image, y, x) = (index / (height * width), index / width % height, index % width)
          return tensor.elements[(image * height + (rows ? height - 1 - y : y)) * width + (rows ? x : width - 1 - x)]
        })
    }
    func probabilities(_ rain: Tensor) throws -> Tensor {
      try #require(forecaster.prognosis(rain, last: steps - 1, leadFrames: 2).distribution).exceedance
    }
    let (plain, other) = (try probabilities(rain), mirrored(try probabilities(mirrored(rain))))
    var largest: Float = 0
    for (a, b) in zip(plain.elements, other.elements) {
      #expect(a.isNaN == b.isNaN)
      if !a.isNaN { largest = max(largest, abs(a - b)) }
    }
    #expect(largest < 1e-5)
    // Without it they differ.
    var alone = model
    alone.configuration.averagesFlips = false
    let single = try Forecaster(alone, pool: WorkerPool(threadCount: 2))
    let one = single.prognosis(rain, last: steps - 1, leadFrames: 2).distribution?.exceedance
    #expect(one != plain)
  }
}
