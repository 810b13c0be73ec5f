import Foundation
import RadarIO
import Tensor
import Testing

/// Products, catchments and maps of a forecast, as a user asks for them.
@Suite(.serialized) struct ProductCommandTests {
  private let folder: Command.Folder

  init() throws { folder = try Command.Folder() }

  /// Simulated frames around 50° N, 10° E, and a forecast of an hour.
  private func forecast() throws -> String {
    expect(
      try Command.run(
        "simulate", "--output", folder / "radar.nc", "--frames", "6", "--height", "40", "--width", "48", "--quiet"),
      status: 0)
    expect(
      try Command.run(
        "predict", "--method", "advection", "--frames", folder / "radar.nc", "--output", folder / "forecast.nc",
        "--quiet"), status: 0)
    return folder / "forecast.nc"
  }

  private func write(_ text: String, _ name: String) throws -> String {
    try text.write(toFile: folder / name, atomically: true, encoding: .utf8)
    return folder / name
  }

  private func square(_ name: String, west: Double, south: Double, size: Double = 0.1) -> String {
    let corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)].map { "[\(west + $0.0 * size), \(south + $0.1 * size)]" }
    return "{\"type\": \"Feature\", \"properties\": {\"name\": \"\(name)\"}, \"geometry\": {\"type\": \"Polygon\", "
      + "\"coordinates\": [[\(corners.joined(separator: ", "))]]}}"
  }

  @Test func sumsAndThresholds() throws {
    let forecast = try forecast()
    let products = folder / "products.nc"
    let command = [
      "products", forecast, "--accumulations", "15,60", "--exceedance", "0.1,5", "--amount-exceedance", "2", "--output",
      products,
    ]
    var outcome = try Command.run(command)
    expect(outcome, status: 0)
    #expect(
      outcome.output == "10 sums over 15 min, 1 sum over 60 min, 3 thresholds: \(products)\n" && outcome.errors == "")
    let frames = try #require(try RadarReader().sequences(at: [forecast]).sequences.first)
    let hour = try #require(
      try RadarReader(options: .init(variable: "rainfall_amount_60min")).sequences(at: [products]).sequences.first)
    #expect(hour.times == [frames.times[11]] && hour.intervalSeconds == [3600])
    #expect(hour.referenceTime == frames.referenceTime)
    // Read as a rate of an hour, it is the amount in mm.
    let (amounts, rates) = (try hour.rainRate, try frames.rainRate)
    for place in [(3, 40), (20, 20), (30, 7), (12, 33)] {
      let sum = (0..<12).reduce(0) { $0 + rates[$1, place.0, place.1] } / 12
      let amount = amounts[0, place.0, place.1]
      #expect(amount.isNaN == sum.isNaN && (sum.isNaN || abs(amount - sum) < 1e-4))
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: products))
    expect(try Command.run(command), status: 73, "--overwrite")
    outcome = try Command.run(command + ["--overwrite", "--quiet"])
    expect(outcome, status: 0)
    #expect(outcome.output == "")
    // But for the command that its history names, the bytes are the same.
    expect(try Command.run(command + ["--overwrite"]), status: 0)
    let second = try Data(contentsOf: URL(fileURLWithPath: products))
    expect(try Command.run(command + ["--overwrite"]), status: 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: products)) == second && second != bytes)
  }

  @Test func windowsAndThresholdsThatDoNotFit() throws {
    let forecast = try forecast()
    func products(_ options: String...) throws -> Command.Outcome {
      try Command.run(["products", forecast, "--output", folder / "p.nc"] + options)
    }
    expect(try products("--accumulations", "12"), status: 64, "12 min", "steps of 5 min")
    expect(try products("--accumulations", "120"), status: 65, "forecast.nc", "needs 24 frames", "there are 12")
    expect(try products("--accumulations", "0,15"), status: 64, "--accumulations", "from 1")
    expect(try products("--accumulations", "15,15"), status: 64, "twice")
    expect(try products("--accumulations", "quarter"), status: 64, "--accumulations")
    expect(try products("--exceedance=-1,2"), status: 64, "--exceedance", "-1", "above 0")
    expect(try products("--exceedance", "nan"), status: 64, "--exceedance", "above 0")
    expect(try products("--amount-exceedance", "0"), status: 64, "--amount-exceedance")
    expect(try products("--exceedance", "1,1.0"), status: 64, "twice")
    #expect(!folder.contains("p.nc"))
    try writeRadarFile(folder / "short.nc") { $0.times = [0, 300, 600] }
    let short = try Command.run("products", folder / "short.nc", "--output", folder / "p.nc")
    expect(short, status: 0, "no sums over 30 and 60 min")
    #expect(short.output.hasPrefix("1 sum over 15 min"))
  }

  @Test func whatIsNoForecast() throws {
    let text = try write("just text", "model.safetensors")
    for command in [
      ["products", text, "--output", folder / "x.nc"],
      ["catchments", text, "--areas", text, "--output", folder / "x.csv"],
      ["plot", text, "--output", folder / "x.png"],
    ] {
      expect(try Command.run(command), status: 65, "model.safetensors", "neither a NetCDF nor an HDF5 file")
      expect(try Command.run(command.map { $0 == text ? folder / "none.nc" : $0 }), status: 66, "none.nc")
    }
    #expect(folder.everything == ["model.safetensors"])
  }

  @Test func rainOnCatchments() throws {
    let forecast = try forecast()
    let features = [
      square("Fulda", west: 9.95, south: 49.95), square("Edge", west: 10.3, south: 49.95),
      square("Far", west: 20, south: 10),
    ]
    let areas = try write(
      "{\"type\": \"FeatureCollection\", \"features\": [\(features.joined(separator: ", "))]}", "areas.geojson")
    let command = ["catchments", forecast, "--areas", areas, "--accumulations", "60", "--output", folder / "rain.csv"]
    let outcome = try Command.run(command)
    expect(outcome, status: 0, "1 area lies outside", "'Far'")
    #expect(!outcome.errors.contains("holds a forecast"))
    #expect(outcome.output.hasPrefix("catchment   largest mean"))
    #expect(outcome.output.hasSuffix("12 times, 3 areas: \(folder / "rain.csv")\n"))
    let lines = try String(contentsOfFile: folder / "rain.csv", encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: true)
    #expect(
      lines[0]
        == "time,lead_minutes,catchment,mean_mm_h,max_mm_h,covered,mean_60min_mm,max_60min_mm,covered_60min")
    #expect(
      lines.count == 37 && lines[1].hasPrefix("2020-01-01T00:30Z,5,Fulda,") && lines[3].hasSuffix(",Far,,,0.0000,,,"))
    let edge = lines[2].split(separator: ",", omittingEmptySubsequences: false)
    #expect((Double(edge[5]) ?? 1) < 0.8)
    let last = lines[34].split(separator: ",", omittingEmptySubsequences: false)
    #expect(last[2] == "Fulda" && !last[6].isEmpty)
    // What comes from outside reaches further from frame to frame, and a sum is known where all its rates are.
    let covered = try #require(Double(last[8]))
    #expect(covered > 0 && covered < 1 && abs(covered - (Double(last[5]) ?? 0)) < 1e-3)
    expect(try Command.run(command), status: 73, "--overwrite")
  }

  @Test func areasThatCannotBeUsed() throws {
    let forecast = try forecast()
    func catchments(_ areas: String, _ options: String...) throws -> Command.Outcome {
      try Command.run(["catchments", forecast, "--areas", areas, "--output", folder / "rain.csv"] + options)
    }
    let good = square("a", west: 9.95, south: 49.95)
    let twice = "{\"type\": \"FeatureCollection\", \"features\": [\(good), \(good)]}"
    for (text, words) in [
      (square("a", west: 20, south: 10), "none of its areas"), ("{\"type\": \"Feature", "not JSON"),
      ("{\"type\": \"FeatureCollection\", \"features\": []}", "no polygon"), (twice, "two areas are called 'a'"),
      (
        "{\"type\": \"Polygon\", \"coordinates\": [[[9.9, 49.9], [10.1, 50.1], [10.1, 49.9], [9.9, 50.1], [9.9, 49.9]]]}",
        "cross"
      ),
      (
        "{\"type\": \"Polygon\", \"coordinates\": [[[9.9, 49.9], [10.1, 49.9], [10.1, 50.1], [9.9, 50.1]]]}",
        "not closed"
      ),
    ] {
      let outcome = try catchments(try write(text, "areas.geojson"))
      expect(outcome, status: 65, "areas.geojson", words)
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
    expect(try catchments(folder / "none.geojson"), status: 66, "none.geojson")
    // Frames are no map of areas, and neither is a map on another grid.
    expect(try catchments(folder / "radar.nc"), status: 65, "no map of areas")
    try writeRadarFile(folder / "mask.nc") { ($0.variables, $0.units, $0.times) = (["mask"], nil, [0]) }
    expect(try catchments(folder / "mask.nc"), status: 65, "another grid", "12 × 16", "40 × 48")
    expect(try catchments(folder / "mask.nc", "--areas-variable", "zones"), status: 65, "zones")
    #expect(!folder.contains("rain.csv"))
    // On its own grid the map is used.
    try writeRadarFile(folder / "frames.nc")
    try writeRadarFile(folder / "mask.nc") {
      ($0.variables, $0.units, $0.times) = (["mask"], nil, [0])
      $0.value = { _, y, x in y < 6 ? 1 : x < 8 ? 2 : 0 }
    }
    let outcome = try Command.run(
      "catchments", folder / "frames.nc", "--areas", folder / "mask.nc", "--output", folder / "rain.csv")
    expect(outcome, status: 0)
    let csv = try String(contentsOfFile: folder / "rain.csv", encoding: .utf8)
    #expect(
      csv.hasPrefix(
        "time,lead_minutes,catchment,mean_mm_h,max_mm_h,covered\n2020-01-01T00:00Z,,1,1.6354,4.0000,1.0000\n"))
  }

  @Test func mapsOfAllKinds() throws {
    let forecast = try forecast()
    for (name, magic) in [("a.png", "\u{89}PNG"), ("a.gif", "GIF89a"), ("a.html", "<!DOCTYPE html>")] {
      let command = ["plot", forecast, "--observed", folder / "radar.nc", "--output", folder / name]
      let outcome = try Command.run(command)
      expect(outcome, status: 0)
      #expect(outcome.output == "18 maps: \(folder / name)\n" && outcome.errors == "")
      let data = try Data(contentsOf: URL(fileURLWithPath: folder / name))
      #expect(data.starts(with: Array(magic.unicodeScalars.map { UInt8($0.value) })))
      expect(try Command.run(command), status: 73, "--overwrite")
      expect(try Command.run(command + ["--overwrite"]), status: 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder / name)) == data)
    }
    let page = try String(contentsOfFile: folder / "a.html", encoding: .utf8)
    #expect(page.contains("Rain forecast from 2020-01-01 00:25 UTC") && page.contains("+60 min"))
    #expect(!page.contains("<script") && !page.contains("http"))

    // Any frames can be drawn.
    expect(try Command.run("plot", folder / "radar.nc", "--output", folder / "b.gif", "--quiet"), status: 0)
    for (options, words) in [
      (["--output", folder / "a.jpg"], ".png, .gif or .html"),
      (["--output", folder / "c.png", "--frame-seconds", "1"], "--frame-seconds"),
      (["--output", folder / "c.gif", "--frame-seconds", "0"], "0.02 to 60"),
    ] {
      expect(try Command.run(["plot", forecast] + options), status: 64, words)
    }
    try writeRadarFile(folder / "many.nc") { $0.times = (0..<130).map { Double($0) * 300 } }
    expect(try Command.run("plot", folder / "many.nc", "--output", folder / "c.png"), status: 65, "130 maps", "120")
    expect(
      try Command.run("plot", forecast, "--observed", folder / "many.nc", "--output", folder / "c.png"), status: 65,
      "two grids")
    expect(try Command.run("plot", forecast, "--output", folder / "no/c.gif"), status: 73, "no")
    #expect(!folder.contains("c.png") && !folder.contains("c.gif"))
  }
}
