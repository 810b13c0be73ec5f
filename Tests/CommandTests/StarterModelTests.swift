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
}
