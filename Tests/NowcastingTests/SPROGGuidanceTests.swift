import Advection
import ConvKernels
import ConvLSTM
import Foundation
import Tensor
import Testing

@testable import Nowcasting

@Suite struct SPROGGuidanceTests: TrainsSmallRuns {
  let folder: TemporaryFolder
  private let pool = WorkerPool(threadCount: 2)

  init() throws { folder = try TemporaryFolder() }

  private var guided: TrainingOptions {
    var options = options
    (options.coordinates, options.guidance, options.loss) = (.lagrangian, .sprog, .exceedance)
    return options
  }

  /// It fades, and what is left of it stands beside it.
  @Test func twoChannels() {
    let fields = Tensor(shape: [1, 2, 1, 2], [1, 2, 3, -4])
    let channels = SPROGGuidance.channels(fields, stepSeconds: [300])
    #expect(channels.shape == [1, 2, 2, 1, 2])
    #expect(channels.elements == [0.75, 1.5, 0.75, 0.75, 3 * 0.5625, -4 * 0.5625, 0.5625, 0.5625])
    // After ten minutes less is left than after five, however many frames these are.
    #expect(SPROGGuidance.channels(fields, stepSeconds: [600])[0, 0, 0, 0, 1] == 2 * 0.5625)
  }

