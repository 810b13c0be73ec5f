import CNetCDF
import Foundation
import Tensor
import Testing

@testable import RadarIO

@Suite struct WriterTests {
  /// Three frames on a grid with bounds, a grid mapping and two-dimensional coordinates.
  private func input(_ folder: TemporaryFolder) throws -> FrameSequence {
    let file = try TestFile(folder.file("in.nc"))
    try file.dimension("time", 3)
    try file.dimension("n2", 2)
    try file.dimension("rows", 2)
    try file.dimension("columns", 3)
    try file.time([0, 300, 600])
    try file.variable(
      "rows", .float, ["rows"],
      [
        ("standard_name", .text("projection_y_coordinate")), ("units", .text("km")), ("bounds", .text("rows_bounds")),
        ("axis", .text("Y")), ("comment", .text("northernmost first")),
      ], [1.5, 0.5])
    try file.variable("rows_bounds", .float, ["rows", "n2"], [], [2, 1, 1, 0])
    try file.variable(
      "columns", .int, ["columns"],
      [("standard_name", .text("projection_x_coordinate")), ("units", .text("km")), ("bounds", .text("nowhere"))],
      [0, 1, 2])
    try file.variable(
      "proj", .byte, [],
      [
        ("grid_mapping_name", .text("stereographic")), ("standard_parallel", .numbers(.double, [-26.2, -29.3])),
        ("flags", .numbers(.short, [1, 2])), ("semi_major_axis", .numbers(.float, [6_371_000])),
      ], [7])
    for name in ["lat", "lon"] {
      try file.variable(
        name, .double, ["rows", "columns"],
        [
          ("standard_name", .text(name == "lat" ? "latitude" : "longitude")),
          ("units", .text(name == "lat" ? "degrees_north" : "degrees_east")),
        ], [1, 2, 3, 4, 5, 6])
    }
    try file.variable(
      "r", .float, ["time", "rows", "columns"],
      [
        ("units", .text("mm h-1")), ("standard_name", .text("rainfall_rate")), ("grid_mapping", .text("proj")),
        ("coordinates", .text("lat lon")),
      ], (0..<18).map(Double.init))
    try file.attribute(nil, "institution", .text("Weather Office"))
    try file.attribute(nil, "title", .text("Radar"))
    try file.close()
    return try read(file.path).sequences[0]
  }

  private func forecast(_ input: FrameSequence, steps: Int = 4) throws -> ForecastFile {
    let frame = input.grid.height * input.grid.width
    var pixels = (0..<steps * frame).map { Float($0) / 7 }
    pixels[1] = .nan
    return try ForecastFile(
      rainRate: Tensor(shape: [steps, input.grid.height, input.grid.width], pixels),
      times: (1...steps).map { input.times[input.times.count - 1] + Double($0) * input.stepSeconds }, from: input,
      source: "nowcast 1.0", history: "made", references: "Shi et al. 2015")
  }

  /// Frames that are means over an interval make a forecast of such means: with bounds, and read back as they were.
  @Test func aForecastFromAmountsHasTimeBounds() throws {
    let folder = try TemporaryFolder()
    var input = try input(folder)
    input.intervalSeconds = [300, 300, 300]
    let forecast = try forecast(input)
    try ForecastWriter().write(forecast, to: folder.file("f.nc"))
    let read = try #require(try RadarReader().sequences(at: [folder.file("f.nc")]).sequences.first)
    #expect(read.intervalSeconds == [300, 300, 300, 300])
    #expect(
      try zip(read.rainRate.elements, forecast.rainRate.elements).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
  }

