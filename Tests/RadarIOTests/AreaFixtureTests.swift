import Foundation
import Testing

@testable import RadarIO

/// Rain over the areas of `Scripts/make-area-fixtures.py`, in several projections, against shapely and pyproj.
@Suite struct AreaFixtureTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    struct Values: Decodable, Sendable {
      var name: String
      var mean: [Double?]
      var largest: [Double?]
      var covered: [Double]
    }

    var file: String
    var areas: String
    var values: [Values]
    var testDescription: String { file }
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/areas")

  private static let cases: [Case] = {
    do {
      return try JSONDecoder().decode(
        [Case].self, from: Data(contentsOf: folder.appendingPathComponent("expected.json")))
    } catch {
      preconditionFailure("the fixtures cannot be read: \(error)")
    }
  }()

  @Test(arguments: cases)
  func meansAreThoseOfShapely(expected: Case) throws {
    let path = Self.folder.appendingPathComponent(expected.file).path
    let sequence = try #require(try RadarReader().sequences(at: [path]).sequences.first)
    let (covers, notes) = try AreaReader().covers(
      at: Self.folder.appendingPathComponent(expected.areas).path, on: sequence.grid)
    #expect(covers.map(\.name) == expected.values.map(\.name))
    #expect(notes.count == 2 && notes[0].contains("1 feature has no polygon") && notes[1].contains("'Elsewhere'"))
    // Beyond its edge a grid without a projection is only continued.
    // On one of latitudes a part of a pixel counts as if it lay in its middle.
    let tolerance = ["planes.nc": 5e-3, "degrees.nc": 5e-4][expected.file] ?? 5e-5
    for frame in 0..<sequence.count {
      let rates = try sequence.rainRate(at: frame)
      for (cover, values) in zip(covers, expected.values) {
        let (mean, largest, covered) = rates.withUnsafeBufferPointer { cover.summary(of: $0) }
        #expect(abs(covered - values.covered[frame]) <= tolerance, "\(cover.name)")
        #expect((mean == nil) == (values.mean[frame] == nil), "\(cover.name)")
        #expect(largest.map(Double.init) == values.largest[frame], "\(cover.name)")
        if let mean, let own = values.mean[frame] {
          #expect(abs(mean - own) <= 2e-4 * max(1, own), "\(cover.name): \(mean), not \(own)")
        }
      }
    }
  }

  /// The fixtures are of seven kinds of grids, and each has areas with and without measurements.
  @Test func nothingIsLeftUntested() {
    #expect(Self.cases.count == 8)
    for one in Self.cases {
      #expect(one.values.count == 7)
      #expect(one.values.contains { $0.covered[0] == 0 } && one.values.contains { (0.1..<0.9).contains($0.covered[0]) })
    }
  }
}
