import CNetCDF
import CRadarShim
import Foundation

/// The processes that read files for this one: two, so that one can read ahead while what the other read is made use of.
///
/// libnetcdf and libhdf5 read beyond their buffers on some damaged files, go round in circles on others, or ask for memory
/// without end. There they end a process that holds nothing else, and the file is refused with a sentence like any other
/// that cannot be used.
///
/// `@unchecked Sendable`: one request at a time, behind the lock.
final class ReadingProcess: @unchecked Sendable {
  /// The ones of this process, started before this process uses libnetcdf.
  static let shared = ReadingProcess()

  /// What can be asked for.
  enum Request: Equatable, Sendable {
    /// What is in a file: images if it has the marks of ODIM_H5 or KNMI, else what it has as NetCDF.
    case content(path: String)
    /// What is in a file as NetCDF, whatever marks it has.
    case netCDF(path: String)
    /// All values of an image as numbers of a type.
    case image(path: String, name: String, type: NetCDFType, byteCount: Int)
    /// The values of a variable of that type and shape from `starts` on, `counts` of them.
    case values(
      path: String, name: String, type: NetCDFType, shape: [Int], starts: [Int], counts: [Int], byteCount: Int)

    var path: String {
      switch self {
      case .content(let path), .netCDF(let path), .image(let path, _, _, _), .values(let path, _, _, _, _, _, _): path
      }
    }

    fileprivate var name: String? {
      switch self {
      case .content, .netCDF: nil
      case .image(_, let name, _, _), .values(_, let name, _, _, _, _, _): name
      }
    }

    fileprivate var byteCount: Int {
      switch self {
      case .content, .netCDF: 0
      case .image(_, _, _, let count), .values(_, _, _, _, _, _, let count): count
      }
    }
  }

  /// What is in a file.
  enum Content {
    /// The groups of a file with the marks of ODIM_H5 or KNMI.
    case images(HDF5Group)
    case netCDF(NetCDFFile)

    /// Understands a description; `nil` when it is not as it should be.
    init?(path: String, byteCount: Int, isNetCDF: Bool, _ bytes: UnsafeRawBufferPointer) {
      if isNetCDF {
        guard let file = ReadingProcess.file(path, byteCount, bytes) else { return nil }
        self = .netCDF(file)
      } else {
        var description = HDF5Description(bytes, of: HDF5FileName(path: path, byteCount: byteCount))
        guard let root = description.root() else { return nil }
        self = .images(root)
      }
    }
  }

  private struct Worker {
    var reader = radar_reader()
    /// What was asked for, and not waited for yet.
    var pending: Request?
  }

  private let lock = NSLock()
  private var workers: [Worker] = []

  /// Starts the processes, so that nothing this process will have open in libhdf5 is copied to them.
  func start() throws { try lock.withLock { try startIfNeeded() } }

  /// Tells what is in a file.
  ///
  /// - Parameters:
  ///   - next: the file that will be asked for next, which is looked at meanwhile.
  ///   - keep: given the description, once it is known to be whole.
  /// - Throws: ``RadarError`` `notFound` when it is not there or may not be read, `unusable` when it is of another kind or
  ///   damaged, `internalError` without a process.
  func describe(
    path: String, next: String? = nil, keep: (_ isNetCDF: Bool, UnsafeRawBufferPointer) -> Void = { _, _ in }
  ) throws -> Content {
    try describe(.content(path: path), ahead: next.map { .content(path: $0) }) { isNetCDF, bytes, byteCount in
      let content = Content(path: path, byteCount: byteCount, isNetCDF: isNetCDF, bytes)
      if content != nil { keep(isNetCDF, bytes) }
      return content
    }
  }

  /// Tells what is in a file as NetCDF, whatever marks of other formats it has.
  ///
  /// - Throws: as ``describe(path:next:)`` does.
  func describeNetCDF(path: String) throws -> NetCDFFile {
    try describe(.netCDF(path: path), ahead: nil) { _, bytes, byteCount in
      ReadingProcess.file(path, byteCount, bytes)
    }
  }

