import Foundation
import Tensor
import Testing

@testable import RadarIO

/// Files that Scripts/make-hdf5-fixtures.py made with h5py, and what they mean after numpy and pyproj.
private enum Fixture {
  struct Expected: Decodable {
    let frames: [[Float?]]
    let times, y, x: [Double]
    let mapping: [String: Value]
    let variable, units: String
    let intervals: [Double]?
    let institution, title: String?
    let latitude, longitude: [Double]?
  }

  /// The value of an attribute.
  enum Value: Decodable, Equatable {
    case text(String)
    case numbers([Double])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let number = try? container.decode(Double.self) {
        self = .numbers([number])
      } else {
        self = .numbers(try container.decode([Double].self))
      }
    }
  }

  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/hdf5/\(name)").path
  }

  static func load<T: Decodable>(_ name: String, as type: T.Type) -> T {
    do {
      return try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path(name))))
    } catch {
      preconditionFailure("\(name): \(error)")
    }
  }

  static let expected = load("expected.json", as: [String: Expected].self)
  static let hostile = load("hostile.json", as: [String: String].self)
}

private func near(_ a: [Double]?, _ b: [Double], within tolerance: Double) -> Bool {
  guard let a, a.count == b.count else { return false }
  return zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

@Suite struct RadarImageTests {
  @Test(arguments: Fixture.expected.keys.sorted()) func reads(name: String) throws {
    let expected = try #require(Fixture.expected[name])
    let sequence = try read(Fixture.path(name)).singleSequence(for: "this")
    #expect(sequence.times == expected.times)
    #expect(sequence.intervalSeconds == expected.intervals)
    #expect(sequence.source.variable == expected.variable)
    #expect(sequence.source.units == expected.units)
    #expect(sequence.source.provenance.institution == expected.institution)
    #expect(sequence.source.provenance.title == expected.title)
    let pixels = expected.frames.flatMap(\.self).map { $0 ?? .nan }
    #expect(try sequence.rainRate.elements.count == pixels.count)
    for (found, wanted) in zip(try sequence.rainRate.elements, pixels) {
      #expect(found.isNaN == wanted.isNaN && (found.isNaN || abs(found - wanted) <= 1e-6 * abs(wanted)))
      #expect((found == 0) == (wanted == 0), "dry and nearly dry differ")
    }
  }

  @Test(arguments: Fixture.expected.keys.sorted()) func places(name: String) throws {
    let expected = try #require(Fixture.expected[name])
    let grid = try read(Fixture.path(name)).singleSequence(for: "this").grid
    let tolerance = grid.isGeographic ? 1e-8 : 0.01
    #expect(near(grid.y, expected.y, within: tolerance), "\(grid.y ?? [])")
    #expect(near(grid.x, expected.x, within: tolerance), "\(grid.x ?? [])")
    #expect(near(grid.georeference.variable(grid.yName)?.numbers, expected.y, within: tolerance))
    guard !expected.mapping.isEmpty else {
      #expect(grid.georeference.gridMapping == nil)
      #expect(near(grid.georeference.variable("latitude")?.numbers, expected.latitude ?? [], within: 1e-8))
      #expect(near(grid.georeference.variable("longitude")?.numbers, expected.longitude ?? [], within: 1e-8))
      return
    }
    var attributes = try #require(grid.georeference.variable(grid.georeference.gridMapping ?? "")).attributes
    #expect(attributes.text("proj4")?.hasPrefix("+proj=") == true)
    attributes.removeAll { $0.name == "proj4" }
    #expect(Set(attributes.map(\.name)) == Set(expected.mapping.keys))
    for attribute in attributes {
      switch expected.mapping[attribute.name] {
      case .text(let text): #expect(attribute.text == text)
      case .numbers(let numbers): #expect(near(attribute.numbers(), numbers, within: 1e-6), "\(attribute.name)")
      case nil: Issue.record("\(attribute.name) is not expected")
      }
    }
  }

  @Test(arguments: Fixture.expected.keys.sorted()) func isKeptByTheWriter(name: String) throws {
    let folder = try TemporaryFolder()
    let sequence = try read(Fixture.path(name)).singleSequence(for: "this")
    try SequenceWriter().write(sequence, to: folder.file("out.nc"))
    let again = try read(folder.file("out.nc")).singleSequence(for: "this")
    #expect(again.grid.matches(sequence.grid))
    #expect(again.grid.y == sequence.grid.y && again.grid.x == sequence.grid.x)
    #expect(again.grid.georeference.gridMapping == sequence.grid.georeference.gridMapping)
    #expect(again.grid.georeference.auxiliaryCoordinates == sequence.grid.georeference.auxiliaryCoordinates)
    #expect(same(try again.rainRate.elements, try sequence.rainRate.elements))
    #expect(again.times == sequence.times && again.intervalSeconds == sequence.intervalSeconds)
  }

  @Test(arguments: Fixture.hostile.keys.sorted()) func refuses(name: String) throws {
    let error = try #require(readError(Fixture.path(name)))
    #expect(error.code == .unusable)
    #expect(error.description.contains(Fixture.hostile[name] ?? "?"), "\(error)")
  }

  @Test func kindIsToldByContent() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Fixture.path("knmi-acc.h5"), toPath: folder.file("a.nc"))
    #expect(try read(folder.file("a.nc")).sequences.first?.source.provenance.title == "RAD_NL25_TEST")
    try TestFile.frames(folder.file("b.h5"), times: [0, 300])
    #expect(try read(folder.file("b.h5")).sequences.first?.count == 2)
    // Both kinds in one folder, on two grids.
    #expect(try read(folder.path).sequences.count == 2)
  }

  @Test func anImageCanBeNamed() throws {
    let path = Fixture.path("odim-dbzh.h5")
    let chosen = try read(path).singleSequence(for: "this").rainRate.elements
    for name in ["DBZH", "dataset1/data2", "/dataset1/data2/data"] {
      #expect(same(try read(path, options: ReadOptions(variable: name)).sequences[0].rainRate.elements, chosen))
    }
    let raw = try read(path, options: ReadOptions(variable: "TH")).sequences[0].rainRate.elements
    #expect(!same(raw, chosen))
    #expect(readError(path, options: ReadOptions(variable: "ZDR"))?.message.contains("'dataset1/data2' (DBZH)") == true)
    #expect(readError(path, options: ReadOptions(variable: "VRAD"))?.message.contains("--units") == true)
    #expect(
      readError(path, options: ReadOptions(variable: "VRAD", units: "K"))?.message.contains("not of rain") == true)
    let asRate = try read(path, options: ReadOptions(variable: "VRAD", units: "mm h-1")).sequences[0]
    #expect(asRate.source.units == "mm h-1")
    let rate = Fixture.path("hostile-rate-and-amount.h5")
    #expect(try read(rate, options: ReadOptions(variable: "RATE")).sequences.count == 1)
  }

  @Test func reflectivityUsesTheRelation() throws {
    let relation = ReflectivityRelation(a: 256, b: 1.42)
    let options = ReadOptions(relation: relation)
    let pixels = try read(Fixture.path("odim-dbzh.h5"), options: options).sequences[0].rainRate.elements
    #expect(abs(pixels[4] - Float(relation.rainRate(dbz: 28))) < 1e-5)
  }

  @Test func aTruncatedFileIsRefused() throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixture.path("odim-acrr.h5")))
    for share in stride(from: 0.05, to: 1, by: 0.05) {
      try whole.prefix(Int(Double(whole.count) * share)).write(to: URL(fileURLWithPath: folder.file("a.h5")))
      #expect(readError(folder.file("a.h5"))?.code == .unusable)
    }
  }

  /// Bits turned, bytes copied, ends cut: values or a sentence, whatever libhdf5 does about it.
  @Test func damagedFilesEndNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.h5")
    var random = RandomSource(seed: 5)
    for name in ["odim-dbzh.h5", "odim-longlat.h5", "knmi-acc.h5"] {
      let whole = try Data(contentsOf: URL(fileURLWithPath: Fixture.path(name)))
      for _ in 0..<150 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          bytes[place] = Bool.random(using: &random) ? .random(in: 0...255, using: &random) : 0xFF
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        do { _ = try read(path) } catch let error as RadarError { #expect(error.code == .unusable, "\(error)") }
      }
    }
  }

  /// Mutations of the fixtures that libhdf5 1.10.8 crashes on, or never comes back from. Others may read some of them.
  @Test(arguments: ["attribute-beyond-its-end.h5", "heap-without-object.h5", "endless.h5"])
  func filesThatBreakTheLibrary(name: String) throws {
    do { _ = try read(Fixture.path("../hdf5-damaged/\(name)")) } catch let error as RadarError {
      #expect(error.code == .unusable, "\(error)")
    }
  }

  @Test func theReadingProcessIsReplaced() throws {
    let reader = ReadingProcess()
    let path = Fixture.path("odim-rate.h5")
    func describe() throws -> HDF5Group? {
      if case .images(let root) = try reader.describe(path: path) { root } else { nil }
    }
    #expect(reader.process == nil)
    #expect(try describe()?.groups["dataset1"]?.groups["data1"]?.datasets["data"]?.type == .double)
    let first = try #require(reader.process)
    kill(first, SIGKILL)
    // A signal takes its time on a busy machine.
    for _ in 0..<1000 where kill(first, 0) == 0 { usleep(10_000) }
    #expect(kill(first, 0) != 0)
    #expect(try describe()?.groups["dataset1"] != nil)
    #expect(reader.process != first)
  }

  @Test func aDescriptionIsNotTrusted() throws {
    func root(_ bytes: [UInt8]) -> HDF5Group? {
      bytes.withUnsafeBytes { raw in
        var description = HDF5Description(raw, of: HDF5FileName(path: "a.h5", byteCount: 1))
        return description.root()
      }
    }
    let (group, end) = (UInt8(ascii: "G"), UInt8(ascii: "E"))
    let attribute = [UInt8(ascii: "A"), 1, 0, UInt8(ascii: "a")]
    #expect(root([group, 0, 0, end]) != nil)
    #expect(
      root([group, 0, 0] + attribute + [UInt8(ascii: "s"), 1, 0, 0, 0, 65, end])?.attributes == ["a": .text("A")])
    for bytes in [
      [], [group], [group, 0, 0], [group, 255, 255, end], [end], [group, 0, 0, 7, end],
      [group, 0, 0] + attribute + [UInt8(ascii: "n"), 255, 255, 255, 255, end],
      [group, 0, 0] + attribute + [UInt8(ascii: "s"), 255, 255, 255, 255, 65, end],
      [group, 0, 0, UInt8(ascii: "D"), 1, 0, 65, 5, 99, 1, end],
      [UInt8](repeating: 0, count: 3) + [end], Array(repeating: [group, 0, 0], count: 5000).flatMap(\.self),
    ] { #expect(root(bytes) == nil) }
  }

  @Test(arguments: [
    ("GEO=0.01*PV+0.0", 0.01, 0.0), ("GEO = 0.500000 * PV + -32.000000", 0.5, -32), ("geo=0.5*pv-31.5", 0.5, -31.5),
    ("GEO=-1e-2*PV", -0.01, 0),
  ]) func calibrationFormula(text: String, gain: Double, offset: Double) throws {
    let found = try #require(KNMIFile.linear(text))
    #expect(found.gain == gain && found.offset == offset)
  }

  @Test(arguments: ["", "GEO=PV", "GEO=0.5*PV*2", "GEO=0.5*PV^2+1", "GEO=x*PV+1", "Z=0.5*PV+1", "GEO=0.5*PV+1+2"])
  func otherFormulas(text: String) { #expect(KNMIFile.linear(text) == nil) }

  @Test func times() {
    #expect(KNMIFile.moment("26-AUG-2010;00:05:00.500") == 1_282_781_100.5)
    #expect(KNMIFile.moment("29-feb-2024;24:00:00.000") == 1_709_251_200)
    for text in [
      "", "26-AUG-2010", "29-FEB-2023;00:00:00", "26-AUG-2010;25:00:00", "26-AUG-2010;00:60:00", "a-b-c;d:e:f",
    ] {
      #expect(KNMIFile.moment(text) == nil)
    }
  }
}
