import Foundation
import Tensor
import Testing

@testable import RadarIO

/// Files of every kind that is read, through an index: understood as without it, to the last word.
@Suite struct IndexedFixtureTests {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures")

  /// What comes of a reading, with everything that went wrong.
  private struct Outcome: Equatable {
    var sequences: [String] = []
    var warnings: [String] = []
    var failures: [String] = []
  }

  private func outcome(_ path: String, _ options: ReadOptions, _ indexing: FileIndexing) throws -> (
    Outcome, [IndexReport]
  ) {
    var outcome = Outcome()
    let reading = try RadarReader(options: options, indexing: indexing).sequences(at: [path]) {
      outcome.failures.append($0.description)
    }
    outcome.warnings = reading.warnings
    for var sequence in reading.sequences {
      var hash = ContentHash()
      if let rain = try? sequence.rainRate {
        rain.withUnsafeBufferPointer { for value in $0 { hash.add(UInt64(value.bitPattern)) } }
      }
      // What is left are values; what they were read from says nothing about them.
      sequence = sequence.with(rainRate: Tensor(shape: [sequence.count, sequence.grid.height, sequence.grid.width]))
      outcome.sequences.append("\(hash.text) \(sequence)")
    }
    outcome.warnings += reading.valueWarnings
    return (outcome, reading.indexes)
  }

  @Test func everyFixtureIsUnderstoodTheSame() async throws {
    let folder = try TemporaryFolder()
    var count = 0
    // Those on which libhdf5 breaks down are left out: how it does depends on what its process read before, and none of them
    // gets into an index.
    for kind in ["reading", "hdf5", "netcdf-damaged"] {
      let source = IndexedFixtureTests.fixtures.appendingPathComponent(kind).path
      for name in try FileManager.default.contentsOfDirectory(atPath: source) where name.contains(".") {
        try FileManager.default.createDirectory(
          atPath: folder.file("\(kind)-\(name)"), withIntermediateDirectories: true)
        // Three of each, so that the last is understood by the one before it.
        for copy in ["a", "b", "c"] {
          try FileManager.default.copyItem(
            atPath: source + "/" + name, toPath: folder.file("\(kind)-\(name)/\(copy)-\(name)"))
        }
        count += 1
      }
    }
    #expect(count > 150)
    try await Task.sleep(for: .milliseconds(3200))
    let kept = FileIndexing.kept(leastFiles: 1)
    for name in try folder.names() {
      let (without, _) = try outcome(folder.file(name), ReadOptions(), .never)
      for _ in 0..<2 {
        let (with, _) = try outcome(folder.file(name), ReadOptions(), kept)
        #expect(with == without, "\(name)")
      }
    }
    // All of them at once, with dozens of grids.
    for options in [ReadOptions(), ReadOptions(units: "mm h-1", maxGap: 1)] {
      let (without, _) = try outcome(folder.path, options, .never)
      for _ in 0..<2 {
        let (with, reports) = try outcome(folder.path, options, kept)
        #expect(with == without && reports.count == 1)
      }
    }
  }
}
