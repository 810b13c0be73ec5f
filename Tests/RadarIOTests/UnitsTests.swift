import Foundation
import Testing

@testable import RadarIO

@Suite struct UnitsTests {
  private func rate(_ value: Double, units: String, standardName: String? = nil, step: Double = 600) throws -> Float {
    let folder = try TemporaryFolder()
    var attributes: [(String, TestFile.Value)] = [("units", .text(units))]
    if let standardName { attributes.append(("standard_name", .text(standardName))) }
    let path = try TestFile.frames(
      folder.file("a.nc"), times: [0, step], pixels: [Double](repeating: value, count: 8), type: .double,
      attributes: attributes)
    return try read(path).sequences[0].rainRate.elements[0]
  }

  private static let rates: [(String, Double)] = [
    ("mm h-1", 2.5), ("mm/h", 2.5), ("mm/hr", 2.5), ("mm hr-1", 2.5), ("mm hour-1", 2.5), ("mm h**-1", 2.5),
    ("kg m-2 h-1", 2.5), ("um s-1", 2.5 * 3.6), ("g m-2 s-1", 2.5 * 3.6), ("in/h", 2.5 * 25.4),
    ("cm/day", 25.0 / 24), ("mm/(5 min)", 2.5 * 12), ("mm\nh-1", 2.5),
  ]

  @Test(arguments: rates)
  func ratesBecomeMillimetresAnHour(units: String, expected: Double) throws {
    #expect(try rate(2.5, units: units) == Float(expected))
  }

  @Test(arguments: ["mm", "kg m-2", "kg/m^2"])
  func amountsAreDividedByTheirInterval(units: String) throws {
    #expect(try rate(0.35, units: units) == Float(0.35 * 6))
    #expect(try rate(0.35, units: units, step: 300) == Float(0.35 * 12))
  }

  @Test(arguments: ["dBZ", "dbz", "DBZ"])
  func reflectivityGoesThroughTheRelation(units: String) throws {
    let expected = Float(pow(pow(10, 3.5) / 200, 1 / 1.6))
    #expect(try rate(35, units: units) == expected)
  }

  @Test func linearReflectivityNeedsItsStandardName() throws {
    let found = try rate(1000, units: "mm6 m-3", standardName: "equivalent_reflectivity_factor")
    #expect(abs(found - Float(pow(1000.0 / 200, 1 / 1.6))) < 1e-6)
    #expect(throws: RadarError.self) { try rate(1000, units: "mm6 m-3") }
  }

