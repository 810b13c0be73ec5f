import Foundation
import Testing

@testable import RadarIO

@Suite struct VariableChoiceTests {
  private typealias Value = TestFile.Value

  /// A file with several variables of frames.
  private func file(
    _ folder: TemporaryFolder, _ variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])]
  ) throws -> String {
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 2)
    try file.dimension("level", 1)
    try file.dimension("member", 3)
    try file.plane(height: 2, width: 2)
    try file.time([0, 300])
    for (name, type, dimensions, attributes) in variables {
      let count = dimensions.reduce(1) { $0 * ($1 == "level" ? 1 : $1 == "member" ? 3 : 2) }
      try file.variable(name, type, dimensions, attributes, [Double](repeating: 1, count: count))
    }
    try file.close()
    return file.path
  }

  private let frames = ["time", "y", "x"]
  private let millimetres: [(String, TestFile.Value)] = [("units", .text("mm h-1"))]

  private func chosen(
    _ variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])], options: ReadOptions = ReadOptions()
  ) throws -> SourceDescription {
    let folder = try TemporaryFolder()
    return try read(file(folder, variables), options: options).sequences[0].source
  }

  private func refusal(
    _ variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])], options: ReadOptions = ReadOptions()
  ) -> RadarError? {
    let error = #expect(throws: RadarError.self) { try chosen(variables, options: options) }
    #expect(error?.code == .unusable)
    return error
  }

  @Test func theOnlyVariableOfRainIsTaken() throws {
    let source = try chosen([
      ("temperature", .float, frames, [("units", .text("K"))]),
      ("anything", .short, frames, millimetres),
      ("quality", .byte, frames, [("flag_values", .numbers(.byte, [0, 1])), ("units", .text("1"))]),
    ])
    #expect(source.variable == "anything")
    #expect(source.units == "mm h-1")
  }

  @Test func aStandardNameOfRainDecides() throws {
    let source = try chosen([
      ("u", .float, frames, [("units", .text("m s-1"))]),
      ("r", .float, frames, [("units", .text("m s-1")), ("standard_name", .text("lwe_precipitation_rate"))]),
    ])
    #expect(source.variable == "r")
  }

  @Test func anotherStandardNameIsNoRain() throws {
    let source = try chosen([
      ("wind", .float, frames, [("units", .text("m s-1")), ("standard_name", .text("radial_velocity_of_scatterers"))]),
      ("flag", .float, frames, [("units", .text("mm h-1")), ("standard_name", .text("rainfall_rate status_flag"))]),
      ("r", .float, frames, millimetres),
    ])
    #expect(source.variable == "r")
  }

  @Test func heightsInMetresAreNoAmounts() throws {
    let source = try chosen([
      ("topography", .float, ["y", "x"], [("units", .text("m"))]), ("r", .float, frames, millimetres),
    ])
    #expect(source.variable == "r")
  }

  @Test func referencedVariablesAreLeftOut() throws {
    let source = try chosen([
      ("error", .float, frames, millimetres),
      ("r", .float, frames, millimetres + [("ancillary_variables", .text("error"))]),
    ])
    #expect(source.variable == "r")
  }

  @Test func dimensionsOfLengthOneAreNoObstacle() throws {
    let source = try chosen([("r", .float, ["time", "level", "y", "x"], millimetres)])
    #expect(source.variable == "r")
  }

  @Test func membersAreNotFrames() throws {
    let error = refusal([("r", .float, ["time", "member", "y", "x"], millimetres)])
    #expect(error?.message.contains("no variable has frames") == true)
  }

  @Test func severalCandidatesAreListedWithTheirMeaning() throws {
    let variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])] = [
      ("a", .float, frames, millimetres), ("b", .float, frames, [("units", .text("dBZ"))]),
      ("c", .float, frames, [("units", .text("kg m-2"))]),
    ]
    let error = refusal(variables)
    #expect(
      error?.message
        == "several variables could hold the rain: 'a' (a rain rate in mm h-1), 'b' (a radar reflectivity in dBZ), 'c' (an "
        + "amount of rain in kg m-2). Name one with --variable NAME.")
    #expect(try chosen(variables, options: ReadOptions(variable: "c")).variable == "c")
  }

  @Test func aVariableThatIsNotThereIsAnsweredWithThoseThatAre() {
    let error = refusal([("r", .float, frames, millimetres)], options: ReadOptions(variable: "rain"))
    #expect(error?.message == "there is no variable 'rain' in it; it has 'y', 'x', 'time', 'r'.")
  }

  @Test func aNamedVariableMustBeFrames() {
    let error = refusal([("r", .float, ["time", "y"], millimetres)], options: ReadOptions(variable: "r"))
    #expect(error?.message.hasPrefix("its dimensions are (time 2, y 2)") == true)
    #expect(error?.variable == "r")
  }

  @Test func aNamedVariableMustBeInUnitsOfRain() {
    let error = refusal([("t", .float, frames, [("units", .text("K"))])], options: ReadOptions(variable: "t"))
    #expect(error?.message.hasPrefix("its units 'K' are not of rain.") == true)
  }

  @Test func missingUnitsAreAskedFor() throws {
    let variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])] = [("r", .float, frames, [])]
    #expect(refusal(variables)?.message == "it states no units. Say them with --units UNIT, such as --units 'mm h-1'.")
    #expect(try chosen(variables, options: ReadOptions(units: "mm/h")).units == "mm/h")
  }

  @Test func severalWithoutUnitsAreListed() {
    let error = refusal([("r", .float, frames, []), ("z", .float, frames, [])])
    #expect(error?.message.contains("'r', 'z'. Name one with --variable NAME and say its units") == true)
  }

  @Test func unknownUnitsAreNamed() throws {
    let variables: [(String, NetCDFType, [String], [(String, TestFile.Value)])] = [
      ("r", .float, frames, [("units", .text("drops"))])
    ]
    let error = refusal(variables)
    #expect(error?.message == "its units 'drops' are not understood. Say the right ones with --units UNIT.")
    #expect(error?.variable == "r")
    #expect(try chosen(variables, options: ReadOptions(units: "mm h-1")).units == "mm h-1")
    #expect(
      refusal(variables, options: ReadOptions(units: "drips"))?.message
        == "the units 'drips' given with --units are not understood as rain. Give those of a rate ('mm h-1'), of an amount "
        + "('kg m-2') or of reflectivity ('dBZ').")
  }

  @Test func unitsOfTheFileWinOverTheUsers() throws {
    let folder = try TemporaryFolder()
    let path = try file(folder, [("r", .float, frames, millimetres)])
    let reading = try read(path, options: ReadOptions(units: "m s-1"))
    #expect(reading.sequences[0].source.units == "mm h-1")
    #expect(reading.warnings.first?.contains("states its units, 'mm h-1'; 'm s-1' is not used") == true)
  }

  @Test func noRainAtAll() {
    let error = refusal([("t", .float, frames, [("units", .text("K"))])])
    #expect(error?.message.contains("no variable is rain by its standard name and units; found 't' in 'K'") == true)
  }
}
