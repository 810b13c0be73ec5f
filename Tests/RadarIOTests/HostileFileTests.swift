import Foundation
import Testing

@testable import RadarIO

/// Files that Scripts/make-hostile-fixtures.py made, with which someone might try to crash, stall or fill a reader, or to
/// lead it elsewhere; and mutants that libnetcdf 4.9.0 crashes on or never comes back from.
@Suite struct HostileFileTests {
  private static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
  }

  private static let messages: [String: String] = {
    do {
      return try JSONDecoder().decode(
        [String: String].self, from: Data(contentsOf: URL(fileURLWithPath: path("hostile/hostile.json"))))
    } catch {
      preconditionFailure("hostile.json: \(error)")
    }
  }()

  @Test(arguments: messages.keys.sorted()) func refuses(name: String) throws {
    let error = try #require(
      #expect(throws: RadarError.self) {
        for sequence in try read(HostileFileTests.path("hostile/\(name)")).sequences { _ = try sequence.rainRate }
      })
    #expect(error.code == .unusable)
    #expect(error.description.contains(HostileFileTests.messages[name] ?? "?"), "\(error)")
    #expect(error.description.utf8.count < 5000)
  }

  /// Other versions of the library may read some of them.
  @Test(arguments: try FileManager.default.contentsOfDirectory(atPath: path("netcdf-damaged")).sorted())
  func filesThatBreakTheLibrary(name: String) throws {
    do {
      for sequence in try read(HostileFileTests.path("netcdf-damaged/\(name)")).sequences { _ = try sequence.rainRate }
    } catch let error as RadarError {
      #expect(error.code == .unusable, "\(error)")
    }
  }

  @Test func aDescriptionIsNotTrusted() throws {
    func groups(_ bytes: [UInt8]) -> [NetCDFFile.Group]? {
      bytes.withUnsafeBytes { raw in
        var description = NetCDFDescription(raw)
        return description.allGroups()
      }
    }
    func letter(_ character: Unicode.Scalar) -> UInt8 { UInt8(ascii: character) }
    let root = [letter("G"), 0, 0, 0, 0, 0, 0]
    let scalar = [letter("V"), 1, 0, letter("a"), 1, 0]
    let eight: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
    let end = [letter("E")]
    #expect(groups(root + end)?.count == 1)
    #expect(groups(root + scalar + [letter("W")] + eight + [7] + end)?.first?.variables.first?.values == [7])
    #expect(
      groups(root + scalar + [letter("A"), 1, 0, letter("b"), 2] + eight + [65] + end)?[0].variables[0]
        .attributes.text("b") == "A")
    let huge = [UInt8](repeating: 255, count: 8)
    for bytes in [
      [], root, end, root + [7], scalar + end, [letter("G"), 9, 0] + end,
      root + [letter("G"), 1, 0, letter("a"), 9, 0, 0, 0] + end,
      root + [letter("V"), 1, 0, letter("a"), 1, 255] + end,
      root + [letter("W")] + eight + [7] + end, root + scalar + [letter("W")] + huge + end,
      root + scalar + [letter("A"), 1, 0, letter("b"), 2] + huge + end,
      root + scalar + [letter("A"), 1, 0, letter("b"), 12] + huge + end,
      root + scalar + [letter("A"), 1, 0, letter("b"), 99] + eight + end,
    ] { #expect(groups(bytes) == nil) }
  }
}
