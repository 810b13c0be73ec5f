import Foundation
import Testing

@testable import RadarIO

@Suite struct PackingTests {
  /// Reads one frame of 2 × 2 stored numbers.
  private func pixels(
    _ stored: [Double], _ type: NetCDFType, classic: Bool = false, _ attributes: [(String, TestFile.Value)]
  ) throws -> [Float] {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(
      folder.file("a.nc"), times: [0], pixels: stored, type: type,
      attributes: [("units", .text("mm h-1"))] + attributes, classic: classic)
    return try read(path).sequences[0].rainRate.elements
  }

  @Test(arguments: [
    NetCDFType.byte, .ubyte, .short, .ushort, .int, .uint, .int64, .uint64, .float, .double,
  ])
  func everyTypeIsUnpackedInDoublePrecision(type: NetCDFType) throws {
    let found = try pixels(
      [0, 7, 99, 120], type,
      [
        ("scale_factor", .numbers(.double, [0.1])), ("add_offset", .numbers(.double, [0.3])),
        ("_FillValue", .numbers(type, [99])),
      ])
    #expect(same(found, [Float(0.3), Float(7 * 0.1 + 0.3), .nan, Float(120 * 0.1 + 0.3)]), "\(found)")
  }

  @Test(arguments: [NetCDFType.byte, .short, .int])
  func classicFilesAreReadAlike(type: NetCDFType) throws {
    let found = try pixels([0, 7, 99, 120], type, classic: true, [("_FillValue", .numbers(type, [99]))])
    #expect(same(found, [0, 7, .nan, 120]))
  }

  @Test(arguments: [(NetCDFType.byte, 256.0), (.short, 65536), (.int, 4_294_967_296)])
  func unsignedAttributeReadsTheBitsWithoutSign(type: NetCDFType, modulus: Double) throws {
    let scale = 100 / modulus
    let found = try pixels(
      [-1, -2, 5, 100], type,
      [
        ("_Unsigned", .text("true")), ("_FillValue", .numbers(type, [-1])),
        ("scale_factor", .numbers(.double, [scale])),
      ])
    #expect(same(found, [.nan, Float((modulus - 2) * scale), Float(5 * scale), Float(100 * scale)]))
  }

  @Test func unsignedFalseReadsTheBitsWithSign() throws {
    let found = try pixels([255, 1, 5, 100], .ubyte, [("_Unsigned", .text("false"))])
    #expect(same(found, [.nan, 1, 5, 100]))
  }

  @Test func missingValueMayBeAListInAnotherType() throws {
    let found = try pixels([1, 2, 3, 4], .short, [("missing_value", .numbers(.double, [2, 4]))])
    #expect(same(found, [1, .nan, 3, .nan]))
  }

  @Test func missingValueOfAFloatIsComparedAsFloat() throws {
    let found = try pixels([-999.9, 2, 3, 0], .float, [("missing_value", .numbers(.double, [-999.9]))])
    #expect(same(found, [.nan, 2, 3, 0]))
  }

  @Test func fillValuesOfTheLibraryAreMissing() throws {
    #expect(same(try pixels([-32767, 2, 3, 0], .short, []), [.nan, 2, 3, 0]))
    #expect(same(try pixels([900, -2_147_483_647, 3, 0], .int, []), [900, .nan, 3, 0]))
    #expect(same(try pixels([9.969_209_968_386_869e36, 2, 3, 0], .float, []), [.nan, 2, 3, 0]))
    #expect(same(try pixels([9.969_209_968_386_869e36, 2, 3, 0], .double, []), [.nan, 2, 3, 0]))
  }

  @Test func bytesHaveNoFillValueOfTheLibrary() throws {
    #expect(same(try pixels([255, 2, 3, 0], .ubyte, []), [255, 2, 3, 0]))
  }

  @Test func anOwnFillValueReplacesThatOfTheLibrary() throws {
    let found = try pixels(
      [-32767, 2, 3, 0], .short,
      [("_FillValue", .numbers(.short, [3])), ("add_offset", .numbers(.double, [32767])), ("units", .text("um h-1"))])
    #expect(same(found, [0, 32.769, .nan, 32.767]))
  }

  @Test func validRangeIsOfStoredNumbers() throws {
    let found = try pixels(
      [1, 2, 30, 31], .short,
      [("scale_factor", .numbers(.double, [0.1])), ("valid_range", .numbers(.short, [2, 30]))])
    #expect(same(found, [.nan, Float(2 * 0.1), 3, .nan]))
  }

  @Test func validMinimumAndMaximumAreOfStoredNumbers() throws {
    let found = try pixels(
      [1, 2, 30, 31], .short, [("valid_min", .numbers(.short, [2])), ("valid_max", .numbers(.short, [30]))])
    #expect(same(found, [.nan, 2, 30, .nan]))
  }

  @Test func validRangeInTheTypeOfTheScaleIsOfValues() throws {
    let found = try pixels(
      [1, 2, 30, 31], .short,
      [("scale_factor", .numbers(.double, [0.5])), ("valid_range", .numbers(.double, [0.75, 15]))])
    #expect(same(found, [.nan, 1, 15, .nan]))
  }

  @Test func largeFramesGoThroughATableWithTheSameResult() throws {
    let folder = try TemporaryFolder()
    let stored = (0..<65536).map { Double($0 - 32768) }
    let attributes: [(String, TestFile.Value)] = [
      ("units", .text("mm h-1")), ("scale_factor", .numbers(.double, [0.01])), ("_FillValue", .numbers(.short, [-5])),
      ("missing_value", .numbers(.short, [17])),
    ]
    let path = try TestFile.frames(
      folder.file("a.nc"), times: [0], height: 256, width: 256, pixels: stored, type: .short, attributes: attributes)
    let reading = try read(path)
    _ = try reading.sequences[0].rainRate
    let expected = stored.map { $0 < 0 || $0 == 17 ? Float.nan : Float($0 * 0.01) }
    #expect(try same(reading.sequences[0].rainRate.elements, expected))
    #expect(reading.valueWarnings.count == 1)
    #expect(reading.valueWarnings.first?.contains("32767 negative values are taken as missing") == true)
  }

  @Test func negativeAndInfiniteValuesAreMissingAndCounted() throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0], pixels: [-0.0005, -1, .infinity, .nan])
    let reading = try read(path)
    #expect(try same(reading.sequences[0].rainRate.elements, [0, .nan, .nan, .nan]))
    #expect(try reading.sequences[0].rainRate.elements[0].sign == .plus)
    #expect(reading.valueWarnings.count == 2)
    #expect(
      try reading.sequences[0].rainRate.elements.count { $0.isNaN } * 4 == reading.sequences[0].rainRate.count * 3)
  }

  @Test func columnsBeforeRowsAreTurned() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 1)
    try file.plane(height: 2, width: 3)
    try file.time([0])
    try file.variable("rain", .float, ["time", "x", "y"], [("units", .text("mm h-1"))], [1, 2, 3, 4, 5, 6])
    try file.close()
    let sequence = try read(file.path).sequences[0]
    #expect(try sequence.rainRate.shape == [1, 2, 3])
    #expect(try sequence.rainRate.elements == [1, 3, 5, 2, 4, 6])
  }
}