  /// Rain that covers all and is twice as strong has the field that scaling gives.
  @Test func strongerRain() throws {
    var source = RandomSource(seed: 3)
    let rain = Tensor.uniform(shape: [3, 32, 40], low: 2, high: 9, using: &source)
    let motion = MotionField(
      height: 32, width: 40, vectors: [SIMD2<Float>](repeating: .zero, count: 32 * 40))
    func fields(_ factor: Float) -> Tensor {
      let stronger = Tensor(shape: rain.shape, rain.elements.map { factor * $0 })
      return SPROGGuidance.fields(stronger, along: motion, leadFrames: 4, pool: pool)
    }
    var scaled = fields(1)
    scaled.withUnsafeMutableBufferPointer { SPROGGuidance.scale($0, by: 2) }
    for (a, b) in zip(scaled.elements, fields(2).elements) { #expect(abs(a - b) < 1e-4) }
    // 1 mm/h everywhere is 15 dB above dry, and nothing is 0.
    let even = SPROGGuidance.fields(
      Tensor(shape: [3, 32, 40], repeating: 1), along: motion, leadFrames: 1, pool: pool)
    #expect(even.elements.allSatisfy { abs($0 - 1.5) < 1e-4 })
    var dry = SPROGGuidance.fields(Tensor(shape: [3, 32, 40]), along: motion, leadFrames: 1, pool: pool)
    dry.withUnsafeMutableBufferPointer { SPROGGuidance.scale($0, by: 3) }
    #expect(dry.elements.allSatisfy { $0 == 0 })
    // Kept in bytes a field is right to half a step.
    for (value, byte) in zip(scaled.elements, SPROGGuidance.packed(scaled)) {
      #expect(abs(SPROGGuidance.unpacked(byte) - value) <= 0.0101)
    }
  }

  /// At no lead time a network begins with a probability of one half where S-PROG's field is at the threshold, and with more
  /// above it; when all has faded, with what it would begin with by itself.
  @Test func beginsWithSPROG() throws {
    let thresholds: [Float] = [0.1, 1, 10]
    let configuration = try EncoderForecasterConfiguration(
      outputChannels: 3, guidanceChannels: SPROGGuidance.channels, patch: 2, hidden: [4])
    let network = EncoderForecaster(configuration, seed: 1)
    // Hidden states have no say.
    network.parameters["head.weight"] = Tensor(shape: [12, 4 + 8, 1, 1])
    SPROGGuidance.begin(&network.parameters, thresholds: thresholds, patch: 2)
    var fields = Tensor(shape: [1, 1, 4, 6])
    for (column, value) in [0, 0.5, 1.5, 2.5, 3, 1].enumerated() {
      for row in 0..<4 { fields[0, 0, row, column] = Float(value) }
    }
    let tape = network.makeTape(
      batch: 1, inputFrames: 2, leadFrames: 1, height: 4, width: 6, recording: .nothing)
    func forecast(stepSeconds: Double) -> Tensor {
      network.forward(
        tape, Tensor(shape: [1, 2, 1, 4, 6], repeating: 0.7),
        guidance: SPROGGuidance.channels(fields, stepSeconds: [stepSeconds]))
    }
    let output = forecast(stepSeconds: 0)
    for (channel, column) in [(0, 1), (1, 2), (2, 3)] {
      for row in 0..<4 {
        #expect(abs(output[0, 0, channel, row, column] - 0.5) < 1e-5)
        #expect(output[0, 0, channel, row, 4] > 0.5)
        #expect(output[0, 0, channel, row, 0] < 0.5)
      }
    }
    let late = forecast(stepSeconds: 86_400)
    #expect(late.elements.allSatisfy { abs($0 - 1 / (1 + exp(3))) < 1e-6 })
  }

  /// The guidance of a crop is turned as its frames are, and is that of the whole frames at the window's reference time.
  @Test func batches() throws {
    let data = try TrainingData([Self.rain], options: guided)
    let sampler = Sampler(
      data, crop: 16, batchSize: 4, seed: 5, augments: true, coordinates: .lagrangian, guidance: .sprog)
    let batch = try sampler.batch(epoch: 0, number: 0)
    let guidance = try #require(batch.guidance)
    #expect(guidance.shape == [4, 2, 2, 16, 16])
    for (index, sample) in batch.samples.enumerated() {
      let frames = try Self.rain.rainRate.parts(sample.window.start..<sample.window.start + 3)
      let motion = OpticalFlow().motion(of: frames, pool: pool)
      let fields = SPROGGuidance.fields(frames, along: motion, leadFrames: 2, pool: pool)
      #expect(Set(fields.elements).count > 100)
      let orientation = sample.orientation
      for row in 0..<16 {
        for column in 0..<16 {
          let flipped = (
            y: orientation.flipsRows ? 15 - row : row, x: orientation.flipsColumns ? 15 - column : column
          )
          let (y, x) = orientation.transposes ? (flipped.x, flipped.y) : (flipped.y, flipped.x)
          for t in 0..<2 {
            let expected = fields[t, sample.y + row, sample.x + column]
            let left: Float = [0.75, 0.5625][t]
            #expect(abs(guidance[index, t, 0, y, x] - left * expected) <= 0.0101)
            #expect(guidance[index, t, 1, y, x] == left)
          }
        }
      }
    }
    #expect(try Sampler(data, crop: 16, batchSize: 4, seed: 5).batch(epoch: 0, number: 0).guidance == nil)
  }

  /// The model has it, forecasts follow it, and two runs, one of them stopped in between, end with the same bytes.
  @Test func modelKeepsGuidance() throws {
    var options = guided
    options.epochs = 2
    try train("a", options)
    var first = options
    first.epochs = 1
    try train("b", first, threads: 1)
    try train("b", options, resume: true, threads: 1)
    #expect(try bytes("a/model.safetensors") == bytes("b/model.safetensors"))
    let model = try Model(contentsOf: folder / "a")
    #expect(model.configuration.guidance == .sprog)
    let rain = try Self.rain.rainRate
    let forecasts = try [1, 2].map {
      try Forecaster(model, pool: WorkerPool(threadCount: $0)).forecast(rain, last: 9, leadFrames: 5)
    }
    for (one, two) in zip(forecasts[0].elements, forecasts[1].elements) {
      #expect(one == two || one.isNaN && two.isNaN)
    }
  }

  /// The preset in other coordinates, as in the study's comparison: its guidance has to be left out, and can be.
  @Test func presetInOtherCoordinates() throws {
    var given = TrainingConfiguration()
    given.preset = .lagrangian
    given.values["coordinates"] = .text("eulerian")
    #expect { try TrainingOptions(file: nil, commandLine: given).validate() } throws: {
      "\($0)".contains("guidance by S-PROG needs")
    }
    given.values["guidance"] = .text("none")
    let options = try TrainingOptions(file: nil, commandLine: given)
    try options.validate()
    #expect(options.guidance == .none && options.coordinates == .eulerian)
  }

  @Test func needsFramesThatStandStill() {
    var options = guided
    options.coordinates = .eulerian
    #expect { try options.validate() } throws: { "\($0)".contains("guidance by S-PROG needs --coordinates lagrangian") }
    (options.coordinates, options.inputFrames) = (.lagrangian, 2)
    #expect { try options.validate() } throws: { "\($0)".contains("at least 3 --input-frames") }
  }
}
