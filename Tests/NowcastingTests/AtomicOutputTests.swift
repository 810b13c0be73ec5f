import Foundation
import Testing

@testable import Nowcasting

/// A folder that is removed with everything in it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/nowcast-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The names in the folder, hidden ones too.
  var contents: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  static func / (folder: TemporaryFolder, name: String) -> String { folder.path + "/" + name }
}

/// Whether `body` throws a ``NowcastError`` with this code.
func throwsCode(_ code: NowcastError.Code, _ body: () throws -> Void) -> Bool {
  do {
    try body()
    return false
  } catch {
    return (error as? NowcastError)?.code == code
  }
}

@Suite struct AtomicOutputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: folder / name, encoding: .utf8) }

  @Test func writesAndReplaces() throws {
    try AtomicOutput.write(Data("one".utf8), to: folder / "a", overwrite: false)
    #expect(try text("a") == "one")
    #expect(throwsCode(.cannotCreate) { try AtomicOutput.write(Data("two".utf8), to: folder / "a", overwrite: false) })
    #expect(try text("a") == "one")
    try AtomicOutput.write(Data("two".utf8), to: folder / "a", overwrite: true)
    #expect(try text("a") == "two")
    try AtomicOutput.write(Data(), to: folder / "b", overwrite: true)
    #expect(try text("b").isEmpty)
    #expect(folder.contents == ["a", "b"])
  }

  @Test func theBodysFailureLeavesNothing() throws {
    struct Failure: Error {}
    try AtomicOutput.write(Data("one".utf8), to: folder / "a", overwrite: false)
    #expect(throws: Failure.self) {
      try AtomicOutput.write(to: folder / "a", overwrite: true) { temporary in
        try Data("half".utf8).write(to: URL(fileURLWithPath: temporary))
        throw Failure()
      }
    }
    #expect(try text("a") == "one")
    #expect(folder.contents == ["a"])
  }

  @Test func theBodyMayReplaceTheTemporaryFile() throws {
    try AtomicOutput.write(to: folder / "a", overwrite: false) { temporary in
      try Data("one".utf8).write(to: URL(fileURLWithPath: temporary), options: .atomic)
    }
    #expect(try text("a") == "one")
    #expect(folder.contents == ["a"])
  }

  @Test func aFileMadeInTheMeantimeIsKept() throws {
    #expect(
      throwsCode(.cannotCreate) {
        try AtomicOutput.write(to: folder / "a", overwrite: false) { _ in
          try Data("other".utf8).write(to: URL(fileURLWithPath: folder / "a"))
        }
      })
    #expect(try text("a") == "other")
    #expect(folder.contents == ["a"])
  }

  @Test func refusesWhatCannotBeCreated() throws {
    try Data().write(to: URL(fileURLWithPath: folder / "file"))
    for path in [
      folder / "none/a", folder / "file/a", folder.path, folder / "name/", "", "/sys/nowcast-test", "/dev/null",
    ] {
      for overwrite in [false, true] {
        #expect(throwsCode(.cannotCreate) { try AtomicOutput.write(Data("x".utf8), to: path, overwrite: overwrite) })
      }
    }
    #expect(folder.contents == ["file"])
    #expect(throwsCode(.cannotCreate) { try AtomicOutput.check(folder / "file", overwrite: false) })
    #expect(throwsCode(.cannotCreate) { try AtomicOutput.check(folder / "none/a", overwrite: true) })
    try AtomicOutput.check(folder / "file", overwrite: true)
    try AtomicOutput.check(folder / "new", overwrite: false)
  }

  #if os(Linux)
    @Test func aFullDiskIsAWriteError() throws {
      let descriptor = open("/dev/full", O_WRONLY)
      defer { close(descriptor) }
      #expect(
        throwsCode(.writeFailed) { try AtomicOutput.writeAll(Data(count: 10), to: descriptor, path: "forecast.nc") })
    }
  #endif

  @Test func writesThroughASymbolicLink() throws {
    try Data("old".utf8).write(to: URL(fileURLWithPath: folder / "real"))
    try FileManager.default.createSymbolicLink(atPath: folder / "link", withDestinationPath: "real")
    try AtomicOutput.write(Data("new".utf8), to: folder / "link", overwrite: true)
    #expect(try text("real") == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder / "link") == "real")
  }

  @Test func permissionsAreKeptOrOrdinary() throws {
    func mode(_ name: String) -> mode_t {
      var status = stat()
      stat(folder / name, &status)
      return status.st_mode & 0o777
    }
    try AtomicOutput.write(Data("one".utf8), to: folder / "a", overwrite: false)
    #expect(mode("a") & 0o611 == 0o600)
    chmod(folder / "a", 0o640)
    try AtomicOutput.write(Data("two".utf8), to: folder / "a", overwrite: true)
    #expect(mode("a") == 0o640)
  }

  @Test func aLongNameFits() throws {
    let name = String(repeating: "n", count: 255)
    try AtomicOutput.write(Data("one".utf8), to: folder / name, overwrite: false)
    #expect(folder.contents == [name])
  }
}