  @Test func aForecastIsWrittenAsTheContractSays() throws {
    let folder = try TemporaryFolder()
    let forecast = try forecast(input(folder))
    let path = folder.file("out.nc")
    try ForecastWriter().write(forecast, to: path)
    let file = try NetCDFFile.open(path: path)
    let source = try NetCDFFile.open(path: folder.file("in.nc"))

    let globals = [
      "Conventions", "title", "institution", "source", "history", "references", "input_times", "input_title",
    ]
    #expect(file.attributes.map(\.name) == globals)
    #expect(file.attributes.text("Conventions") == "CF-1.11")
    #expect(file.attributes.text("institution") == "Weather Office")
    #expect(file.attributes.text("input_times") == "1970-01-01T00:00Z 1970-01-01T00:05Z 1970-01-01T00:10Z")

    let rain = try #require(file.variable("rainfall_rate"))
    #expect(rain.type == .float)
    #expect(rain.dimensions.map(\.name) == ["time", "rows", "columns"])
    #expect(rain.standardName == "rainfall_rate")
    #expect(rain.units == "mm h-1")
    #expect(rain.attributes.text("cell_methods") == "time: point")
    #expect(rain.attributes.text("grid_mapping") == "proj")
    #expect(rain.attributes.text("coordinates") == "forecast_reference_time forecast_period lat lon")
    #expect(rain.attributes["_FillValue"]?.type == .float)
    let stored = try file.numbers(of: rain)
    #expect(stored[1] == rain.attributes.number("_FillValue"))
    #expect(stored[2] == Double(Float(2) / 7))

    let time = try #require(file.variable("time"))
    #expect(time.type == .double)
    #expect(time.standardName == "time")
    #expect(time.units == "seconds since 1970-01-01 00:00:00")
    #expect(time.attributes.text("calendar") == "standard")
    #expect(time.attributes.text("axis") == "T")
    #expect(try file.numbers(of: time) == [900, 1200, 1500, 1800])
    let reference = try #require(file.variable("forecast_reference_time"))
    #expect(reference.dimensions.isEmpty)
    #expect(reference.units == time.units)
    #expect(try file.numbers(of: reference) == [600])
    let period = try #require(file.variable("forecast_period"))
    #expect(period.dimensions.map(\.name) == ["time"])
    #expect(period.units == "s")
    #expect(try file.numbers(of: period) == [300, 600, 900, 1200])

    for name in ["rows", "rows_bounds", "proj", "lat", "lon"] {
      let copy = try #require(file.variable(name))
      let original = try #require(source.variable(name))
      #expect(copy.type == original.type)
      #expect(copy.attributes == original.attributes)
      // The value of a grid mapping means nothing, and is the same whatever the source has.
      #expect(try file.numbers(of: copy) == (name == "proj" ? [0] : source.numbers(of: original)))
    }
    // Bounds that are not there are not pointed to.
    let columns = try #require(file.variable("columns"))
    #expect(columns.type == .int)
    #expect(columns.attributes["bounds"] == nil)
  }

