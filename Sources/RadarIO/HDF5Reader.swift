import CRadarShim
import Foundation

/// The process that reads HDF5 files for this one.
///
/// libhdf5 reads beyond its buffers on some damaged files. There it ends a process that holds nothing else, and the file
/// is refused with a sentence like any other that cannot be used.
///
/// `@unchecked Sendable`: one request at a time, behind the lock.
final class HDF5Reader: @unchecked Sendable {
  /// The one of this process, started when first needed.
  static let shared = HDF5Reader()

  private let lock = NSLock()
  private var reader: radar_hdf5_reader?

  /// What is in a file; `nil` for an HDF5 file without the groups that radar formats have.
  ///
  /// - Throws: ``RadarError`` `unusable` when it cannot be read, `internalError` without a process.
  func describe(path: String, byteCount: Int) throws -> HDF5Group? {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var status = try request { radar_hdf5_describe(&$0, path, &bytes, &count) }
    // A writer that is about to finish is worth a moment of waiting, as HDF5 locks what it reads.
    for _ in 0..<2 where status == RADAR_HDF5_NOT_OPENED {
      usleep(50_000)
      status = try request { radar_hdf5_describe(&$0, path, &bytes, &count) }
    }
    defer { free(bytes) }
    if status == RADAR_HDF5_OTHER_KIND { return nil }
    guard status == RADAR_HDF5_DONE else { throw HDF5Reader.error(status, path: path) }
    let file = HDF5FileName(path: path, byteCount: byteCount)
    var description = HDF5Description(UnsafeRawBufferPointer(start: bytes, count: count), of: file)
    guard let root = description.root() else { throw HDF5Reader.error(RADAR_HDF5_DIED, path: path) }
    return root
  }

  /// Reads all values of a data set.
  ///
  /// - Throws: ``RadarError`` `unusable` when they cannot be read, `internalError` without a process.
  func read(_ dataset: HDF5Dataset, into values: RawValues) throws {
    let path = dataset.file.path
    let status = try request {
      radar_hdf5_values(&$0, path, dataset.path, values.type.rawValue, values.pointer, values.byteCount)
    }
    guard status == RADAR_HDF5_DONE else { throw HDF5Reader.error(status, path: path, variable: dataset.path) }
  }

  /// Asks, and once more in a new process when the first is gone: an earlier file may have damaged it.
  private func request(_ body: (inout radar_hdf5_reader) -> radar_hdf5_status) throws -> radar_hdf5_status {
    lock.lock()
    defer { lock.unlock() }
    while true {
      let isNew = reader == nil
      var current = try reader ?? start()
      reader = current
      let status = body(&current)
      if status != RADAR_HDF5_DIED { return status }
      stop()
      if isNew { return status }
    }
  }

  private func start() throws -> radar_hdf5_reader {
    var started = radar_hdf5_reader()
    // No other thread may be inside libhdf5 while the process is copied.
    guard NetCDFLibrary.call({ radar_hdf5_start(&started) }) else {
      throw RadarError(
        .internalError, "the process that reads HDF5 files cannot be started (\(String(cString: strerror(errno)))).")
    }
    return started
  }

  private func stop() {
    guard var current = reader else { return }
    radar_hdf5_stop(&current)
    reader = nil
  }

  deinit { stop() }

  /// The process, for tests that end it.
  var process: Int32? { lock.withLock { reader?.process } }

  private static func error(_ status: radar_hdf5_status, path: String, variable: String? = nil) -> RadarError {
    let message =
      switch status {
      case RADAR_HDF5_NOT_OPENED:
        "it begins like HDF5 or NetCDF-4 but cannot be opened: the file looks truncated or damaged, or is still being "
          + "written. Copy or produce it again."
      case RADAR_HDF5_TOO_MUCH: "it has more groups and attributes than any radar file."
      case RADAR_HDF5_DIED:
        "the HDF5 library broke down on it: the file looks damaged. Copy or produce it again."
      default: "reading failed: the file looks truncated or damaged. Copy or produce it again."
      }
    return RadarError(.unusable, message, path: path, variable: variable)
  }
}
