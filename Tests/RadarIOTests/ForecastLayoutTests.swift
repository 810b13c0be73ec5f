import Foundation
import Tensor
import Testing

@testable import RadarIO

/// What stands beside the rain in a written file, and the form for other programs.
@Suite struct ForecastLayoutTests {
  /// Three frames of 2 × 3 pixels, of which the middle one is interpolated if asked. Pixel 0 is never measured, pixel 1
  /// not in the first frame.
  private func input(_ grid: Grid? = nil, isBridged: Bool = false, lastIsEmpty: Bool = false) -> FrameSequence {
    var pixels = (0..<18).map(Float.init)
    for frame in 0..<3 { pixels[frame * 6] = .nan }
    pixels[1] = .nan
    if lastIsEmpty { for pixel in 12..<18 { pixels[pixel] = .nan } }
    var sequence = FrameSequence(
      grid: grid ?? Grid(height: 2, width: 3, spacingMetres: 1000), times: [0, 300, 600],
      rainRate: Tensor(shape: [3, 2, 3], pixels))
    if isBridged { sequence.bridged = [1] }
    return sequence
  }

  private func written(_ input: FrameSequence, _ folder: TemporaryFolder, _ compat: ForecastCompatibility? = nil) throws
    -> NetCDFFile
  {
    let pixels = (0..<12).map { Float($0) * 2 }
    let forecast = try ForecastFile(
      rainRate: Tensor(shape: [2, 2, 3], pixels), times: [900, 1200], from: input)
    try ForecastWriter(overwrite: true, compatibility: compat).write(forecast, to: folder.file("f.nc"))
    return try NetCDFFile(path: folder.file("f.nc"))
  }

  @Test func flagsSayWhatTheInputMeasured() throws {
    let folder = try TemporaryFolder()
    var file = try written(input(), folder)
    let rain = try #require(file.variable("rainfall_rate"))
    #expect(rain.attributes.text("ancillary_variables") == "validity")
    let flags = try #require(file.variable("validity"))
    #expect(flags.type == .byte && flags.dimensions.map(\.name) == ["y", "x"])
    #expect(flags.attributes["flag_values"]?.numbers() == [0, 1, 2, 3])
    #expect(
      flags.attributes.text("flag_meanings")
        == "valid outside_coverage input_partly_missing input_interpolated")
    #expect(try file.numbers(of: flags) == [1, 2, 0, 0, 0, 0])
    #expect(file.attributes.text("input_missing") == nil)

    file = try written(input(isBridged: true), folder)
    #expect(try file.numbers(of: #require(file.variable("validity"))) == [1, 2, 3, 3, 3, 3])
    #expect(file.attributes.text("input_times") == "1970-01-01T00:00Z 1970-01-01T00:05Z 1970-01-01T00:10Z")
    #expect(file.attributes.text("input_missing") == "1970-01-01T00:05Z")
    #expect(file.attributes.text("input_interpolated") == "1970-01-01T00:05Z")

