import Foundation
import Tensor
import Testing

@testable import RadarIO

/// Reading with the index of a folder gives what reading without it gives, whatever became of index and files.
@Suite struct FileIndexTests {
  private let folder: TemporaryFolder
  private static let kept = FileIndexing.kept(leastFiles: 1)

  init() throws { folder = try TemporaryFolder() }

  private var indexPath: String { folder.file(FileIndex.fileName) }

  /// Frames of one file each, ten minutes apart, last changed an hour ago by their time of modification.
  private func write(_ numbers: Range<Int>, rain: Float = 1, title: (Int) -> String = { _ in "frames" }) throws {
    for number in numbers {
      var rates = Tensor(shape: [1, 4, 5], repeating: rain)
      rates.withUnsafeMutableBufferPointer { $0[number % 20] = .nan }
      let sequence = FrameSequence(
        grid: Grid(height: 4, width: 5, spacingMetres: 1000), times: [600 * Double(number + 1000)], rainRate: rates)
      try SequenceWriter(overwrite: true).write(
        sequence, to: folder.file("f\(1000 + number).nc"), title: title(number), source: "test", history: "test",
        comment: "made by hand")
    }
  }

  /// Waits until a file that was just written is old enough for its times to tell of another change.
  private func age() async throws { try await Task.sleep(for: .milliseconds(3200)) }

  private func read(
    _ indexing: FileIndexing, _ options: ReadOptions = ReadOptions(), at paths: [String]? = nil
  ) throws -> RadarReading {
    try RadarReader(options: options, indexing: indexing).sequences(at: paths ?? [folder.path])
  }

  /// What is read is the same with the index as without, down to the bits of the values.
  @discardableResult private func expectSame(
    _ indexing: FileIndexing = kept, _ options: ReadOptions = ReadOptions(), at paths: [String]? = nil,
    _ location: SourceLocation = #_sourceLocation
  ) throws -> IndexReport? {
    let without = try read(.never, options, at: paths)
    let with = try read(indexing, options, at: paths)
    #expect(with.warnings == without.warnings, sourceLocation: location)
    try #require(with.sequences.count == without.sequences.count, sourceLocation: location)
    for (a, b) in zip(with.sequences, without.sequences) {
      #expect(a.name == b.name && a.times == b.times && a.stepSeconds == b.stepSeconds, sourceLocation: location)
      #expect(a.intervalSeconds == b.intervalSeconds && a.referenceTime == b.referenceTime, sourceLocation: location)
      #expect(a.grid == b.grid && a.source == b.source && a.bridged == b.bridged, sourceLocation: location)
      let (first, second) = (try a.rainRate, try b.rainRate)
      let isSame = first.withUnsafeBufferPointer { first in
        second.withUnsafeBufferPointer { second in
          zip(first, second).allSatisfy { $0.bitPattern == $1.bitPattern }
        }
      }
      #expect(first.shape == second.shape && isSame, sourceLocation: location)
    }
    #expect(with.valueWarnings == without.valueWarnings, sourceLocation: location)
    return with.indexes.first
  }

