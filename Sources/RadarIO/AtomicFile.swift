import Foundation

/// Files that appear whole or not at all.
enum AtomicFile {
  /// Checks, before any work is done, that a file can be put at a path.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` when it exists and may not be replaced, or its folder is not there or not writable.
  static func check(path: String, overwrite: Bool) throws {
    var status = stat()
    if lstat(path, &status) == 0 {
      if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        throw RadarError(.cannotCreate, "this is a folder; name a file to write to.", path: path)
      }
      guard overwrite else {
        throw RadarError(.cannotCreate, "it exists already. Use --overwrite to replace it.", path: path)
      }
    }
    let folder = folder(of: path)
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw RadarError(.cannotCreate, "the folder \(folder) is not there. Create it first.", path: path)
    }
    guard access(folder, W_OK | X_OK) == 0 else {
      throw RadarError(.cannotCreate, "the folder \(folder) is not writable: check its permissions.", path: path)
    }
  }

  /// Writes the bytes to a temporary file in the same folder, brings it to the disk and gives it its name.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`; nothing is left behind then.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String, overwrite: Bool) throws {
    try check(path: path, overwrite: overwrite)
    // The name begins with a dot so that a search of the folder meanwhile passes it over.
    let name = URL(fileURLWithPath: path).lastPathComponent
    let temporary = "\(folder(of: path))/.\(name.prefix(180)).\(getpid())-\(UInt32.random(in: 0...UInt32.max)).part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw RadarError(.cannotCreate, "it cannot be created: \(words(errno)).", path: path)
    }
    var isOpen = true
    do {
      try writeAll(bytes, to: descriptor, path: path)
      guard fsync(descriptor) == 0 else { throw failure(errno, path) }
      isOpen = false
      guard close(descriptor) == 0 else { throw failure(errno, path) }
      // Once more: somebody else may have written it meanwhile.
      try check(path: path, overwrite: overwrite)
      guard rename(temporary, path) == 0 else { throw failure(errno, path) }
    } catch {
      if isOpen { close(descriptor) }
      unlink(temporary)
      throw error
    }
    syncFolder(of: path)
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let written = Foundation.write(descriptor, part.baseAddress, min(part.count, 1 << 30))
      if written < 0 {
        if errno == EINTR { continue }
        throw failure(errno, path)
      }
      rest = rest.dropFirst(written)
    }
  }

  private static func failure(_ code: Int32, _ path: String) -> RadarError {
    switch code {
    case ENOSPC, EDQUOT:
      RadarError(
        .writeFailed, "writing failed: the disk is full. Nothing was left behind; free some space.", path: path)
    default: RadarError(.writeFailed, "writing failed: \(words(code)). Nothing was left behind.", path: path)
    }
  }

  private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes the new name last through a crash. Some file systems cannot sync a folder; the file itself is safe then too.
  private static func syncFolder(of path: String) {
    let descriptor = open(folder(of: path), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}
