import Foundation
import Testing

@testable import RadarIO

/// Whether `body` throws a ``RadarError`` with this code.
private func throwsCode(_ code: RadarError.Code, _ body: () throws -> Void) -> Bool {
  do {
    try body()
    return false
  } catch {
    return (error as? RadarError)?.code == code
  }
}

@Suite struct AtomicOutputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: folder.file(name), encoding: .utf8)
  }

  @Test func writesAndReplaces() throws {
    try AtomicOutput.write(Data("one".utf8), to: folder.file("a"), overwrite: false)
    #expect(try text("a") == "one")
    #expect(
      throwsCode(.cannotCreate) { try AtomicOutput.write(Data("two".utf8), to: folder.file("a"), overwrite: false) })
    #expect(try text("a") == "one")
    try AtomicOutput.write(Data("two".utf8), to: folder.file("a"), overwrite: true)
    #expect(try text("a") == "two")
    try AtomicOutput.write(Data(), to: folder.file("b"), overwrite: true)
    #expect(try text("b").isEmpty)
    #expect(try folder.names() == ["a", "b"])
  }

  @Test func theBodysFailureLeavesNothing() throws {
    struct Failure: Error {}
    try AtomicOutput.write(Data("one".utf8), to: folder.file("a"), overwrite: false)
    #expect(throws: Failure.self) {
      try AtomicOutput.replace(folder.file("a"), overwrite: true) { descriptor in
        _ = Foundation.write(descriptor, "half", 4)
        throw Failure()
      }
    }
    #expect(try text("a") == "one")
    #expect(try folder.names() == ["a"])
  }

  @Test func aFileMadeInTheMeantimeIsKept() throws {
    #expect(
      throwsCode(.cannotCreate) {
        try AtomicOutput.replace(folder.file("a"), overwrite: false) { _ in
          try Data("other".utf8).write(to: URL(fileURLWithPath: folder.file("a")))
        }
      })
    #expect(try text("a") == "other")
    #expect(try folder.names() == ["a"])
  }

  @Test func refusesWhatCannotBeCreated() throws {
    try Data().write(to: URL(fileURLWithPath: folder.file("file")))
    for path in [
      folder.file("none/a"), folder.file("file/a"), folder.path, folder.file("name/"), "", "/sys/nowcast-test",
      "/dev/null",
    ] {
      for overwrite in [false, true] {
        #expect(throwsCode(.cannotCreate) { try AtomicOutput.write(Data("x".utf8), to: path, overwrite: overwrite) })
      }
    }
    #expect(try folder.names() == ["file"])
    #expect(throwsCode(.cannotCreate) { try AtomicOutput.check(folder.file("file"), overwrite: false) })
    #expect(throwsCode(.cannotCreate) { try AtomicOutput.check(folder.file("none/a"), overwrite: true) })
    try AtomicOutput.check(folder.file("file"), overwrite: true)
    try AtomicOutput.check(folder.file("new"), overwrite: false)
  }

  #if os(Linux)
    @Test func aFullDiskIsAWriteError() throws {
      let descriptor = open("/dev/full", O_WRONLY)
      defer { close(descriptor) }
      #expect(
        throwsCode(.writeFailed) {
          try Data(count: 10).withUnsafeBytes { try AtomicOutput.writeAll($0, to: descriptor, path: "forecast.nc") }
        })
    }
  #endif

  @Test func writesThroughASymbolicLink() throws {
    try Data("old".utf8).write(to: URL(fileURLWithPath: folder.file("real")))
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "real")
    try AtomicOutput.write(Data("new".utf8), to: folder.file("link"), overwrite: true)
    #expect(try text("real") == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("link")) == "real")
  }

  @Test func permissionsAreKeptOrOrdinary() throws {
    func mode(_ name: String) -> mode_t {
      var status = stat()
      stat(folder.file(name), &status)
      return status.st_mode & 0o777
    }
    try AtomicOutput.write(Data("one".utf8), to: folder.file("a"), overwrite: false)
    #expect(mode("a") & 0o611 == 0o600)
    chmod(folder.file("a"), 0o640)
    try AtomicOutput.write(Data("two".utf8), to: folder.file("a"), overwrite: true)
    #expect(mode("a") == 0o640)
  }

  @Test func aLongNameFits() throws {
    let name = String(repeating: "n", count: 255)
    try AtomicOutput.write(Data("one".utf8), to: folder.file(name), overwrite: false)
    #expect(try folder.names() == [name])
  }
}
