import ConvLSTM
import Foundation
import RadarIO
import Testing

@testable import Nowcasting

@Suite struct TrainingConfigurationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ text: String) throws -> TrainingConfiguration {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder / "c.json"))
    return try TrainingConfiguration(contentsOf: folder / "c.json")
  }

  private func given(_ values: [String: SettingValue], preset: TrainingPreset? = nil) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    (configuration.values, configuration.preset) = (values, preset)
    return configuration
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return (error as? NowcastError).map { "\($0.code.rawValue) \($0.message)" } ?? "\(error)" }
  }

  private func message(_ text: String, _ values: [String: SettingValue] = [:]) -> String {
    message { _ = try TrainingOptions(file: try file(text), commandLine: given(values)) }
  }

  /// What is printed is read back as the same options, with each choice of everything.
  @Test func printedAndReadBack() throws {
    var changes: [[String: SettingValue]] = [
      [:],
      ["lead-frames": .integer(7), "seed": .unsigned(.max), "max-seconds": .number(1.5), "recompute": .flag(false)],
      ["normalisation": .text("log-rain-rate"), "log-offset": .number(0.12), "max-rain-rate": .number(150)],
      [
        "min-dbz": .number(5), "max-dbz": .integer(55), "zr-a": .number(58.53), "zr-b": .number(1.56),
        "loss": .text("mae"),
      ],
      ["hidden": .list([8, 6, 4]), "kernel": .list([3, 5, 3]), "peephole": .flag(false), "patch": .integer(1)],
      [
        "stride": .list([2, 3]), "forecaster-order": .text("reversed"), "down-kernel": .list([3, 5]),
        "up-kernel": .list([6, 3]), "down-channels": .list([3, 4]), "up-channels": .list([5, 6]),
        "output-kernel": .integer(1),
      ],
      ["weight-average": .number(0.999), "accumulate": .integer(3), "warmup-steps": .integer(10)],
      ["schedule": .text("step"), "decay-steps": .integer(50), "decay-factor": .number(0.7)],
      ["schedule": .text("plateau"), "plateau-patience": .integer(3), "early-stopping": .integer(9)],
      ["schedule": .text("cosine"), "schedule-steps": .integer(1000), "max-steps": .integer(2000)],
      ["sampling": .text("wet"), "augment": .flag(true), "forecaster-order": .text("reversed")],
      ["optimizer": .text("adamw"), "weight-decay": .number(0.05), "beta1": .number(0.5), "beta2": .number(0.99)],
      ["optimizer": .text("rmsprop"), "rms-decay": .number(0.95)], ["optimizer": .text("sgd"), "momentum": .number(0)],
    ]
    changes += TrainingLoss.allCases.map { ["loss": .text($0.rawValue)] }
    for values in changes {
      let options = try TrainingOptions(file: nil, commandLine: given(values))
      for (name, value) in values where name != "kernel" {
        let setting = try #require(TrainingSetting.all.first { $0.name == name })
        let shown = setting.get(options)
        #expect(shown == value || shown.json == value.json + ".0", "\(name)")
      }
      #expect(try TrainingOptions(file: try file(options.configurationText), commandLine: given([:])) == options)
    }
    for preset in TrainingPreset.allCases {
      let options = try TrainingOptions(file: nil, commandLine: given([:], preset: preset))
      #expect(options == preset.options)
      #expect(try TrainingOptions(file: try file(options.configurationText), commandLine: given([:])) == options)
    }
  }

  /// The command line goes before the file, and the file before the preset.
  @Test func whatGoesBefore() throws {
    let file = try file(#"{ "preset": "small", "crop": 96, "learning-rate": 2e-3, "seed": 18446744073709551615 }"#)
    #expect(file.preset == .small)
    let options = try TrainingOptions(file: file, commandLine: given(["crop": .integer(64)]))
    #expect(options.architecture == TrainingPreset.small.options.architecture)
    #expect(options.crop == 64 && options.learningRate == 2e-3 && options.seed == .max)
    let other = try TrainingOptions(file: file, commandLine: given([:], preset: .shi2015Radar))
    #expect(other.leadFrames == 15 && other.crop == 96 && other.architecture.patch == 2)
  }

  /// A run that says nothing about its network has the one that forecasts best; one that does has what it says.
  @Test func standardPreset() throws {
    var expected = TrainingPreset.lagrangian.options
    #expect(try TrainingOptions(file: nil, commandLine: given([:])) == expected)
    (expected.crop, expected.seed, expected.maxSteps) = (96, 7, 20)
    let values: [String: SettingValue] = ["crop": .integer(96), "seed": .integer(7), "max-steps": .integer(20)]
    #expect(try TrainingOptions(file: nil, commandLine: given(values)) == expected)
    // Mirrored frames are for networks that have learned from such.
    let plain = try TrainingOptions(file: nil, commandLine: given(["augment": .flag(false)]))
    #expect(plain.loss == .exceedance && !plain.averagesFlips)
    let networks: [String: SettingValue] = [
      "hidden": .list([8]), "patch": .integer(2), "kernel": .integer(3), "loss": .text("mse"),
    ]
    for (name, value) in networks {
      let fromFile = try TrainingOptions(file: try file("{ \"\(name)\": \(value.json) }"), commandLine: given([:]))
      for options in [try TrainingOptions(file: nil, commandLine: given([name: value])), fromFile] {
        #expect(options.coordinates == .eulerian && options.guidance == .none && options.loss == .mse)
        #expect(options.inputFrames == 5 && options.maxSteps == nil, "\(name)")
      }
    }
    // A preset that is named is changed, whatever is said.
    let named = try TrainingOptions(file: nil, commandLine: given(["hidden": .list([8])], preset: .lagrangian))
    #expect(named.architecture.hidden == [8] && named.loss == .exceedance)
  }

  /// A run that begins with the weights of a model sees and learns what that did, unless it says otherwise.
  @Test func defaultsOfAModel() throws {
    let model = try Model(contentsOf: StarterModel.name)
    var other = model
    other.configuration.normalisation.scale = .dbzLinear(min: -5, max: 65)
    other.configuration.inputFrames = 6
    try other.write(to: folder / "other.safetensors", overwrite: false)
    let weights = try InitialWeights(contentsOf: folder / "other.safetensors")
    let options = try TrainingOptions(file: nil, commandLine: given([:]), initial: weights)
    #expect(
      options.beginning == .none && options.architecture == model.configuration.architecture && options.inputFrames == 6
    )
    #expect(options.normalisation == other.configuration.normalisation)
    #expect(options.coordinates == .lagrangian && options.guidance == .sprog && options.loss == .exceedance)
    #expect(options.learningRate == TrainingOptions().learningRate && options.maxSteps == nil)
    var parameters = ParameterSet(try options.network().parameterLayout)
    #expect(try weights.apply(to: &parameters).contains("begins with 17 of 17 tensors"))
    #expect(parameters.values == model.parameters.values)

    // Nothing else than it stands for the starter model.
    let tuned = try TrainingOptions(file: nil, commandLine: given([:], preset: .lagrangian), initial: weights)
    #expect(tuned.beginning == .none)
  }

  /// The standard preset begins with the starter model where that is of its kind; who asks for it elsewhere is told.
  @Test func beginningWithTheStarter() throws {
    func beginning(_ values: [String: SettingValue], preset: TrainingPreset? = nil) throws -> Beginning {
      try TrainingOptions(file: nil, commandLine: given(values, preset: preset)).beginning
    }
    #expect(try beginning(["crop": .integer(96), "init": .text("starter")]) == .starter)
    #expect(try beginning([:]) == .starter && beginning(["init": .text("none")]) == .none)
    #expect(try beginning(["min-dbz": .integer(0)]) == .none)
    #expect(try beginning(["hidden": .list([8])], preset: .lagrangian) == .none)
    #expect(try beginning(["hidden": .list([48, 48]), "patch": .integer(4)]) == .none)
    #expect(
      message("{}", ["init": .text("starter"), "hidden": .list([8])]).hasPrefix("64 --init starter needs the network"))
    // A run's own configuration makes the same run again.
    let text = TrainingPreset.lagrangian.options.configurationText
    #expect(text.contains(#""init": "starter""#))
    #expect(try TrainingOptions(file: try file(text), commandLine: given([:])).beginning == .starter)
  }

  /// One kernel for all layers stays that when their number changes.
  @Test func kernelsOfOtherLayers() throws {
    let options = try TrainingOptions(
      file: nil, commandLine: given(["hidden": .list([4, 4, 4])], preset: .shi2015MNIST9x9x2))
    #expect(options.architecture.inputKernel == [9, 9, 9] && options.architecture.stateKernel == [1, 1, 1])
    #expect(message(#"{ "hidden": [4, 4, 4], "kernel": [3, 5] }"#).contains("64 these options make no network"))
  }

  /// What follows from strides and layers follows from those that are given in the end.
  @Test func scalesOfAPreset() throws {
    func scales(_ values: [String: SettingValue]) throws -> Scales {
      try TrainingOptions(file: nil, commandLine: given(values, preset: .hko7)).architecture.scales
    }
    #expect(try scales([:]).upChannels == [8, 64, 192])
    let changed = try scales(["stride": .list([2, 2]), "hidden": .list([16, 32])])
    #expect(changed.downKernel == [3, 3] && changed.upKernel == [4, 4])
    #expect(changed.downChannels == [8, 32] && changed.upChannels == [8, 16])
    #expect(message("{}", ["up-kernel": .list([3])]).contains("--up-kernel means something with --stride only"))
    #expect(message("{}", ["stride": .list([2, 2])]).contains("forecaster order 'reversed'"))
  }

  /// The numbers of weights that Shi et al. 2015 give.
  @Test(arguments: [
    (TrainingPreset.shi2015MNIST1, 13_524_496), (.shi2015MNIST2, 10_042_896), (.shi2015MNIST3, 7_585_296),
    (.shi2015MNIST9x9x2, 11_550_224), (.shi2015MNIST9x9x3, 8_830_480),
  ])
  func publishedNumbersOfWeights(preset: TrainingPreset, count: Int) throws {
    let options = preset.options
    #expect(try options.architecture.network().parameterLayout.count == count)
    #expect(options.inputFrames == 10 && options.leadFrames == 10 && options.architecture.patch == 4)
    #expect(options.loss == .crossEntropy && options.method == .rmsProp(decay: 0.9) && options.learningRate == 1e-3)
  }

  @Test func whatMakesNoSenseIsNamed() {
    #expect(
      message(#"{ "learning_rate": 1 }"#).contains("no setting named 'learning_rate'; did you mean 'learning-rate'?"))
    #expect(message(#"{ "hiden": [4] }"#).contains("'hidden'?"))
    #expect(message(#"{ "something": 1 }"#).hasSuffix("'something'."))
    #expect(message(#"{ "crop": "wide" }"#) == #"64 'crop' is "wide"; it must be a whole number."#)
    #expect(message(#"{ "crop": 9.5 }"#).contains("'crop' is 9.5"))
    #expect(message(#"{ "loss": "best" }"#).contains("one of mse, mae, mse-mae, cross-entropy, balanced, huber"))
    #expect(message(#"{ "preset": "large" }"#).contains("one of shi2015-radar"))
    #expect(message(#"{ "crop": {} }"#).hasPrefix("65"))
    #expect(message("[1]").hasPrefix("65") && message("crop: 3").hasPrefix("65"))
    #expect(message(#"{ "crop": 2 }"#).contains("--crop is 2"))
    #expect(message { _ = try TrainingConfiguration(contentsOf: folder / "none.json") }.hasPrefix("66"))
    #expect(message { _ = try TrainingConfiguration(contentsOf: folder.path) }.hasPrefix("66"))
  }

  /// Settings that mean nothing beside the others, whether both are in one place or not.
  @Test func contradictions() {
    #expect(message(#"{ "huber-delta": 0.2 }"#).contains("'huber-delta' means something with --loss huber only"))
    #expect(message("{}", ["momentum": .number(0.5)]).contains("--momentum means something with --optimizer sgd only"))
    #expect(message(#"{ "kernel": 3, "state-kernel": 1 }"#).contains("contradicts 'state-kernel'"))
    #expect(message("{}", ["min-dbz": .integer(0), "normalisation": .text("log-rain-rate")]).hasPrefix("64 --min-dbz"))
    // What the command line overrides in a file is no contradiction.
    #expect(message(#"{ "optimizer": "sgd", "momentum": 0.5 }"#, ["optimizer": .text("adam")]) == "no error")
    #expect(message(#"{ "optimizer": "sgd" }"#, ["momentum": .number(0.5)]) == "no error")
  }

  @Test func distances() {
    for (a, b, distance) in [
      ("", "", 0), ("crop", "crop", 0), ("crop", "cro", 1), ("kitten", "sitting", 3), ("", "ab", 2),
    ] {
      #expect(TrainingConfiguration.distance(a, b) == distance && TrainingConfiguration.distance(b, a) == distance)
    }
  }
}
