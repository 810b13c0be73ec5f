import Foundation

/// What kind of file a path names, found without libnetcdf: it takes paths for addresses at times, and says little.
struct FileProbe {
  enum Kind {
    case classic
    case hdf5
    case other
  }

  var kind: Kind
  var byteCount: Int

  /// Looks at the first bytes of a regular file.
  ///
  /// - Throws: ``RadarError`` `notFound` when there is no such file or it may not be read.
  init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR: throw RadarError(.notFound, "there is no such file or folder.", path: path)
      case EACCES, EPERM:
        throw RadarError(.notFound, "it may not be read: permission denied. Check its permissions.", path: path)
      default: throw RadarError(.notFound, "it cannot be read: \(String(cString: strerror(errno))).", path: path)
      }
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw RadarError(.notFound, "it is neither a regular file nor a folder.", path: path)
    }
    byteCount = Int(status.st_size)
    kind = FileProbe.kind(of: descriptor, byteCount: byteCount)
  }

  /// A regular file that begins like NetCDF and is as long as its header says.
  ///
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  static func readableFile(at path: String) throws -> FileProbe {
    let probe = try FileProbe(path: path)
    switch probe.kind {
    case .hdf5: break
    case .classic:
      // libnetcdf gives zeros, which is "no rain", for what is missing at the end of a classic file.
      guard let needed = ClassicHeader.requiredByteCount(path: path), needed <= probe.byteCount else {
        throw RadarError(
          .unusable, "the file is shorter than its header says: it looks truncated. Copy or produce it again.",
          path: path)
      }
    case .other:
      throw RadarError(
        .unusable,
        probe.byteCount == 0
          ? "the file is empty."
          : "this is neither a NetCDF nor an HDF5 file. Radar frames are read from NetCDF, ODIM_H5 and KNMI HDF5.",
        path: path)
    }
    return probe
  }

  /// Whether someone writes the file at this moment, as libhdf5 tells others by a lock.
  static func isLocked(path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }

  private static func kind(of descriptor: Int32, byteCount: Int) -> Kind {
    var magic = [UInt8](repeating: 0, count: 8)
    guard pread(descriptor, &magic, 8, 0) >= 4 else { return .other }
    if magic.starts(with: Array("CDF".utf8)), [1, 2, 5].contains(magic[3]) { return .classic }
    // HDF5 allows a user block before its signature, of 512 bytes or a power of two more.
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    var offset = 0
    while offset + 8 <= byteCount, offset <= 8192 {
      if pread(descriptor, &magic, 8, off_t(offset)) == 8, magic == signature { return .hdf5 }
      offset = offset == 0 ? 512 : offset * 2
    }
    return .other
  }
}