  @Test func framesAreChunkedByTimeAndDeflated() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.nc")
    try ForecastWriter().write(forecast(input(folder)), to: path)
    var (id, variable, storage, shuffle, deflate, level): (Int32, Int32, Int32, Int32, Int32, Int32) = (
      0, 0, 0, 0, 0, 0
    )
    var chunks = [0, 0, 0]
    NetCDFLibrary.call {
      nc_open(path, NC_NOWRITE, &id)
      nc_inq_varid(id, "rainfall_rate", &variable)
      nc_inq_var_chunking(id, variable, &storage, &chunks)
      nc_inq_var_deflate(id, variable, &shuffle, &deflate, &level)
      nc_close(id)
    }
    #expect(storage == NC_CHUNKED)
    #expect(chunks == [1, 2, 3])
    #expect([shuffle, deflate, level] == [1, 1, 4])
  }

  @Test func aForecastIsReadAgain() throws {
    let folder = try TemporaryFolder()
    let input = try input(folder)
    let forecast = try forecast(input)
    try ForecastWriter().write(forecast, to: folder.file("out.nc"))
    let sequence = try read(folder.file("out.nc")).singleSequence(for: "scores")
    #expect(sequence.times == forecast.times)
    #expect(sequence.referenceTime == 600)
    #expect(sequence.grid.matches(input.grid))
    #expect(sequence.grid == input.grid || sequence.grid.georeference.variables.count == 6)
    #expect(try same(sequence.rainRate.elements, forecast.rainRate.elements))
    #expect(sequence.source.provenance.institution == "Weather Office")
  }

  @Test func equalForecastsAreEqualFiles() throws {
    let folder = try TemporaryFolder()
    let forecast = try forecast(input(folder))
    for name in ["a.nc", "b.nc"] { try ForecastWriter().write(forecast, to: folder.file(name)) }
    #expect(FileManager.default.contentsEqual(atPath: folder.file("a.nc"), andPath: folder.file("b.nc")))
  }

  @Test func sequencesAreWrittenWithTheirIntervals() throws {
    let folder = try TemporaryFolder()
    try TestFile.single(folder.file("a.nc"), valid: 1200, start: 600)
    try TestFile.single(folder.file("b.nc"), valid: 1800, start: 1200)
    try TestFile.single(folder.file("c.nc"), valid: 3600, start: 3000)
    let sequences = try read(folder.path).sequences
    #expect(sequences.count == 2)
    let path = folder.file("out.nc")
    try SequenceWriter().write(sequences, to: path, history: "converted")
    let file = try NetCDFFile.open(path: path)
    #expect(try file.numbers(of: #require(file.variable("time_bounds"))) == [600, 1200, 1200, 1800, 3000, 3600])
    #expect(file.variable("rainfall_rate")?.attributes.text("cell_methods") == "time: mean")
    let again = try read(path).sequences
    #expect(again.map(\.times) == sequences.map(\.times))
    #expect(again.map(\.intervalSeconds) == sequences.map(\.intervalSeconds))
    #expect(try again[0].rainRate == sequences[0].rainRate)
  }

  @Test func syntheticFramesAreWrittenAndRead() throws {
    let folder = try TemporaryFolder()
    let sequence = FrameSequence(
      grid: Grid(height: 3, width: 4, spacingMetres: 2000), times: [0, 300],
      rainRate: Tensor(shape: [2, 3, 4], (0..<24).map(Float.init)))
    let path = folder.file("out.nc")
    try SequenceWriter().write(sequence, to: path, title: "Synthetic")
    let again = try read(path).sequences[0]
    #expect(again.grid == sequence.grid)
    #expect(again.stepSeconds == 300)
    #expect(again.grid.spacingMetres == 2000)
    #expect(try again.rainRate == sequence.rainRate)
    #expect(again.source.provenance.title == "Synthetic")
  }

  @Test func mixedGridsAreNotWritten() throws {
    let folder = try TemporaryFolder()
    let sequences = [1000.0, 2000].map {
      FrameSequence(
        grid: Grid(height: 1, width: 2, spacingMetres: $0), times: [$0], rainRate: Tensor(shape: [1, 1, 2]))
    }
    let error = #expect(throws: RadarError.self) { try SequenceWriter().write(sequences, to: folder.file("out.nc")) }
    #expect(error?.code == .unusable)
    #expect(try folder.names().isEmpty)
  }

  // MARK: Whole or not at all

  @Test func anExistingFileIsKept() throws {
    let folder = try TemporaryFolder()
    let forecast = try forecast(input(folder))
    let path = folder.file("out.nc")
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: RadarError.self) { try ForecastWriter().write(forecast, to: path) }
    #expect(error?.code == .cannotCreate)
    #expect(error?.message == "the file exists; choose another name, or allow replacing it with --overwrite.")
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
    try ForecastWriter(overwrite: true).write(forecast, to: path)
    #expect(try read(path).sequences[0].count == 4)
    #expect(try folder.names() == ["in.nc", "out.nc"])
  }

  @Test func aFolderThatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let forecast = try forecast(input(folder))
    let error = #expect(throws: RadarError.self) { try ForecastWriter().write(forecast, to: folder.file("no/out.nc")) }
    #expect(error?.code == .cannotCreate)
    #expect(
      error?.message == "the folder \(folder.file("no")) is not there (No such file or directory); make it first.")
    #expect(throws: RadarError.self) { try ForecastWriter(overwrite: true).write(forecast, to: folder.path) }
  }

  @Test func aFolderThatMayNotBeWrittenTo() throws {
    guard geteuid() != 0 else {
      print("not run: the superuser may write everywhere")
      return
    }
    let folder = try TemporaryFolder()
    let forecast = try forecast(input(folder))
    chmod(folder.path, 0o500)
    defer { chmod(folder.path, 0o700) }
    let error = #expect(throws: RadarError.self) { try ForecastWriter().write(forecast, to: folder.file("out.nc")) }
    #expect(error?.code == .cannotCreate)
    #expect(error?.message.contains("cannot be created in the folder") == true)
  }

  #if os(Linux)
    @Test func aFullDiskLeavesNothingBehind() throws {
      let folder = try TemporaryFolder()
      let disk = folder.file("disk")
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      guard mount("none", disk, "tmpfs", 0, "size=64k") == 0 else {
        print("not run: a small file system cannot be mounted here")
        return
      }
      defer { umount2(disk, Int32(MNT_DETACH)) }
      let sequence = FrameSequence(
        grid: Grid(height: 300, width: 300, spacingMetres: 1000), times: [0],
        rainRate: .uniform(shape: [1, 300, 300], low: 0, high: 1, seed: 1))
      let error = #expect(throws: RadarError.self) { try SequenceWriter().write(sequence, to: "\(disk)/out.nc") }
      #expect(error?.code == .writeFailed)
      #expect(error?.message.contains("No space left on device") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk).isEmpty)
    }
  #endif

  /// The probabilities beside the rain, to a ten-thousandth; what reads the file as a forecast still sees the rain alone.
  @Test func probabilities() throws {
    let folder = try TemporaryFolder()
    var forecast = try self.forecast(try input(folder), steps: 2)
    let values = (0..<24).map { $0 == 7 ? Float.nan : Float($0) / 24 }
    forecast.exceedance = ExceedanceField(thresholds: [0.1, 5], probabilities: Tensor(shape: [2, 2, 2, 3], values))
    try ForecastWriter().write(forecast, to: folder.file("out.nc"))
    var id: Int32 = 0
    #expect(nc_open(folder.file("out.nc"), NC_NOWRITE, &id) == NC_NOERR)
    defer { nc_close(id) }
    var (variable, threshold) = (Int32(0), Int32(0))
    #expect(nc_inq_varid(id, "probability_of_rainfall_rate_above_threshold", &variable) == NC_NOERR)
    #expect(nc_inq_varid(id, "threshold", &threshold) == NC_NOERR)
    var limits = [Double](repeating: 0, count: 2)
    #expect(nc_get_var_double(id, threshold, &limits) == NC_NOERR)
    #expect(limits == [0.1, 5])
    var packed = [Int16](repeating: 0, count: 24)
    #expect(nc_get_var_short(id, variable, &packed) == NC_NOERR)
    for (packed, value) in zip(packed, values) {
      #expect(value.isNaN ? packed == -1 : abs(Float(packed) * 1e-4 - value) <= 5.1e-5)
    }
    let back = try #require(try read(folder.file("out.nc")).sequences.first)
    #expect(
      try back.rainRate.elements.map { $0.isNaN ? -1 : $0 } == forecast.rainRate.elements.map { $0.isNaN ? -1 : $0 })
  }
}

extension Tensor {
  fileprivate static func uniform(shape: [Int], low: Float, high: Float, seed: UInt64) -> Tensor {
    var source = RandomSource(seed: seed)
    return .uniform(shape: shape, low: low, high: high, using: &source)
  }
}