  private static func file(_ path: String, _ byteCount: Int, _ bytes: UnsafeRawBufferPointer) -> NetCDFFile? {
    var description = NetCDFDescription(bytes)
    return description.allGroups().map { NetCDFFile(path: path, byteCount: byteCount, groups: $0) }
  }

  private func describe<R>(
    _ request: Request, ahead: Request?, take: (_ isNetCDF: Bool, UnsafeRawBufferPointer, _ byteCount: Int) -> R?
  ) throws -> R {
    let probe = try FileProbe.readableFile(at: request.path)
    var attempts = 0
    while true {
      attempts += 1
      let (response, found) = try perform(request, ahead: ahead) { outcome, bytes in
        outcome == RADAR_DONE || outcome == RADAR_DONE_NETCDF
          ? take(outcome == RADAR_DONE_NETCDF, bytes, probe.byteCount) : nil
      }
      if let found { return found }
      // A writer that is about to finish is worth a moment of waiting.
      let isLocked =
        probe.kind == .hdf5 && response.outcome == RADAR_NOT_OPENED && FileProbe.isLocked(path: request.path)
      guard isLocked, attempts < 3 else { throw ReadingProcess.error(response, request) }
      usleep(50_000)
    }
  }

  /// Hands values to `body`, in the machine's byte order.
  ///
  /// - Parameter ahead: what will be asked for next, which is read meanwhile.
  /// - Throws: ``RadarError`` `unusable` when they cannot be read, `internalError` without a process; what `body` throws.
  func values<R>(_ request: Request, ahead: Request? = nil, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let (response, result) = try perform(request, ahead: ahead) { try $0 == RADAR_DONE ? body($1) : nil }
    guard let result else { throw ReadingProcess.error(response, request) }
    return result
  }

  /// Closes the files that are kept open for more to be read from them: what is open no writer may replace.
  func closeFiles() {
    lock.withLock {
      for index in workers.indices {
        settle(index)
        radar_reader_close_files(&workers[index].reader)
        wait(index)
      }
    }
  }

  deinit { for index in workers.indices { radar_reader_stop(&workers[index].reader) } }

  /// The first process, for tests that end it.
  var process: Int32? { lock.withLock { workers.isEmpty ? nil : radar_reader_process(&workers[0].reader) } }

  // MARK: Requests

  private func perform<R>(
    _ request: Request, ahead: Request?, take: (radar_status, UnsafeRawBufferPointer) throws -> R?
  ) throws -> (radar_response, R?) {
    try check(request)
    // What cannot be asked for is complained about when it is.
    let ahead = ahead.flatMap { (try? check($0)) == nil ? nil : $0 }
    return try lock.withLock {
      try startIfNeeded()
      let asked = workers.firstIndex { $0.pending == request }
      let index =
        asked ?? workers.firstIndex { $0.pending?.path == request.path } ?? workers.firstIndex { $0.pending == nil }
        ?? 0
      if asked == nil {
        settle(index)
        send(request, index)
      }
      // What is open in one process, and its inflated chunks, is not to be opened in the other as well.
      let isElsewhere = ahead.map { $0.path != request.path } ?? false
      if let ahead, isElsewhere, let other = workers.indices.first(where: { $0 != index }),
        workers[other].pending != ahead
      {
        settle(other)
        send(ahead, other)
      }
      let response = wait(index)
      let bytes = UnsafeRawBufferPointer(
        start: radar_reader_data(&workers[index].reader), count: Int(response.byte_count))
      let result = try take(response.outcome, bytes)
      if let ahead, !isElsewhere { send(ahead, index) }
      return (response, result)
    }
  }

