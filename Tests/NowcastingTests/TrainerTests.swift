import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct TrainerTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func learnsSomething() throws {
    var options = options
    (options.epochs, options.learningRate) = (12, 3e-3)
    var losses: [Double] = []
    let result = try train("run", options) { losses.append($0.trainLoss) }
    #expect(try #require(losses.last) < losses[0] / 2)
    #expect(result.epochs == 12 && losses.count == result.steps)
    let validation = try #require(result.validation)
    #expect(validation.loss < 0.2 && validation.persistenceLoss != nil)
    let history = try String(contentsOfFile: folder / "run/history.csv", encoding: .utf8).split(separator: "\n")
    #expect(history.count == 13 && history[0].hasPrefix("epoch,step,train_loss,validation_loss"))
  }

  @Test func theNumberOfThreadsChangesNoByte() throws {
    for threads in 1...3 { try train("\(threads)", options, threads: threads) }
    for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "train.html"] {
      let one = try bytes("1/" + name)
      #expect(try bytes("2/" + name) == one && bytes("3/" + name) == one)
    }
  }

  /// A run that the user stopped, in the middle of an epoch or at its end, goes on as if it had not been.
  @Test(arguments: [3, 7, 12]) func resumingGivesTheSameBytes(stop: Int) throws {
    let whole = try train("whole", options)
    #expect(whole.steps > 12)
    var steps = 0
    let data = try TrainingData([Self.rain], options: options)
    let trainer = try Trainer(
      data, options: options, folder: RunFolder(folder / "parts"), resume: false, overwrite: false, pool: .standard)
    #expect(
      throwsCode(.interrupted) { _ = try trainer.run(shouldStop: { steps == stop }, report: { _ in steps += 1 }) })
    _ = try Model(contentsOf: folder / "parts")
    try train("parts", options, resume: true)
    for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "train.html"] {
      #expect(try bytes("parts/" + name) == bytes("whole/" + name))
    }
  }

  /// A limit on the steps ends a run with a model; the weights of a longer run pass through the same values.
  @Test func aLimitOnStepsCanBeRaised() throws {
    try train("whole", options)
    var part = options
    part.maxSteps = 5
    #expect(try train("parts", part).steps == 5)
    try train("parts", options, resume: true)
    let name = "checkpoint.safetensors"
    let (a, b) = (
      try SafetensorsFile(contentsOf: folder / "parts/" + name),
      try SafetensorsFile(contentsOf: folder / "whole/" + name)
    )
    #expect(a.tensors == b.tensors)
  }

  @Test func resumingNeedsTheSameOptions() throws {
    try train("run", options)
    var other = options
    other.learningRate = 1e-4
    do {
      try train("run", other, resume: true)
      Issue.record("other options were taken")
    } catch let error as NowcastError {
      #expect(error.code == .unusable && error.message.contains("learning-rate was 0.001 and is 0.0001)"))
    }
    // Frames of the same number, size and times, with other rain.
    #expect(throwsCode(.unusable) { try train("run", options, resume: true, rain: Self.simulated(seed: 4)) })
    #expect(throwsCode(.notFound) { try train("elsewhere", options, resume: true) })
    #expect(throwsCode(.cannotCreate) { try train("run", options) })
  }

  /// A run that computes gates again goes on so; one that does not may begin to, and comes out the same within rounding.
  @Test func recomputationCarriesOn() throws {
    var recomputing = options
    recomputing.recompute = true
    try train("whole", recomputing)
    var part = recomputing
    part.maxSteps = 5
    try train("parts", part)
    try train("parts", options, resume: true)
    let whole = try Checkpoint(contentsOf: folder / "whole/checkpoint.safetensors")
    let parts = try Checkpoint(contentsOf: folder / "parts/checkpoint.safetensors")
    #expect(parts.position.options.recompute == true && parts.model.parameters.values == whole.model.parameters.values)

    part.recompute = nil
    try train("later", part)
    try train("later", recomputing, resume: true)
    let later = try Checkpoint(contentsOf: folder / "later/checkpoint.safetensors")
    let differences = zip(later.model.parameters.values.elements, whole.model.parameters.values.elements).map {
      abs($0 - $1)
    }
    #expect(later.position.options.recompute == true)
    #expect(try #require(differences.max()) < 1e-4)
  }

  @Test func divergenceStopsWithAMessage() throws {
    var options = options
    (options.learningRate, options.clipNorm, options.epochs) = (1e38, 1e30, 50)
    do {
      try train("run", options)
      Issue.record("training did not diverge")
    } catch let error as NowcastError {
      #expect(error.code == .diverged && error.message.contains("diverged"))
    }
  }

  /// The weights are looked at where no validation loss would tell, so that no ruined model is kept.
  @Test func divergenceWithoutValidationKeepsNoModel() throws {
    var options = options
    (options.learningRate, options.validationShare, options.maxSteps) = (1e300, 0, 1)
    #expect(throwsCode(.diverged) { try train("run", options) })
    #expect(throwsCode(.notFound) { _ = try Model(contentsOf: folder / "run") })
  }

  @Test func theShortestTimeIsOneUpdate() throws {
    var options = options
    options.maxSeconds = 1e-9
    #expect(try train("run", options).steps == 1)
    _ = try Model(contentsOf: folder / "run")
  }

  /// No rain at all: nothing to learn but zeros, and nothing that is not a number.
  @Test func allDryTrainsAndForecastsZeros() throws {
    var dry = Self.rain
    dry = dry.with(rainRate: Tensor(shape: try dry.rainRate.shape))
    try train("run", options, rain: dry)
    let model = try Model(contentsOf: folder / "run")
    let forecast = try Forecaster(model, pool: .standard).forecast(try dry.rainRate, last: 5, leadFrames: 4)
    #expect(forecast.shape == [4, 30, 34] && forecast.elements.allSatisfy { $0 == 0 })
  }
}

