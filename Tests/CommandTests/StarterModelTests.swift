import Foundation
import Nowcasting
import RadarIO
import Testing

/// The model that comes with the program.
@Suite struct StarterModelTests {
  private let folder: Command.Folder

  init() throws {
    folder = try Command.Folder()
    expect(
      try Command.run(
        "simulate", "--output", folder / "radar.nc", "--frames", "18", "--height", "48", "--width", "56", "--seed", "4"),
      status: 0)
  }

  /// Without a model of one's own there is a forecast, which says whose it is and can be made again.
  @Test func forecastsWithoutAModel() throws {
    let outcome = try Command.run("predict", "--frames", folder / "radar.nc", "--output", folder / "a.nc")
    expect(outcome, status: 0, "no --model is given, so the starter model forecasts")
    let forecast = try #require(try RadarReader().sequences(at: [folder / "a.nc"]).sequences.first)
    #expect(try forecast.rainRate.shape == [12, 48, 56])
    #expect(try forecast.rainRate.elements.contains { $0 > 0 })
    expect(try Command.run("replay", folder / "a.nc"), status: 0)
    // Who asks for it by its name gets the same, and no warning.
    let named = try Command.run(
      "predict", "--frames", folder / "radar.nc", "--model", "starter", "--output", folder / "b.nc", "--history", "x")
    expect(named, status: 0)
    #expect(named.errors.isEmpty)
    let again = try #require(try RadarReader().sequences(at: [folder / "b.nc"]).sequences.first)
    for (a, b) in zip(try again.rainRate.elements, try forecast.rainRate.elements) { #expect(a == b || a.isNaN) }
    expect(
      try Command.run(
        "eval", "--data", folder / "radar.nc", "--model", "starter", "--output", folder / "report", "--stride", "9"),
      status: 0)
  }

  /// It says on what it was trained and what it is worth; a card can be put into any model.
  @Test func hasACard() throws {
    let card = try #require(try Model(contentsOf: StarterModel.name).card)
    for word in ["simulated", "MRMS", "US Government", "CSI", "S-PROG"] { #expect(card.contains(word), "\(word)") }
    #expect(try Command.run("model", "starter").output.hasPrefix(card))
    try "# Mine\n\nTrained on Tuesday.\n".write(toFile: folder / "card.md", atomically: true, encoding: .utf8)
    let arguments = ["model", "card", "starter", "--text", folder / "card.md", "--output", folder / "mine.safetensors"]
    expect(try Command.run(arguments), status: 0)
    #expect(try Command.run("model", folder / "mine.safetensors").output.hasPrefix("# Mine\n\nTrained on Tuesday.\n"))
    expect(try Command.run(arguments), status: 73)
    let (mine, starter) = (
      try Model(contentsOf: folder / "mine.safetensors"), try Model(contentsOf: StarterModel.name)
    )
    #expect(mine.configuration == starter.configuration && mine.parameters.values == starter.parameters.values)
    let size = try FileManager.default.attributesOfItem(atPath: folder / "mine.safetensors")[.size] as? Int
    #expect((size ?? .max) < 4_000_000)
    try Data([0xff, 0xfe, 0x00]).write(to: URL(fileURLWithPath: folder / "card.md"))
    expect(try Command.run(arguments + ["--overwrite"]), status: 66, "UTF-8")
  }

  /// A run of the standard preset begins with it, unless that is not wanted or the network is another one.
  @Test func trainingBeginsWithIt() throws {
    let radar = folder / "training.nc"
    expect(
      try Command.run(
        "simulate", "--output", radar, "--frames", "24", "--height", "40", "--width", "40", "--seed", "5", "--quiet"),
      status: 0)
    let train = [
      "train", "--data", radar, "--output", folder / "run", "--lead-frames", "3", "--crop", "40", "--max-steps", "1",
      "--validation-share", "0", "--learning-rate", "1e-12", "--overwrite",
    ]
    let begins = "begins with 17 of 17 tensors from starter"
    expect(try Command.run(train), status: 0, "preset lagrangian", begins)
    let tuned = try Model(contentsOf: folder / "run")
    let starter = try Model(contentsOf: "starter")
    #expect(tuned.configuration.exceedanceThresholds == starter.configuration.exceedanceThresholds)
    for (one, other) in zip(tuned.parameters.values.elements, starter.parameters.values.elements) {
      #expect(abs(one - other) < 1e-6)
    }
    for others in [["--init", "none"], ["--min-dbz", "0"], ["--preset", "lagrangian", "--hidden", "8"]] {
      let outcome = try Command.run(train + others)
      expect(outcome, status: 0, "preset lagrangian")
      #expect(!outcome.errors.contains(begins), "\(others)")
    }
    expect(try Command.run(train + ["--hidden", "8", "--patch", "2"]), status: 0, "no preset, loss mse")
  }
}
