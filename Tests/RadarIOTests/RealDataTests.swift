import Foundation
import Testing

@testable import RadarIO

/// Real frames, which lie beside the package on the machines of its developers and are no part of it.
@Suite struct RealDataTests {
  private static var folder: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path
  }

  private func path(_ name: String) -> String? {
    let path = "\(RealDataTests.folder)/\(name)"
    if FileManager.default.fileExists(atPath: path) { return path }
    print("not run: there is no \(name) beside the package")
    return nil
  }

  @Test func brisbane() throws {
    guard let folder = path("bom-66-20201031") else { return }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
    let files = names.sorted().prefix(6)
    let sequence = try RadarReader().sequences(at: files.map { "\(folder)/\($0)" }).singleSequence(for: "this")
    #expect(sequence.name == "2020-10-31T00:00Z")
    #expect(sequence.stepSeconds == 600)
    #expect(sequence.intervalSeconds == [Double](repeating: 600, count: 6))
    #expect(try sequence.rainRate.shape == [6, 512, 512])
    #expect(sequence.grid.spacingMetres == 500)
    #expect(sequence.source.provenance.institution?.contains("Bureau of Meteorology") == true)
  }

  @Test func swissClassic() throws {
    guard let path = path("derived/mch_20160711_crop256_classic.nc") else { return }
    let sequence = try read(path).singleSequence(for: "this")
    #expect(sequence.name == "2016-07-11T20:45Z")
    #expect(try sequence.rainRate.shape == [40, 256, 256])
    #expect(try !sequence.rainRate.elements.contains { $0.isNaN })
    #expect(try sequence.rainRate.elements.count { $0 == 0 } == 1_826_741)
  }

  @Test func unitedKingdom() throws {
    guard let path = path("improver-nowcast-optical-flow") else { return }
    let sequence = try read(path).singleSequence(for: "this")
    #expect(sequence.times.count == 3)
    #expect(sequence.stepSeconds == 900)
    #expect(sequence.grid.yName == "projection_y_coordinate")
    #expect(sequence.grid.spacingMetres == 2000)
    // Both coordinates with their bounds, and the grid mapping.
    #expect(sequence.grid.georeference.variables.count == 5)
  }

  @Test func gothenburgStatesNoUnits() throws {
    guard let path = path("opensense/school2023_openMRG_example_rad.nc") else { return }
    #expect(readError(path)?.message.contains("'data', 'dBZ', 'R'") == true)
    let options = ReadOptions(variable: "R", units: "mm/h")
    #expect(try read(path, options: options).sequences[0].count == 145)
  }
}
