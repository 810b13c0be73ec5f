import CNetCDF
import Testing

@testable import RadarIO

/// A variable of a file that is not open is read past libnetcdf, if it is read whole: that must give what libnetcdf gives.
@Suite struct WholeVariableTests {
  /// How four rows of six numbers lie in a file.
  enum Layout: CaseIterable {
    case contiguous, chunked, deflated, bigEndian
    /// Two of the rows were never written.
    case halfWritten, halfWrittenWithOwnFill
    /// Another variable along the same unlimited dimension has four rows, and this one two.
    case shorterThanItsDimension
    /// In a group, named as the dimension in it, which libnetcdf gives another name in the file.
    case namedAsDimension
  }

  private func make(_ layout: Layout, _ path: String) throws {
    let rows = [.halfWritten, .halfWrittenWithOwnFill, .shorterThanItsDimension].contains(layout) ? 2 : 4
    let name = layout == .namedAsDimension ? "x" : "rain"
    var (file, group, y, x, rain, other) = (Int32(0), Int32(0), Int32(0), Int32(0), Int32(0), Int32(0))
    func check(_ status: Int32) { #expect(status == NC_NOERR) }
    NetCDFLibrary.call {
      check(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &file))
      check(nc_def_grp(file, "radar", &group))
      check(nc_def_dim(group, "y", layout == .shorterThanItsDimension ? Int(NC_UNLIMITED) : 4, &y))
      check(nc_def_dim(group, "x", 6, &x))
      check(nc_def_var(group, name, NC_SHORT, 2, [y, x], &rain))
      if layout != .contiguous { check(nc_def_var_chunking(group, rain, NC_CHUNKED, [2, 6])) }
      if layout == .deflated { check(nc_def_var_deflate(group, rain, 1, 1, 5)) }
      if layout == .bigEndian { check(nc_def_var_endian(group, rain, NC_ENDIAN_BIG)) }
      if layout == .halfWrittenWithOwnFill {
        var fill: Int16 = -5
        check(nc_def_var_fill(group, rain, NC_FILL, &fill))
      }
      if layout == .shorterThanItsDimension {
        check(nc_def_var(group, "other", NC_SHORT, 2, [y, x], &other))
        check(nc_put_vara_short(group, other, [0, 0], [4, 6], [Int16](repeating: 1, count: 24)))
      }
      check(nc_put_vara_short(group, rain, [0, 0], [rows, 6], (0..<rows * 6).map { Int16($0) }))
      check(nc_close(file))
    }
  }

  @Test(arguments: Layout.allCases) func readsWhatTheLibraryReads(layout: Layout) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("whole.nc")
    try make(layout, path)
    let fill: Int16? =
      switch layout {
      case .halfWritten, .shorterThanItsDimension: -32767
      case .halfWrittenWithOwnFill: -5
      default: nil
      }
    let expected = (0..<24).map { $0 >= 12 ? fill ?? Int16($0) : Int16($0) }
    let process = ReadingProcess.shared
    let file = try process.describeNetCDF(path: path)
    let variable = try #require(file.variables.first { $0.name == (layout == .namedAsDimension ? "x" : "rain") })
    #expect(variable.shape == [4, 6])
    let request = ReadingProcess.Request.values(
      path: path, name: variable.fullName, type: .short, shape: [4, 6], starts: [0, 0], counts: [4, 6], byteCount: 48)
    func values() throws -> [Int16] {
      try process.values(request) { bytes in
        (0..<24).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self) }
      }
    }
    // Open, after its header was read: by libnetcdf. Then closed, and so past it.
    #expect(try values() == expected)
    process.closeFiles()
    #expect(try values() == expected)
    // What is no longer as it was described is refused as before.
    process.closeFiles()
    let changed = ReadingProcess.Request.values(
      path: path, name: variable.fullName, type: .short, shape: [6, 4], starts: [0, 0], counts: [6, 4], byteCount: 48)
    let error = #expect(throws: RadarError.self) { try process.values(changed) { _ in } }
    #expect(error?.message.contains("no longer what it was") ?? false)
  }
}
