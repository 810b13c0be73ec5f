import Foundation

/// Reads the frames of one file as the file packs them.
protocol PackedFrames: Sendable {
  /// Reads one frame, in the order in which the file stores its pixels.
  ///
  /// - Parameter buffer: memory of an earlier frame, used again if it fits.
  /// - Throws: ``RadarError`` when the file cannot be read, or is no longer what it was.
  func read(_ frame: Int, into buffer: inout RawValues?) throws
}

/// The frames of a variable of a NetCDF file.
struct NetCDFFrames: PackedFrames {
  private let path: String
  private let variable: NetCDFFile.Variable
  private let time: NetCDFFile.Dimension?
  /// The member of an ensemble that is read.
  private let member: (dimension: NetCDFFile.Dimension, index: Int)?
  private let open: OpenFiles

  /// Remembers where the frames are.
  ///
  /// - Throws: ``RadarError`` when the one frame of a file cannot be read.
  init(
    _ file: NetCDFFile, variable: NetCDFFile.Variable, time: NetCDFFile.Dimension?,
    member: (dimension: NetCDFFile.Dimension, index: Int)? = nil, open: OpenFiles
  ) throws {
    path = file.path
    self.variable = variable
    self.time = time
    self.member = member
    self.open = open
    // What was read early is found by its file's name, which members share.
    let isSingle = member == nil && time.map { $0.length == 1 } ?? true
    let bytes = try file.checkedByteCount(of: variable, type: variable.type ?? .byte)
    if isSingle, let type = variable.type, let room = open.earlyMemory(type: type, byteCount: bytes) {
      var values: RawValues? = room
      try file.readValues(of: variable, at: 0, along: time, into: &values)
      open.keep(room, of: path)
    }
  }

  func read(_ frame: Int, into buffer: inout RawValues?) throws {
    if member == nil, let early = open.take(path) {
      buffer = early
      return
    }
    let file = try open.file(at: path) { try $0.prepareFrames(of: variable, along: time) }
    guard let found = file.variable(variable.fullName), found.type == variable.type, found.shape == variable.shape
    else {
      throw RadarError(
        .unusable, "the file is no longer what it was when its header was read. Let its writer finish, and try again.",
        path: path, variable: variable.fullName)
    }
    try file.readValues(of: found, at: frame, along: time, member: member, into: &buffer)
  }
}

/// The files that are open while their frames are read, and frames that were read with the header.
///
/// To open a file takes half as long as to read a frame from it. So while there are few files, their single frames are
/// read with the header; of many, only the header is.
///
/// `@unchecked Sendable`: everything goes through the lock.
final class OpenFiles: @unchecked Sendable {
  /// Files that are read keep their chunks in memory.
  private static let mostFiles = 4
  private let lock = NSLock()
  /// The latest last.
  private var files: [NetCDFFile] = []
  private var early: [String: RawValues] = [:]
  private let memory = EarlyMemory()

  /// Memory for a frame that is read with its header; `nil` when no more may be.
  func earlyMemory(type: NetCDFType, byteCount: Int) -> RawValues? {
    lock.withLock { RawValues(type: type, byteCount: byteCount, in: memory) }
  }

  /// Keeps a frame that was read with its header.
  func keep(_ frame: RawValues, of path: String) {
    lock.withLock {
      early[path] = frame
    }
  }

  /// Gives away the frame that was read with its header.
  func take(_ path: String) -> RawValues? { lock.withLock { early.removeValue(forKey: path) } }

  /// The file, opened if it must be; `prepare` is called before the first frame is read from it.
  func file(at path: String, prepare: (NetCDFFile) throws -> Void) throws -> NetCDFFile {
    let known = lock.withLock { () -> NetCDFFile? in
      guard let place = files.firstIndex(where: { $0.path == path }) else { return nil }
      files.append(files.remove(at: place))
      return files.last
    }
    if let known { return known }
    let file = try NetCDFFile(path: path)
    try prepare(file)
    lock.withLock {
      files.append(file)
      if files.count > OpenFiles.mostFiles { files.removeFirst() }
    }
    return file
  }
}

/// One piece of memory for all frames that are read with their headers: page by page it would cost as much time as to
/// open the files again.
final class EarlyMemory {
  /// Only what is used is taken from the system.
  private static let byteCount = 96 << 20
  private static let alignment = 2 << 20

  private var start: UnsafeMutableRawPointer?
  private var used = 0

  deinit { start?.deallocate() }

  /// The next part; `nil` when it does not fit any more.
  func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes > 0, bytes <= EarlyMemory.byteCount - used else { return nil }
    if start == nil {
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: EarlyMemory.byteCount, alignment: EarlyMemory.alignment)
      #if os(Linux)
        madvise(memory, EarlyMemory.byteCount, MADV_HUGEPAGE)
      #endif
      start = memory
    }
    defer { used += (bytes + 63) / 64 * 64 }
    return start.map { $0 + used }
  }
}