  private func check(_ request: Request) throws {
    let longest = Int(radar_longest_path)
    guard request.path.utf8.count < longest else {
      throw RadarError(.notFound, "its path is too long.", path: request.path)
    }
    let name = request.name ?? ""
    func unusable(_ message: String) -> RadarError {
      RadarError(.unusable, message, path: request.path, variable: String(name.prefix(100)))
    }
    guard name.utf8.count < longest else { throw unusable("its name is too long.") }
    if case .values(_, _, _, let shape, _, _, _) = request, shape.count > Int(radar_largest_rank) {
      throw unusable("it has \(shape.count) dimensions, and \(radar_largest_rank) are the most that are read.")
    }
    guard request.byteCount <= Int(radar_reader_room()) else {
      let most = radar_reader_room() >> 20
      throw unusable("\(request.byteCount >> 20) MB are more than can be read at once, \(most) MB.")
    }
  }

  private func send(_ request: Request, _ index: Int) {
    workers[index].pending = request
    switch request {
    case .content(let path): radar_reader_describe(&workers[index].reader, path, false)
    case .netCDF(let path): radar_reader_describe(&workers[index].reader, path, true)
    case .image(let path, let name, let type, let byteCount):
      radar_reader_image(&workers[index].reader, path, name, type.rawValue, UInt64(byteCount))
    case .values(let path, let name, let type, let shape, let starts, let counts, let byteCount):
      radar_reader_values(
        &workers[index].reader, path, name, type.rawValue, Int32(shape.count), shape.map(Int64.init),
        starts.map(Int64.init), counts.map(Int64.init), UInt64(byteCount))
    }
  }

  /// Waits for what was read ahead and is not wanted after all.
  private func settle(_ index: Int) { if workers[index].pending != nil { wait(index) } }

  @discardableResult private func wait(_ index: Int) -> radar_response {
    workers[index].pending = nil
    return radar_reader_wait(&workers[index].reader)
  }

  private func startIfNeeded() throws {
    guard workers.isEmpty else { return }
    var started: [Worker] = []
    for _ in 0..<2 {
      var worker = Worker()
      guard radar_reader_start(&worker.reader) else {
        let reason = String(cString: strerror(errno))
        for index in started.indices { radar_reader_stop(&started[index].reader) }
        throw RadarError(.internalError, "the process that reads files cannot be started (\(reason)).")
      }
      started.append(worker)
    }
    workers = started
  }

  private static func error(_ response: radar_response, _ request: Request) -> RadarError {
    let damaged = "the file looks truncated or damaged"
    let words = response.detail == NC_NOERR ? "" : " (\(NetCDFLibrary.words(for: response.detail)))"
    let message =
      switch response.outcome {
      case RADAR_NOT_OPENED:
        "it begins like NetCDF or HDF5 but cannot be opened\(words): \(damaged), or is still being written. Copy or "
          + "produce it again."
      case RADAR_TOO_MUCH: "it has more groups and attributes than any radar file."
      case RADAR_MANY_GROUPS: "it has more than 1000 groups, as no radar file has."
      case RADAR_CHANGED:
        "the file is no longer what it was when its header was read. Let its writer finish, and try again."
      case RADAR_ELSEWHERE: "its values are not in this file but in another one, which is not followed."
      case RADAR_HUGE_CHUNKS: "its chunks are larger than the file can fill: the file looks damaged."
      case RADAR_DIED:
        "the library that reads it broke down, or took too long or too much memory: the file looks damaged. Copy or "
          + "produce it again."
      default:
        response.detail == NC_ENOFILTER || response.detail == NC_EFILTER
          ? "its values went through a filter that is not installed here\(words), or are damaged. Install the filter "
            + "(HDF5_PLUGIN_PATH), or copy the file without it, as by nccopy -F none."
          : "reading failed\(words): \(damaged). Copy or produce it again."
      }
    return RadarError(.unusable, message, path: request.path, variable: request.name)
  }
}

extension radar_response {
  fileprivate var outcome: radar_status { radar_status(UInt32(status)) }
}
