import Foundation
import Tensor
import Testing

@testable import RadarIO

@Suite struct SequenceTests {
  @Test func manyFramesInOneFile() throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [300, 600, 900], classic: true)
    let reading = try read(path)
    #expect(reading.sequences.count == 1)
    let sequence = reading.sequences[0]
    #expect(sequence.name == "1970-01-01T00:05Z")
    #expect(sequence.times == [300, 600, 900])
    #expect(sequence.stepSeconds == 300)
    #expect(sequence.intervalSeconds == nil)
    #expect(try sequence.rainRate.shape == [3, 2, 2])
    #expect(try sequence.rainRate.elements == (0..<12).map(Float.init))
    #expect(sequence.grid.spacingMetres == 1000)
    #expect(sequence.grid.y == [0, -1000])
    #expect(!sequence.grid.isGeographic)
    #expect(try reading.singleSequence(for: "a forecast").count == 3)
  }

  @Test func oneFrameInEachFileInAnyOrder() throws {
    let folder = try TemporaryFolder()
    try TestFile.single(folder.file("z.nc"), valid: 1200, start: 600, pixels: [0, 1, 2, 3])
    try TestFile.single(folder.file("a.nc"), valid: 2400, start: 1800, pixels: [8, 9, 10, 11])
    try TestFile.single(folder.file("m.nc"), valid: 1800, start: 1200, pixels: [4, 5, 6, 7])
    let sequence = try read(folder.path).sequences[0]
    #expect(sequence.times == [1200, 1800, 2400])
    #expect(try sequence.rainRate.elements == (0..<12).map { Float($0 * 6) })
    #expect(sequence.intervalSeconds == [600, 600, 600])
    #expect(sequence.source.files == ["z.nc", "m.nc", "a.nc"].map(folder.file))
  }

  @Test func anAmountOfOneFrameNeedsAnInterval() throws {
    let folder = try TemporaryFolder()
    try TestFile.single(folder.file("a.nc"), valid: 1200)
    let error = readError(folder.file("a.nc"))
    #expect(error?.code == .unusable)
    #expect(error?.message.hasPrefix("it is an amount (kg m-2) of a single frame") == true)
    // With a second frame the step tells.
    try TestFile.single(folder.file("b.nc"), valid: 1500)
    #expect(try read(folder.path).sequences[0].rainRate.elements[1] == 12)
  }

  /// A scalar time of something else, half a minute before the end, would make twenty times the rain.
  @Test func anotherTimeIsNoStart() throws {
    let folder = try TemporaryFolder()
    for (name, valid) in [("a.nc", 600.0), ("b.nc", 1200)] {
      let file = try TestFile(folder.file(name))
      try file.plane(height: 2, width: 2)
      let units = ("units", TestFile.Value.text(TestFile.timeUnits))
      try file.variable("valid_time", .int64, [], [("standard_name", .text("time")), units], [valid])
      try file.variable("scan_time", .int64, [], [units], [valid - 30])
      try file.variable("precipitation", .float, ["y", "x"], [("units", .text("kg m-2"))], [0, 1, 2, 3])
      try file.close()
    }
    let sequence = try read(folder.path).sequences[0]
    #expect(try sequence.intervalSeconds == [600, 600] && sequence.rainRate.elements[1] == 6)
  }

  /// The last forecast in the folder of the latest frames.
  @Test func aForecastAmongFramesIsTold() throws {
    let folder = try TemporaryFolder()
    try TestFile.frames(folder.file("a.nc"), times: [0, 300])
    let input = try read(folder.path)
    #expect(input.warnings.isEmpty)
    let forecast = try ForecastFile(rainRate: Tensor(shape: [1, 2, 2]), times: [600], from: input.sequences[0])
    try ForecastWriter().write(forecast, to: folder.file("f.nc"))
    #expect(try read(folder.path).warnings.first?.contains("f.nc: holds a forecast") == true)
  }

  @Test func timeBoundsTellIntervalAndEnd() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 2)
    try file.dimension("nv", 2)
    try file.plane(height: 2, width: 2)
    try file.variable(
      "time", .double, ["time"],
      [("standard_name", .text("time")), ("units", .text("minutes since 1970-01-01")), ("bounds", .text("tb"))],
      [5, 15])
    try file.variable("tb", .double, ["time", "nv"], [], [0, 10, 10, 20])
    try file.variable("r", .float, ["time", "y", "x"], [("units", .text("mm"))], [1, 1, 1, 1, 2, 2, 2, 2])
    try file.close()
    let sequence = try read(file.path).sequences[0]
    #expect(sequence.times == [600, 1200])
    #expect(sequence.intervalSeconds == [600, 600])
    #expect(try sequence.rainRate.elements == [6, 6, 6, 6, 12, 12, 12, 12])
  }

  @Test func aGapStartsASequence() throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300, 600, 1500, 1800])
    let reading = try read(path)
    #expect(reading.sequences.map(\.times) == [[0, 300, 600], [1500, 1800]])
    #expect(reading.sequences.map(\.stepSeconds) == [300, 300])
    let error = #expect(throws: RadarError.self) { try reading.singleSequence(for: "a forecast") }
    #expect(
      error?.message
        == "a forecast needs frames without a gap, but after 1970-01-01T00:10Z the next frame is of 1970-01-01T00:25Z. Give "
        + "frames at one regular step.")
  }

  private static let runCases: [([Double], [Range<Int>])] = [
    ([0, 600, 1200, 1800, 2100, 2400, 2700, 3000], [0..<3, 3..<8]), ([0, 1800, 2400, 3000], [0..<1, 1..<4]),
    ([0, 600], [0..<2]), ([0], [0..<1]), ([0, 600, 2400, 6000, 6600], [0..<2, 2..<3, 3..<5]),
    ([0, 295, 603, 900], [0..<4]), ([0, 300, 600, 916], [0..<3, 3..<4]),
  ]

  @Test(arguments: runCases)
  func runsOfOneStep(times: [Double], expected: [Range<Int>]) {
    #expect(SequenceAssembly.runs(times: times).map(\.range) == expected)
  }

  @Test func jitterIsKeptAndLargeStepsToleratedByHalfAMinute() {
    #expect(SequenceAssembly.runs(times: [0, 3600, 7229, 10830]).count == 1)
    #expect(SequenceAssembly.runs(times: [0, 3600, 7231, 10831]).count == 2)
  }

  @Test func twoGridsAreTwoSequences() throws {
    let folder = try TemporaryFolder()
    let a = try TestFile.frames(folder.file("a.nc"), times: [0, 300])
    let b = try TestFile.frames(folder.file("b.nc"), times: [0, 300], height: 3, width: 4)
    let c = try TestFile.frames(folder.file("c.nc"), times: [600, 900], origin: 5000)
    let reading = try read(a, b, c)
    #expect(reading.sequences.map(\.name) == ["1970-01-01T00:00Z", "1970-01-01T00:00Z-2", "1970-01-01T00:10Z"])
    let error = #expect(throws: RadarError.self) { try reading.singleSequence(for: "a forecast") }
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("two grids are mixed: \(a) is 2 × 2") == true)
    #expect(error?.message.contains("\(b) is 3 × 4") == true)
  }

  /// Two radars with the same coordinates around their own sites, as the Bureau of Meteorology writes them.
  @Test func theGridMappingTellsRadarsApart() throws {
    let folder = try TemporaryFolder()
    for (name, latitude, time) in [("a", -27.7178, 0.0), ("b", -27.7178, 300), ("c", -33.7, 600), ("d", -33.7, 900)] {
      let file = try TestFile(folder.file(name))
      try file.dimension("time", 1)
      try file.plane(height: 2, width: 2)
      try file.time([time])
      try file.variable(
        "proj", .byte, [],
        [
          ("grid_mapping_name", .text("albers_conical_equal_area")),
          ("standard_parallel", .numbers(.double, [-26.2, -29.3])),
          ("latitude_of_projection_origin", .numbers(.double, [latitude])),
        ])
      try file.variable(
        "rain", .float, ["time", "y", "x"], [("units", .text("mm h-1")), ("grid_mapping", .text("proj"))], [0, 1, 2, 3])
      try file.close()
    }
    let reading = try read(folder.path)
    #expect(reading.sequences.map(\.times) == [[0, 300], [600, 900]])
    let error = #expect(throws: RadarError.self) { try reading.requireOneGrid() }
    #expect(error?.message.contains("in another place or projection") == true)
  }

  @Test func gridsMatchWithinAThousandthOfAPixel() {
    let grid = Grid(height: 4, width: 5, spacingMetres: 1000)
    var other = grid
    other.x = grid.x?.map { $0 + 0.5 }
    #expect(grid.matches(other))
    other.x = grid.x?.map { $0 + 2 }
    #expect(!grid.matches(other))
    #expect(!grid.matches(Grid(height: 4, width: 5, spacingMetres: 2000)))
  }

  @Test func spacingOfLatitudeAndLongitude() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 1)
    try file.dimension("lat", 3)
    try file.dimension("lon", 3)
    try file.time([0])
    try file.variable("lat", .float, ["lat"], [("units", .text("degrees_north"))], [59, 60, 61])
    try file.variable("lon", .float, ["lon"], [("units", .text("degrees_east"))], [10, 12, 14])
    try file.variable(
      "r", .float, ["time", "lat", "lon"], [("units", .text("mm h-1"))], [Double](repeating: 0, count: 9))
    try file.close()
    let grid = try read(file.path).sequences[0].grid
    #expect(grid.isGeographic)
    let degree = Double.pi / 180 * 6_371_000
    #expect(abs((grid.spacingMetres ?? 0) - degree) < 1e-6 * degree)
  }

  @Test func framesArePutInTheOrderOfTime() throws {
    let folder = try TemporaryFolder()
    let reading = try read(TestFile.frames(folder.file("a.nc"), times: [0, 600, 300]))
    #expect(reading.sequences.map(\.times) == [[0, 300, 600]])
    #expect(try reading.sequences[0].rainRate.elements == [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7])
    #expect(
      reading.warnings == ["\(folder.file("a.nc")): its times do not ascend; its frames are put in the order of time."])
  }

  @Test func ofFramesOfOneTimeTheLastIsUsed() throws {
    let folder = try TemporaryFolder()
    let twice = try read(TestFile.frames(folder.file("b.nc"), times: [0, 300, 300]))
    #expect(try twice.sequences[0].rainRate.elements == [0, 1, 2, 3, 8, 9, 10, 11])
    #expect(
      twice.warnings.first?.contains("1 frame is left out whose time is there again, the first at 1970-01-01T00:05Z")
        == true)
    let a = try TestFile.frames(folder.file("c.nc"), times: [0, 300])
    let b = try TestFile.frames(folder.file("d.nc"), times: [300, 600], pixels: [Double](repeating: 50, count: 8))
    for paths in [[a, b], [b, a]] {
      let reading = try RadarReader().sequences(at: paths)
      #expect(reading.sequences.map(\.times) == [[0, 300, 600]])
      #expect(
        try reading.sequences[0].rainRate(at: 1).elements == (paths == [a, b] ? [50, 50, 50, 50] : [4, 5, 6, 7]))
    }
  }

  @Test(arguments: [(0, [[0.0, 300], [900], [1200, 1500]], 0), (1, [[0, 300, 600, 900, 1200, 1500]], 1)])
  func gapsAreBridgedWhereAsked(maxGap: Int, expected: [[Double]], bridged: Int) throws {
    let folder = try TemporaryFolder()
    let pixels: [Double] = [0, 0, 4, 8, .nan, 4, 8, 16, 0, .nan, 8, 4] + [Double](repeating: 1, count: 8)
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300, 900, 1200, 1500], pixels: pixels)
    let sequences = try read(path, options: ReadOptions(maxGap: maxGap)).sequences
    #expect(sequences.flatMap(\.times) == expected.flatMap(\.self))
    #expect(sequences.flatMap(\.bridged).count == bridged)
    guard bridged > 0 else { return }
    #expect(sequences[0].bridged == [2])
    // Half of either side; missing where either is.
    #expect(try same(sequences[0].rainRate(at: 2).elements, [.nan, .nan, 8, 10]))
    #expect(
      try same(
        sequences[0].rainRate.elements,
        pixels[..<8].map(Float.init) + [.nan, .nan, 8, 10] + pixels[8...].map(Float.init)))
  }

  @Test func timesBeyondEveryCalendarAreRefused() throws {
    let folder = try TemporaryFolder()
    for times in [[1e20, 2e20], [-1e12, 0]] {
      let error = readError(try TestFile.frames(folder.file("a.nc"), times: times))
      #expect(error?.code == .unusable && error?.variable == "time")
      #expect(error?.message.contains("outside of the years 0 to 9999") == true)
    }
  }

  @Test func aFileNamedTwiceIsReadOnce() throws {
    let folder = try TemporaryFolder()
    let a = try TestFile.frames(folder.file("a.nc"), times: [0, 300])
    #expect(try read(a, folder.path).sequences[0].count == 2)
  }

  @Test func manyReadersAtOnce() async throws {
    let folder = try TemporaryFolder()
    for i in 0..<8 { try TestFile.frames(folder.file("\(i).nc"), times: [Double(i) * 600, Double(i) * 600 + 300]) }
    let path = folder.path
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 { group.addTask { try read(path).sequences[0].count } }
      for try await count in group { #expect(count == 16) }
    }
  }
}
