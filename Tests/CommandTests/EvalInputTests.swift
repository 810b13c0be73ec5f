import Foundation
import Testing

/// What people give to eval, merge and compare that cannot be scored, or only in part: a sentence each.
@Suite(.serialized) struct EvalInputTests {
  private let folder: Command.Folder

  init() throws {
    folder = try Command.Folder()
    try writeRadarFile(folder / "observed.nc")
  }

  private func eval(_ name: String, _ options: String...) throws -> Command.Outcome {
    try Command.run(
      ["eval", "--data", folder / "observed.nc", "--forecast", folder / name, "--output", folder / "report"] + options)
  }

  private func csv(_ name: String = "scores.csv") throws -> String {
    try String(contentsOfFile: folder / "report/\(name)", encoding: .utf8)
  }

  @Test func forecastsThatMatchNothing() throws {
    try writeRadarFile(folder / "late.nc") { $0.times = [1e6, 1e6 + 300] }
    expect(try eval("late.nc"), status: 65, "late.nc", "no observed frame has one of this forecast's valid times")
    try writeRadarFile(folder / "grid.nc") { $0.width = 15 }
    expect(try eval("grid.nc"), status: 65, "grid.nc", "grid (12 × 15", "is not that of the observations")
    #expect(!folder.contains("report"))
  }

  @Test func foreignFiles() throws {
    try Data("a letter to nobody".utf8).write(to: URL(fileURLWithPath: folder / "letter.nc"))
    expect(try eval("letter.nc"), status: 65, "letter.nc")
    expect(try eval("nothing.nc"), status: 66, "nothing.nc")
    try writeRadarFile(folder / "kelvin.nc") { $0.units = "K" }
    expect(try eval("kelvin.nc"), status: 65, "kelvin.nc")
    #expect(!folder.contains("report"))
    let other = try Command.run("eval", "--merge", folder / "observed.nc", "--output", folder / "sum")
    expect(other, status: 65, "observed.nc", "no scores.json")
    expect(
      try Command.run("eval", "--merge", folder / "void", "--output", folder / "sum"), status: 66, "no such report")
    expect(try Command.run("compare", folder / "void", folder / "void"), status: 66, "no such report")
  }

  /// Other units of rain are converted: metres a second are mm/h.
  @Test func otherUnitsOfRain() throws {
    try writeRadarFile(folder / "si.nc") { content in
      let value = content.value
      content.units = "m s-1"
      content.value = { value($0, $1, $2) / 3.6e6 }
    }
    expect(try eval("si.nc", "--baselines", "none"), status: 0)
    let mae = try csv().split(separator: "\n").first { $0.hasPrefix("all,si,5,mae,") }
    let value = try #require(mae?.split(separator: ",", omittingEmptySubsequences: false)[6]).description
    #expect(try #require(Double(value)) < 1e-6)
  }

  @Test func noEventsAndNothingMeasured() throws {
    try writeRadarFile(folder / "copy.nc")
    expect(try eval("copy.nc", "--thresholds", "500"), status: 0)
    #expect(try csv().contains("all,copy,5,csi,500,,,192\n"))
    #expect(try String(contentsOfFile: folder / "report/report.html", encoding: .utf8).contains("There are no maps"))
    try writeRadarFile(folder / "missing.nc") { $0.value = { _, _, _ in .nan } }
    expect(try eval("missing.nc", "--overwrite"), status: 0, "every score is undefined")
    #expect(try csv().contains("all,missing,5,mse,,,,0\n"))
  }

  @Test func overlappingEvents() throws {
    try writeRadarFile(folder / "copy.nc")
    expect(try eval("copy.nc"), status: 0)
    let twice = try Command.run(
      "eval", "--merge", folder / "report", folder / "report", "--output", folder / "sum")
    expect(twice, status: 64, "overlaps", "would count twice")
    let once = try Command.run("eval", "--merge", folder / "report", "--output", folder / "sum")
    expect(once, status: 0)
    for name in ["scores.csv", "intervals.csv", "scores.json", "report.md"] {
      #expect(
        FileManager.default.contentsEqual(atPath: folder / "report/\(name)", andPath: folder / "sum/\(name)"), "\(name)"
      )
    }
    let compared = try Command.run("compare", folder / "report", folder / "sum")
    expect(compared, status: 0)
    #expect(compared.output.contains("too few to call either better"))
    expect(
      try Command.run("eval", "--merge", folder / "sum", "--data", "x", "--output", folder / "y"), status: 64, "--merge"
    )
  }

  /// Three members around the truth: the fair CRPS is (0 + 1 + 1)/3 − (1 + 1 + 2)/6 = 0.
  @Test func ensembles() throws {
    try writeRadarFile(folder / "ensemble.nc") { content in
      content.members = [0, 1, -1]
      let value = content.value
      content.value = { value($0, $1, $2) + 1 }
    }
    try writeRadarFile(folder / "observed.nc") { content in
      let value = content.value
      content.value = { value($0, $1, $2) + 1 }
    }
    expect(try eval("ensemble.nc", "--thresholds", "1,2", "--baselines", "none"), status: 0)
    let lines = try csv().split(separator: "\n")
    #expect(lines.contains("all,ensemble,5,mse,,,0.0,192"))
    #expect(lines.contains("all,ensemble,5,crps,,,0.0,192"))
    #expect(lines.contains { $0.hasPrefix("all,ensemble,5,brier,2,,0.") })
    #expect(try csv("reliability.csv").hasPrefix("method,lead_minutes,threshold,percent_from,percent_to,"))
    // As radar frames they are refused: nobody said which member.
    expect(try Command.run("inspect", folder / "ensemble.nc"), status: 65)
  }
}