  @Test func otherRelationsCanBeGiven() throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(
      folder.file("a.nc"), times: [0], pixels: [30, 30, 30, 30], attributes: [("units", .text("dBZ"))])
    let options = ReadOptions(relation: ReflectivityRelation(a: 58.53, b: 1.56))
    let found = try read(path, options: options).sequences[0].rainRate.elements[0]
    #expect(found == Float(pow(1000 / 58.53, 1 / 1.56)))
  }

  @Test func noEchoIsZeroRain() throws {
    let folder = try TemporaryFolder()
    let attributes: [(String, TestFile.Value)] = [
      ("units", .text("dBZ")), ("scale_factor", .numbers(.double, [0.5])), ("add_offset", .numbers(.double, [-10])),
      ("_FillValue", .numbers(.ubyte, [255])),
    ]
    let path = try TestFile.frames(
      folder.file("a.nc"), times: [0], pixels: [0, 1, 255, 20], type: .ubyte, attributes: attributes)
    let relation = ReflectivityRelation()
    let found = try read(path).sequences[0].rainRate.elements
    #expect(same(found, [0, Float(relation.rainRate(dbz: -9.5)), .nan, Float(relation.rainRate(dbz: 0))]), "\(found)")

    let plain = try TestFile.frames(
      folder.file("b.nc"), times: [0], pixels: [-32, -40, -31.5, -.infinity], attributes: [("units", .text("dBZ"))])
    #expect(same(try read(plain).sequences[0].rainRate.elements, [0, 0, Float(relation.rainRate(dbz: -31.5)), 0]))
  }

  @Test func relationIsItsOwnInverse() {
    let relation = ReflectivityRelation()
    for rain in [0.1, 1, 10, 100] {
      #expect(abs(relation.rainRate(dbz: relation.dbz(rainRate: rain)) - rain) < 1e-12 * rain)
    }
    #expect(relation.rainRate(dbz: -.infinity) == 0)
    #expect(abs(relation.rainRate(dbz: 23.0103) - 1) < 1e-5)
  }

  @Test func aDatabaseThatIsNotThereIsNamed() throws {
    let error = #expect(throws: RadarError.self) { try UnitSystem(database: "/nowhere/udunits2.xml") }
    #expect(error?.code == .internalError)
    #expect(error?.message.contains("UDUNITS2_XML_PATH") == true)
  }

  // MARK: Times

  private func times(_ values: [Double], units: String, calendar: String? = nil) throws -> [Double] {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: values, timeUnits: units, calendar: calendar)
    return try read(path).sequences.flatMap(\.times)
  }

  private static let timeUnits: [(String, Double, Double)] = [
    ("minutes since 2016-01-01 00:00:00", 1_451_606_400.0, 60.0), ("seconds since 1970-01-01 00:00:00 UTC", 0, 1),
    ("seconds since 1970-01-01T00:00:00Z", 0, 1), ("hours since 2020-10-31T12:00:00Z", 1_604_145_600, 3600),
    ("hours since 2020-10-31 12:00 +2:00", 1_604_138_400, 3600), ("days since 1970-01-02", 86400, 86400),
    ("seconds since 2018-11-03T15:30:00.500", 1_541_259_000.5, 1),
  ]

  @Test(arguments: timeUnits)
  func unitsOfTimeAreUnderstood(units: String, epoch: Double, scale: Double) throws {
    #expect(try times([0, 1, 2], units: units) == [epoch, epoch + scale, epoch + 2 * scale])
  }

  @Test func timesAreRoundedToMilliseconds() throws {
    // A third of an hour is no finite number of days.
    #expect(
      try times([0, 1.0 / 72, 2.0 / 72], units: "days since 2020-01-01") == [
        1_577_836_800, 1_577_838_000, 1_577_839_200,
      ])
  }

  @Test(arguments: ["standard", "gregorian", "Gregorian", "proleptic_gregorian"])
  func realCalendarsAreTaken(calendar: String) throws {
    #expect(
      try times([1, 2], units: "hours since 2000-03-01", calendar: calendar) == [
        951_868_800 + 3600, 951_868_800 + 7200,
      ])
  }

  @Test func anEpochBeforeTheReformDependsOnTheCalendar() throws {
    // 2020-01-01 is 737,424 days after 0001-01-01 in the proleptic Gregorian calendar, and two more in the mixed one.
    let units = "days since 0001-01-01"
    #expect(try times([737_424], units: units, calendar: "proleptic_gregorian") == [1_577_836_800])
    #expect(try times([737_426], units: units, calendar: "standard") == [1_577_836_800])
  }

  @Test(arguments: ["noleap", "360_day", "julian"])
  func otherCalendarsAreRefused(calendar: String) {
    let error = #expect(throws: RadarError.self) {
      try times([0, 1], units: "days since 2000-01-01", calendar: calendar)
    }
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("'\(calendar)' cannot be used") == true)
  }

  @Test func timesAsText() {
    #expect(TimeAxis.text(1_604_102_400) == "2020-10-31T00:00Z")
    #expect(TimeAxis.text(1_604_102_401) == "2020-10-31T00:00:01Z")
    #expect(TimeAxis.text(1_604_102_401.25) == "2020-10-31T00:00:01.250Z")
    #expect(TimeAxis.text(-86400) == "1969-12-31T00:00Z")
    #expect(TimeAxis.text(951_782_400) == "2000-02-29T00:00Z")
  }
}
