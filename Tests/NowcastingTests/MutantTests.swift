import Foundation
import Nowcasting
import RadarIO
import Tensor
import Testing

@testable import FuzzReader

/// A short run of what Scripts/fuzz does at length.
@Suite struct MutantTests {
  @Test(arguments: [
    "reading/container-classic.nc", "reading/container-offset64.nc", "reading/container-cdf5.nc",
    "reading/container-netcdf4.nc", "reading/container-groups.nc", "hdf5/odim-rate.h5", "hdf5/knmi-acc.h5",
  ]) func mutantsGiveValuesOrAnError(name: String) throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures")
    let folder = try TemporaryFolder()
    let mutator = try Mutator(Data(contentsOf: fixtures.appendingPathComponent(name)))
    let path = folder / "mutant.nc"
    var random = RandomSource(seed: 12)
    var (values, errors) = (0, 0)
    for _ in 0..<100 {
      try mutator.mutant(using: &random).write(to: URL(fileURLWithPath: path))
      let inspection = try Inspection([path], reader: RadarReader())
      _ = try inspection.json
      if inspection.failures.isEmpty { values += 1 } else { errors += 1 }
      #expect(inspection.failures.allSatisfy { !$0.message.isEmpty && $0.message.utf8.count < 4000 })
      #expect(inspection.sequences.compactMap(\.maximumRainRate).allSatisfy { (0...1000).contains($0) })
    }
    // A mutator that breaks nothing, or everything, tests nothing.
    #expect(values > 0 && errors > 0, "\(values) values, \(errors) errors")
  }

  /// What libhdf5 would refuse by its checksum alone is made right again.
  @Test func checksumsAreMended() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/reading/container-netcdf4.nc")
    let bytes = [UInt8](try Data(contentsOf: path))
    let regions = ChecksummedRegion.all(in: bytes)
    #expect(regions.count > 5)
    var mended = bytes
    for region in regions { region.mend(&mended) }
    #expect(mended == bytes)
  }
}
