import Foundation
import Testing

@testable import RadarIO

/// What comes out of the files of `Scripts/make-reading-fixtures.py`, which differ as real radar files do.
@Suite struct ReadingFixtureTests {
  struct Expected: Decodable, Sendable, CustomTestStringConvertible {
    var files: [String]
    var variable: String?
    var units: String?
    /// `[frame][pixel]`; absent where the reader must refuse.
    var rain: [[Float?]]?
    var times: [Double]?
    var tolerance: Float?
    var timeTolerance: Double?
    /// In metres; "any" where it is of no concern, absent where there must be none.
    var spacing: Spacing?
    var geographic: Bool?
    var chosen: String?
    var mapping: String?
    var note: String?
    var warning: String?
    var words: [String]?

    enum Spacing: Decodable, Sendable {
      case any
      case metres(Double)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = (try? container.decode(Double.self)).map { .metres($0) } ?? .any
      }
    }

    var testDescription: String {
      files.joined(separator: "+") + (variable.map { " \($0)" } ?? "") + (units.map { " in \($0)" } ?? "")
    }
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/reading")

  private static let cases: [Expected] = {
    do {
      let data = try Data(contentsOf: folder.appendingPathComponent("expected.json"))
      return try JSONDecoder().decode([Expected].self, from: data)
    } catch {
      preconditionFailure("the fixtures cannot be read: \(error)")
    }
  }()

  private func reading(_ expected: Expected) throws -> RadarReading {
    try RadarReader(options: ReadOptions(variable: expected.variable, units: expected.units)).sequences(
      at: expected.files.map { Self.folder.appendingPathComponent($0).path })
  }

  @Test(arguments: cases.filter { $0.words == nil })
  func isRead(expected: Expected) throws {
    let reading = try reading(expected)
    #expect(reading.sequences.count == 1)
    let sequence = try #require(reading.sequences.first)
    let times = try #require(expected.times)
    #expect(sequence.count == times.count)
    #expect(
      zip(sequence.times, times).allSatisfy { abs($0 - $1) <= expected.timeTolerance ?? 1e-3 }, "\(sequence.times)")
    let found = try sequence.rainRate.elements
    let wanted = try #require(expected.rain).flatMap(\.self)
    let tolerance = try #require(expected.tolerance)
    #expect(found.count == wanted.count)
    #expect(
      zip(found, wanted).allSatisfy { value, wanted in
        wanted.map { abs(value - $0) <= tolerance * max(1, $0) } ?? value.isNaN
      }, "\(found)")
    switch expected.spacing {
    case .metres(let metres):
      let spacing = try #require(sequence.grid.spacingMetres)
      #expect(abs(spacing - metres) < 1e-3 * metres)
    case .any: break
    case nil: #expect(sequence.grid.spacingMetres == nil)
    }
    if let geographic = expected.geographic { #expect(sequence.grid.isGeographic == geographic) }
    if let chosen = expected.chosen { #expect(sequence.source.variable == chosen) }
    if let mapping = expected.mapping { #expect(sequence.grid.mappingName == mapping) }
    let warnings = reading.warnings + reading.valueWarnings
    if let note = expected.note {
      #expect(sequence.source.notes.contains { $0.contains(note) }, "\(sequence.source.notes)")
    }
    if let warning = expected.warning {
      #expect(warnings.count == 1 && warnings[0].contains(warning), "\(warnings)")
    } else {
      #expect(warnings.isEmpty, "\(warnings)")
    }
  }

  @Test(arguments: cases.filter { $0.words != nil })
  func isRefused(expected: Expected) throws {
    let error = try #require(throws: RadarError.self) { try reading(expected) }
    #expect(error.code == .unusable)
    for word in try #require(expected.words) { #expect(error.description.contains(word), "\(error)") }
  }
}
