import CNetCDF
import Foundation
import Testing

@testable import RadarIO

@Suite struct ReadErrorTests {
  private func truncate(_ path: String, to share: Double) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    try data.prefix(Int(Double(data.count) * share)).write(to: URL(fileURLWithPath: path))
  }

  @Test func aPathThatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let error = readError(folder.file("nothing.nc"))
    #expect(error?.code == .notFound)
    #expect(error?.description == "\(folder.file("nothing.nc")): there is no such file or folder.")
  }

  @Test func noPathAtAll() {
    let error = #expect(throws: RadarError.self) { try RadarReader().sequences(at: []) }
    #expect(error?.code == .notFound)
  }

  @Test func textIsNotNetCDF() throws {
    let folder = try TemporaryFolder()
    try "CDL is text, too".write(toFile: folder.file("a.nc"), atomically: true, encoding: .utf8)
    let error = readError(folder.file("a.nc"))
    #expect(error?.code == .unusable)
    #expect(error?.message.hasPrefix("this is neither a NetCDF nor an HDF5 file.") == true)
  }

  @Test func anEmptyFile() throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(fileURLWithPath: folder.file("a.nc")))
    let error = readError(folder.file("a.nc"))
    #expect(error?.code == .unusable)
    #expect(error?.message == "the file is empty.")
  }

  @Test(arguments: [0.2, 0.5, 0.9, 0.999]) func truncatedNetCDF4(share: Double) throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300], height: 40, width: 40)
    try truncate(path, to: share)
    let error = readError(path)
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("looks truncated or damaged") == true)
  }

  // libnetcdf reads zeros for what is missing at the end of a classic file: that would be "no rain".
  @Test(arguments: [0.01, 0.2, 0.5, 0.9, 0.9999]) func truncatedClassic(share: Double) throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300], height: 40, width: 40, classic: true)
    _ = try read(path)
    try truncate(path, to: share)
    let error = readError(path)
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("looks truncated") == true)
  }

  @Test(arguments: [NC_CLOBBER, NC_CLOBBER | NC_64BIT_OFFSET, NC_CLOBBER | NC_CDF5]) func lengthOfClassicFiles(
    mode: Int32
  )
    throws
  {
    let folder = try TemporaryFolder()
    let path = folder.file("a.nc")
    // Three bytes in each record of each of two variables, to meet the padding.
    let status = NetCDFLibrary.call { () -> Int32 in
      var (id, time, x, a, b): (Int32, Int32, Int32, Int32, Int32) = (0, 0, 0, 0, 0)
      let bytes: [Int8] = [1, 2, 3, 4, 5, 6]
      var worst = nc_create(path, mode, &id)
      worst = min(worst, nc_def_dim(id, "time", 0, &time))
      worst = min(worst, nc_def_dim(id, "x", 3, &x))
      worst = min(worst, nc_def_var(id, "a", NC_BYTE, 2, [time, x], &a))
      worst = min(worst, nc_def_var(id, "b", NC_BYTE, 2, [time, x], &b))
      worst = min(worst, nc_put_att_text(id, a, "long_name", 5, "seven"))
      worst = min(worst, nc_enddef(id))
      for variable in [a, b] { worst = min(worst, nc_put_vara_schar(id, variable, [0, 0], [2, 3], bytes)) }
      return min(worst, nc_close(id))
    }
    #expect(status == NC_NOERR)
    let length = try FileProbe(path: path).byteCount
    let needed = try #require(ClassicHeader.requiredByteCount(path: path))
    #expect(needed <= length && length - needed < 4, "\(needed) of \(length)")
  }

  @Test func damagedBytesNeverCrash() throws {
    let folder = try TemporaryFolder()
    let original = try Data(
      contentsOf: URL(fileURLWithPath: TestFile.frames(folder.file("a.nc"), times: [0, 300], classic: true)))
    let path = folder.file("b.nc")
    for position in stride(from: 4, to: min(original.count, 400), by: 3) {
      var data = original
      data[position] = 0xFF
      try data.write(to: URL(fileURLWithPath: path))
      _ = try? read(path)
    }
  }

  @Test func aFolderWithoutNetCDF() throws {
    let folder = try TemporaryFolder()
    let empty = readError(folder.path)
    #expect(empty?.code == .notFound)
    #expect(empty?.message == "the folder holds no files.")
    try "hello".write(toFile: folder.file("readme.nc"), atomically: true, encoding: .utf8)
    #expect(readError(folder.path)?.message == "the folder holds no NetCDF or HDF5 files, only 1 of other kinds.")
  }

  @Test func aFolderIsSearchedWithAllBelow() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.file("day/hour"), withIntermediateDirectories: true)
    try TestFile.frames(folder.file("day/hour/a.nc"), times: [0, 300])
    try TestFile.frames(folder.file("b.dat"), times: [600, 900])
    try TestFile.frames(folder.file(".hidden.nc"), times: [1200, 1500])
    try "hello".write(toFile: folder.file("readme.txt"), atomically: true, encoding: .utf8)
    #expect(try read(folder.path).sequences[0].times == [0, 300, 600, 900])
  }

  @Test func noVariableWithFrames() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 2)
    try file.time([0, 300])
    try file.variable("gauge", .float, ["time"], [("units", .text("mm h-1"))], [1, 2])
    try file.close()
    let error = readError(file.path)
    #expect(error?.code == .unusable)
    #expect(error?.message.contains("no variable has frames") == true)
    #expect(error?.message.contains("'time', 'gauge'") == true)
  }

  @Test func framesWithoutTime() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.plane(height: 2, width: 2)
    try file.variable("r", .float, ["y", "x"], [("units", .text("mm h-1"))], [1, 2, 3, 4])
    try file.close()
    #expect(readError(file.path)?.message.hasPrefix("it has no time") == true)
  }

  @Test func aTimeOfOtherUnits() throws {
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300], timeUnits: "metres since noon")
    let error = readError(path)
    #expect(error?.variable == "time")
    #expect(error?.message.hasPrefix("its units are not understood as time") == true)
  }

  @Test func noFrames() throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 0)
    try file.plane(height: 2, width: 2)
    try file.variable("time", .double, ["time"], [("units", .text(TestFile.timeUnits))])
    try file.variable("r", .float, ["time", "y", "x"], [("units", .text("mm h-1"))])
    try file.close()
    #expect(readError(file.path)?.message == "it has no frames: its time dimension is empty.")
  }

  @Test(arguments: [1 << 20, 1 << 31]) func sizesThatCannotBe(extent: Int) throws {
    let folder = try TemporaryFolder()
    let file = try TestFile(folder.file("a.nc"))
    try file.dimension("time", 1 << 10)
    try file.dimension("y", extent)
    try file.dimension("x", extent)
    try file.variable("time", .double, ["time"], [("units", .text(TestFile.timeUnits))], (0..<1024).map { Double($0) })
    // Chunks that are never written take no room in the file.
    try file.chunked("r", ["time", "y", "x"], [1, 64, 64], units: "mm h-1")
    try file.close()
    let error = readError(file.path)
    #expect(error?.code == .unusable)
    #expect(error?.variable == "r")
    #expect(error?.message.contains("the file looks damaged") == true)
  }

  @Test func withoutPermission() throws {
    guard geteuid() != 0 else {
      print("not run: the superuser may read everything")
      return
    }
    let folder = try TemporaryFolder()
    let path = try TestFile.frames(folder.file("a.nc"), times: [0, 300])
    chmod(path, 0)
    let error = readError(path)
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("permission denied") == true)
  }
}