  @Test func secondReadingOpensNoFile() async throws {
    try write(0..<12)
    try await age()
    let first = try #require(try expectSame())
    #expect(first.described == 12 && first.isWritten && !first.wasThere && first.changes == nil)
    let second = try #require(try expectSame())
    #expect(second.described == 0 && !second.isWritten && second.wasThere && second.changes == nil)
    // No libnetcdf is needed for the headers: they come from the index even where the files cannot be opened any more.
    let index = try #require(try FileIndex(contentsOf: indexPath))
    #expect(index.files.count == 12 && index.bases.count <= 2)
    let kinds = Set(try #require(index.understood.values.first).values.map(\.kind))
    #expect(kinds.count <= 2)
  }

  @Test func otherOptionsNeedNoOtherIndex() async throws {
    try write(0..<6)
    try await age()
    try expectSame()
    var options = ReadOptions(variable: "rainfall_rate", units: "mm h-1", maxGap: 2)
    #expect(try expectSame(FileIndexTests.kept, options)?.described == 0)
    options.relation = ReflectivityRelation(a: 300, b: 1.4)
    #expect(try expectSame(FileIndexTests.kept, options)?.described == 0)
    #expect(throws: RadarError.self) { try read(FileIndexTests.kept, ReadOptions(variable: "no such thing")) }
    #expect(try expectSame()?.described == 0)
  }

  @Test func changedNewAndGoneFilesAreNoticed() async throws {
    try write(0..<8)
    try await age()
    try expectSame()
    try write(3..<4, rain: 7)
    try write(8..<10)
    try FileManager.default.removeItem(atPath: folder.file("f1006.nc"))
    let report = try #require(try expectSame())
    #expect(report.changed == ["f1003.nc"] && report.new == ["f1008.nc", "f1009.nc"] && report.gone == ["f1006.nc"])
    #expect(report.described == 3 && report.recent == 3)
    #expect(report.changes == "1 changed (f1003.nc), 2 new (f1008.nc …), 1 gone (f1006.nc)")
  }

  /// Of the same size and time of modification: only the time of change tells.
  @Test func aChangeBehindTheBackIsNoticed() async throws {
    try write(0..<4)
    try await age()
    try expectSame()
    let path = folder.file("f1002.nc")
    var times = stat()
    stat(path, &times)
    let size = times.st_size
    // Its time becomes that of another frame.
    let other = try Data(contentsOf: URL(fileURLWithPath: folder.file("f1001.nc")))
    let descriptor = open(path, O_WRONLY)
    other.withUnsafeBytes { _ = pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    let kept = [times.st_atim, times.st_mtim]
    futimens(descriptor, kept)
    close(descriptor)
    stat(path, &times)
    try #require(times.st_size == size)
    let report = try #require(try expectSame())
    #expect(report.moved == 1 && report.described == 1 && report.changed.isEmpty)
  }

  /// A change within the clock's step leaves the times as they were; so files as new as that are looked at again.
  @Test func filesThatAreTooNewAreNotTrusted() async throws {
    try write(0..<3)
    let first = try #require(try expectSame())
    #expect(first.recent == 3)
    let second = try #require(try expectSame())
    #expect(second.described == 3 && second.changes == nil)
    try await age()
    #expect(try expectSame()?.described == 3)
    #expect(try expectSame()?.described == 0)
  }

  @Test func aFolderMovesWithItsIndex() async throws {
    try write(0..<5)
    try await age()
    try expectSame()
    let inner = folder.file("elsewhere")
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
    for name in try folder.names() where name != "elsewhere" {
      try FileManager.default.moveItem(atPath: folder.file(name), toPath: inner + "/" + name)
    }
    // What moves by itself gets another time of change; a folder that moves leaves it to its files.
    #expect(try expectSame(at: [inner])?.changed.isEmpty == true)
    try await age()
    #expect(try expectSame(at: [inner])?.described == 5)
    try FileManager.default.moveItem(atPath: inner, toPath: folder.file("again"))
    let report = try #require(try expectSame(at: [folder.file("again")]))
    #expect(report.described == 0 && report.path == folder.file("again/" + FileIndex.fileName))
  }

  @Test func damageAnywhereIsNoticed() async throws {
    try write(0..<4)
    try await age()
    try expectSame()
    let whole = try Data(contentsOf: URL(fileURLWithPath: indexPath))
    let good = try FileIndex(data: whole)
    var noticed = 0
    for place in stride(from: 0, to: whole.count, by: 37) {
      var data = whole
      data[place] ^= UInt8(1 << (place % 8))
      do {
        // Some bytes are of no meaning: unused parts of pages, counters.
        let index = try FileIndex(data: data)
        #expect(index.files == good.files && index.bases == good.bases && index.understood == good.understood)
      } catch is FileIndex.Failure {
        noticed += 1
      }
    }
    #expect(noticed > 20)
    for count in stride(from: 0, to: whole.count - 1, by: 1009) {
      #expect(throws: FileIndex.Failure.self) { try FileIndex(data: whole.prefix(count)) }
    }
  }

  @Test(arguments: [0, 18, 4096, -80])
  func aDamagedIndexIsMadeAgain(at place: Int) async throws {
    try write(0..<4)
    try await age()
    try expectSame()
    var data = try Data(contentsOf: URL(fileURLWithPath: indexPath))
    let start = place < 0 ? data.count + place : place
    for index in start..<start + 64 { data[index] ^= 0x5A }
    try data.write(to: URL(fileURLWithPath: indexPath))
    let unused = try #require(try expectSame(.whereThere))
    #expect(unused.problem == "\(indexPath): the index is damaged; it is not used; 'nowcast index' makes it again.")
    let report = try #require(try expectSame())
    #expect(report.problem == "\(indexPath): the index is damaged; it is made again." && report.isWritten)
    let again = try #require(try expectSame())
    #expect(again.problem == nil && again.described == 0)
  }

  @Test func anIndexOfAnotherVersionIsMadeAgain() async throws {
    try write(0..<3)
    try await age()
    try expectSame()
    var data = try Data(contentsOf: URL(fileURLWithPath: indexPath))
    data[63] ^= 0x7F
    try data.write(to: URL(fileURLWithPath: indexPath))
    let report = try #require(try expectSame())
    #expect(report.problem == "\(indexPath): the index is of another version of nowcast; it is made again.")
    #expect(report.isWritten && report.described == 3)
  }

  @Test func aNamedPlaceThatHoldsSomethingElseIsLeftAlone() async throws {
    try write(0..<2)
    let path = folder.file("notes.txt")
    try Data("not an index".utf8).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: RadarError.self) { try read(.kept(file: path, leastFiles: 1)) }
    #expect(error?.code == .cannotCreate)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "not an index")
  }

  @Test func withoutAPlaceForItReadingGoesOn() async throws {
    try write(0..<3)
    let report = try #require(try expectSame(.kept(file: folder.file("no/such/folder/index"), leastFiles: 1)))
    #expect(!report.isWritten && report.problem?.contains("--index FILE") == true)
  }

  @Test func textsOfItsOwnInEachFileAreRead() async throws {
    try write(0..<12, title: { "frame \(String(repeating: "x", count: $0)) of its own" })
    try await age()
    try expectSame()
    #expect(try expectSame()?.described == 0)
  }

  @Test func someOfTheFilesUseTheIndex() async throws {
    try write(0..<FileIndexing.worthIt + 5)
    try await age()
    try expectSame()
    let paths = (5..<FileIndexing.worthIt + 5).map { folder.file("f\(1000 + $0).nc") }
    let report = try #require(try expectSame(at: paths))
    #expect(report.wasThere && report.described == 0 && !report.isWritten && report.gone.isEmpty)
    #expect(try #require(try FileIndex(contentsOf: indexPath)).files.count == FileIndexing.worthIt + 5)
  }

  @Test func twoAtOnceLeaveOneWholeIndex() async throws {
    try write(0..<20)
    try await age()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask { [path = folder.path] in
          try RadarReader(indexing: FileIndexTests.kept).sequences(at: [path]).sequences.reduce(0) { $0 + $1.count }
        }
      }
      for try await count in group { #expect(count == 20) }
    }
    #expect(try expectSame()?.described == 0)
    #expect(try folder.names().count == 21)
  }
}