@Suite struct ModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model() throws -> Model {
    let configuration = ModelConfiguration(
      architecture: ModelConfiguration.Architecture(patch: 2, hidden: [4]), inputFrames: 3, leadFrames: 2,
      normalisation: Normalisation(), timeStepSeconds: 300, gridSpacingMetres: 1000, seed: 1)
    return Model(
      configuration: configuration,
      parameters: EncoderForecaster(try configuration.architecture.network(), seed: 1).parameters)
  }

  private func message(_ file: SafetensorsFile) throws -> String {
    try file.write(to: folder / "m.safetensors", overwrite: true)
    do {
      _ = try Model(contentsOf: folder / "m.safetensors")
      return "no error"
    } catch { return (error as? NowcastError).map { "\($0.code.rawValue) \($0.message)" } ?? "\(error)" }
  }

  @Test func thereAndBack() throws {
    let model = try model()
    try model.file().write(to: folder / "model.safetensors", overwrite: false)
    // By the file and by the folder of the run.
    for path in [folder / "model.safetensors", folder.path] {
      let read = try Model(contentsOf: path)
      #expect(read.configuration == model.configuration && read.parameters.values == model.parameters.values)
    }
  }

  /// The keys that other programs rely on.
  @Test func theDescriptionHasItsKeys() throws {
    let text = try #require(model().file().metadata["nowcast"])
    let json = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let architecture = try #require(json["architecture"] as? [String: Any])
    #expect(
      Set(architecture.keys) == ["patch", "hidden", "input_kernel", "state_kernel", "peephole", "forecaster_order"])
    #expect(json["input_frames"] as? Int == 3 && json["lead_frames"] as? Int == 2)
    #expect(json["time_step_seconds"] as? Double == 300 && json["grid_spacing_metres"] as? Double == 1000)
    let normalisation = try #require(json["normalisation"] as? [String: Any])
    #expect(Set(normalisation.keys) == ["kind", "zr_a", "zr_b", "min_dbz", "max_dbz"])
    #expect(normalisation["kind"] as? String == "dbz-linear")
  }

  @Test func corruptAndForeignFilesAreRefused() throws {
    let good = try model().file()
    var file = good
    file.metadata = [:]
    #expect(try message(file).hasPrefix("65 this safetensors file has no description"))
    file.metadata["nowcast"] = "not JSON"
    #expect(try message(file).contains("not the JSON text"))
    file.metadata["nowcast"] = "{}"
    #expect(try message(file).contains("the key 'architecture' is missing"))
    func changed(_ from: String, _ to: String) -> SafetensorsFile {
      var file = good
      file.metadata["nowcast"] = good.metadata["nowcast"]?.replacingOccurrences(of: from, with: to)
      return file
    }
    #expect(try message(changed("\"hidden\":[4]", "\"hidden\":[5]")).contains("has shape [16, 4, 3, 3]"))
    #expect(try message(changed("\"hidden\":[4]", "\"hidden\":[65536]")).contains("has shape [16, 4, 3, 3]"))
    #expect(try message(changed("\"hidden\":[4]", "\"hidden\":[]")).hasPrefix("65"))
    #expect(try message(changed("\"hidden\":[4]", "\"hidden\":[1000000000000]")).contains("1000000000000"))
    #expect(try message(changed("\"input_kernel\":[3]", "\"input_kernel\":[2]")).contains("odd"))
    #expect(try message(changed("\"patch\":2", "\"patch\":-2")).contains("patch"))
    #expect(try message(changed("\"dbz-linear\"", "\"log\"")).contains("normalisation is 'log'"))
    #expect(try message(changed("\"input_frames\":3", "\"input_frames\":0")).contains("impossible"))
    #expect(try message(changed("\"input_frames\":3", "\"input_frames\":\"3\"")).contains("of another type"))
    #expect(try message(changed("\"loss\":\"mse\"", "\"loss\":\"best\"")).contains("'loss' is none"))
    file = good
    file.tensors["head.bias"] = nil
    #expect(try message(file).contains("'head.bias' is missing"))
    file.tensors["head.bias"] = Tensor(shape: [4], repeating: .nan)
    #expect(try message(file).contains("not finite"))
    try Data("hello".utf8).write(to: URL(fileURLWithPath: folder / "text.safetensors"))
    #expect(throwsCode(.unusable) { _ = try Model(contentsOf: folder / "text.safetensors") })
    #expect(throwsCode(.notFound) { _ = try Model(contentsOf: folder / "nothing.safetensors") })
  }
}
