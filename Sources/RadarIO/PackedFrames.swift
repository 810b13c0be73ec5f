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
  let path: String
  let variable: NetCDFFile.Variable
  let time: NetCDFFile.Dimension?
  let open: OpenFiles

  /// Whether the file holds no other frame.
  private var isSingle: Bool { time.map { $0.length == 1 } ?? true }

  /// Remembers where the frames are; the file stays open for a while.
  init(_ file: NetCDFFile, variable: NetCDFFile.Variable, time: NetCDFFile.Dimension?, open: OpenFiles) {
    path = file.path
    self.variable = variable
    self.time = time
    self.open = open
    open.keep(file)
  }

  func read(_ frame: Int, into buffer: inout RawValues?) throws {
    let file = try open.file(at: path) { try $0.prepareFrames(of: variable, along: time) }
    guard let found = file.variable(variable.fullName), found.type == variable.type, found.shape == variable.shape
    else {
      throw RadarError(
        .unusable, "the file is no longer what it was when its header was read. Let its writer finish, and try again.",
        path: path, variable: variable.fullName)
    }
    try file.readValues(of: found, at: frame, along: time, into: &buffer)
    if isSingle { open.close(path) }
  }
}

/// Files that are open, so that reading the header and then the frames opens a file once where there are few of them.
///
/// `@unchecked Sendable`: everything goes through the lock.
final class OpenFiles: @unchecked Sendable {
  /// Far below the usual limit of 1024 files a process may have open; only headers are in memory.
  private static let mostUnread = 128
  /// Files that are read keep their chunks in memory.
  private static let mostRead = 4

  private let lock = NSLock()
  private var unread: [String: NetCDFFile] = [:]
  /// The files that are read, the latest last.
  private var read: [NetCDFFile] = []

  /// Keeps a file whose header was read, if there are not too many yet.
  func keep(_ file: NetCDFFile) {
    lock.withLock { if unread.count < OpenFiles.mostUnread { unread[file.path] = file } }
  }

  /// The file, opened again if it must be; `prepare` is called before the first frame is read from it.
  func file(at path: String, prepare: (NetCDFFile) throws -> Void) throws -> NetCDFFile {
    let known = lock.withLock { () -> NetCDFFile? in
      guard let place = read.firstIndex(where: { $0.path == path }) else { return nil }
      read.append(read.remove(at: place))
      return read.last
    }
    if let known { return known }
    let file = try lock.withLock({ unread.removeValue(forKey: path) }) ?? NetCDFFile(path: path)
    try prepare(file)
    lock.withLock {
      read.append(file)
      if read.count > OpenFiles.mostRead { read.removeFirst() }
    }
    return file
  }

  /// Closes a file that is not needed any more.
  func close(_ path: String) {
    lock.withLock { read.removeAll { $0.path == path } }
  }
}