    file = try written(input(lastIsEmpty: true), folder)
    #expect(file.attributes.text("input_missing") == "1970-01-01T00:10Z")
    #expect(file.attributes.text("input_interpolated") == nil)
    #expect(try file.numbers(of: #require(file.variable("validity"))) == [1, 2, 2, 2, 2, 2])
  }

  @Test func interpolatedFramesOfASequenceAreFlagged() throws {
    let folder = try TemporaryFolder()
    let sequence = input(isBridged: true)
    try SequenceWriter().write(sequence, to: folder.file("c.nc"))
    let file = try NetCDFFile(path: folder.file("c.nc"))
    let flags = try #require(file.variable("validity"))
    #expect(flags.dimensions.map(\.name) == ["time"])
    #expect(try file.numbers(of: flags) == [0, 3, 0])
    // The flags are not taken for rain when the file is read again.
    #expect(try same(read(folder.file("c.nc")).sequences[0].rainRate.elements, sequence.rainRate.elements))
    try SequenceWriter(overwrite: true).write(input(), to: folder.file("c.nc"))
    #expect(try NetCDFFile(path: folder.file("c.nc")).variable("validity") == nil)
  }

  @Test func partsOfASequenceKeepWhatIsTheirs() throws {
    var sequence = input(isBridged: true)
    sequence.intervalSeconds = [300, 600, 900]
    let part = try sequence.part(1..<3)
    #expect(part.times == [300, 600] && part.bridged == [0] && part.intervalSeconds == [600, 900])
    #expect(try same(part.rainRate.elements, Array(sequence.rainRate.elements[6...])))
    #expect(try sequence.part(2..<3).bridged.isEmpty)
  }

  /// A grid with rows from south to north and a stereographic mapping of another name, as its file gives it.
  private func stereographicGrid(_ folder: TemporaryFolder) throws -> Grid {
    let file = try TestFile(folder.file("in.nc"))
    for (name, length) in [("time", 3), ("rows", 2), ("columns", 3), ("n", 2)] { try file.dimension(name, length) }
    try file.time([0, 300, 600])
    try file.variable(
      "rows", .float, ["rows"],
      [
        ("standard_name", .text("projection_y_coordinate")), ("units", .text("m")), ("bounds", .text("ends")),
        ("_FillValue", .numbers(.float, [.nan])),
      ], [500, 1500])
    try file.variable("ends", .float, ["rows", "n"], [], [0, 1000, 1000, 2000])
    try file.variable(
      "columns", .float, ["columns"], [("standard_name", .text("projection_x_coordinate"))], [0, 1000, 2000])
    try file.variable(
      "crs", .int, [],
      [
        ("grid_mapping_name", .text("polar_stereographic")), ("standard_parallel", .numbers(.double, [-70])),
        ("longitude_of_projection_origin", .numbers(.double, [25])), ("crs_wkt", .text("PROJCRS[]")),
      ], [0])
    try file.variable(
      "lat", .double, ["rows", "columns"],
      [("standard_name", .text("latitude")), ("units", .text("degrees_north"))], [1, 2, 3, 4, 5, 6])
    try file.variable(
      "r", .float, ["time", "rows", "columns"],
      [
        ("units", .text("mm h-1")), ("standard_name", .text("rainfall_rate")), ("grid_mapping", .text("crs")),
        ("coordinates", .text("lat")),
      ], [Double](repeating: 1, count: 18))
    try file.close()
    return try read(file.path).sequences[0].grid
  }

  @Test func pystepsGetsItsNamesAndOrder() throws {
    let folder = try TemporaryFolder()
    let file = try written(input(stereographicGrid(folder)), folder, .pysteps)
    let rain = try #require(file.variable("precip_intensity"))
    #expect(rain.dimensions.map(\.name) == ["time", "y", "x"])
    #expect(try file.numbers(of: rain) == [6, 8, 10, 0, 2, 4, 18, 20, 22, 12, 14, 16])
    #expect(rain.attributes.text("coordinates") == "forecast_reference_time forecast_period lat")
    #expect(rain.attributes.text("grid_mapping") == "polar_stereographic")
    #expect(try file.numbers(of: #require(file.variable("y"))) == [1500, 500])
    #expect(try file.numbers(of: #require(file.variable("ends"))) == [2000, 1000, 1000, 0])
    #expect(try file.numbers(of: #require(file.variable("lat"))) == [4, 5, 6, 1, 2, 3])
    #expect(try file.numbers(of: #require(file.variable("validity"))) == [0, 0, 0, 1, 2, 0])
    let mapping = try #require(file.variable("polar_stereographic")).attributes
    #expect(mapping.text("crs_wkt") == "PROJCRS[]")
    for (name, value) in [
      ("false_easting", 0.0), ("false_northing", 0), ("latitude_of_projection_origin", -90),
      ("straight_vertical_longitude_from_pole", 25), ("standard_parallel", -70),
    ] { #expect(mapping.number(name) == value, "\(name)") }
    let time = try #require(file.variable("time"))
    #expect(time.units == "seconds since 1970-01-01 00:10:00")
    #expect(try file.numbers(of: time) == [300, 600])
    // It is still a forecast to our own reader.
    let again = try read(folder.file("f.nc")).sequences[0]
    #expect(again.times == [900, 1200] && again.referenceTime == 600)
  }

  @Test func pystepsCannotDoWithoutCoordinates() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: RadarError.self) {
      try written(input(Grid(height: 2, width: 3, yName: "j", xName: "i")), folder, .pysteps)
    }
    #expect(error?.code == .unusable && error?.message.contains("pysteps needs coordinates") == true)
    #expect(try folder.names().isEmpty)
  }

  /// What CF forbids in coordinates is not copied, and what it demands of a projection is added if the file implies it.
  @Test func coordinatesAreMendedWhereThatHasOneMeaning() throws {
    let folder = try TemporaryFolder()
    let file = try written(input(stereographicGrid(folder)), folder)
    let rows = try #require(file.variable("rows")).attributes
    #expect(rows["_FillValue"] == nil && rows.text("bounds") == "ends" && rows.text("units") == "m")
    #expect(file.variable("columns")?.units == "m")
    #expect(file.variable("crs")?.attributes.number("latitude_of_projection_origin") == -90)

    let loose = try TestFile(folder.file("loose.nc"))
    for (name, length) in [("time", 1), ("lat", 2), ("lon", 3)] { try loose.dimension(name, length) }
    try loose.time([0])
    try loose.variable("lat", .float, ["lat"], [("units", .text("degrees_in_WGS84"))], [50, 51])
    try loose.variable("lon", .float, ["lon"], [("units", .text("degrees_east"))], [8, 9, 10])
    try loose.variable(
      "r", .float, ["time", "lat", "lon"], [("units", .text("mm h-1"))], [Double](repeating: 1, count: 6))
    try loose.close()
    let grid = try read(loose.path).sequences[0].grid
    let mended = try written(input(grid), folder)
    #expect(mended.variable("lat")?.units == "degrees_north" && mended.variable("lat")?.standardName == "latitude")
    #expect(mended.variable("lon")?.units == "degrees_east" && mended.variable("lon")?.standardName == "longitude")
  }
}
