import Foundation

/// Files that appear whole or not at all.
///
/// The content goes to a temporary file in the same folder, is forced to the disk and only then gets its name. A crash,
/// a full disk or a power cut leaves either the old file or the new one, never half of one.
public enum AtomicOutput {
  /// Writes a file as a whole.
  ///
  /// - Parameters:
  ///   - data: its content.
  ///   - path: its name.
  ///   - overwrite: whether a file that is there may go.
  ///   - earlier: a name in the same folder for the file that is there, which otherwise goes. It is given once the new file
  ///     is whole.
  /// - Throws: ``RadarError`` `cannotCreate` when the file exists and `overwrite` is false, or the folder is missing
  ///   or not writable; `writeFailed` when the disk is full or fails.
  public static func write(_ data: Data, to path: String, overwrite: Bool, keepingAs earlier: String? = nil) throws {
    try data.withUnsafeBytes { bytes in
      try replace(path, overwrite: overwrite, keepingAs: earlier) { try writeAll(bytes, to: $0, path: path) }
    }
  }

  /// Removes what a process that was killed while it wrote has left in a folder. Nobody else may be writing there.
  public static func removeLeftovers(in folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where isLeftover(name) { unlink(folder + "/" + name) }
  }

  /// Whether a file of that name is one that was never finished.
  public static func isLeftover(_ name: String) -> Bool {
    name.hasPrefix(leftover.prefix) && name.hasSuffix(leftover.suffix)
  }

  fileprivate static let leftover = (prefix: ".nowcast-", suffix: ".partial")

  /// Writes a file as a whole, as ``write(_:to:overwrite:keepingAs:)``.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String, overwrite: Bool) throws {
    try replace(path, overwrite: overwrite) { try writeAll(bytes, to: $0, path: path) }
  }

  /// Tells before a long computation what ``write(_:to:overwrite:keepingAs:)`` would only tell after it.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` when the file exists and `overwrite` is false, is no ordinary file, or
  ///   its folder is missing or not writable.
  public static func check(_ path: String, overwrite: Bool) throws {
    let target = try Target(path, overwrite: overwrite)
    guard access(target.folder, W_OK | X_OK) == 0 else { throw target.creationError(errno) }
  }

  /// Creates the temporary file, calls `body` with it, syncs it and gives it its name.
  static func replace(
    _ path: String, overwrite: Bool, keepingAs earlier: String? = nil, _ body: (_ descriptor: Int32) throws -> Void
  ) throws {
    let target = try Target(path, overwrite: overwrite)
    let (descriptor, temporary) = try target.createTemporaryFile()
    var isInPlace = false
    defer {
      close(descriptor)
      if !isInPlace { unlink(temporary) }
    }
    try body(descriptor)
    try sync(temporary, path: path)
    if let earlier, rename(target.resolved, earlier) != 0 && errno != ENOENT { throw target.creationError(errno) }
    try target.give(temporary, overwrite: overwrite)
    isInPlace = true
    try sync(target.folder, path: path)
  }

  /// Writes all bytes, however many calls that takes.
  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
    var done = 0
    while done < bytes.count {
      let written = Foundation.write(descriptor, bytes.baseAddress.map { $0 + done }, min(bytes.count - done, 1 << 30))
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw writeError(written < 0 ? errno : EIO, path: path) }
      done += written
    }
  }

  /// Forces a file, or a folder's list of names, to the disk.
  private static func sync(_ name: String, path: String) throws {
    let descriptor = open(name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw writeError(errno, path: path) }
    defer { close(descriptor) }
    // Some file systems have nothing to sync in a folder and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw writeError(errno, path: path) }
  }

  fileprivate static func writeError(_ number: Int32, path: String) -> RadarError {
    RadarError(
      .writeFailed, "the file could not be written (\(reason(number))); choose a place that has room and works.",
      path: path
    )
  }

  fileprivate static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

/// Where an output goes: the path behind any symbolic link, its folder, and the permissions to keep.
private struct Target {
  let path: String
  let resolved: String
  let folder: String
  let permissions: mode_t?

  init(_ path: String, overwrite: Bool) throws {
    self.path = path
    var status = stat()
    if stat(path, &status) == 0 {
      // Renaming over a device such as /dev/null would remove the device.
      guard status.st_mode & S_IFMT == S_IFREG else {
        let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not an ordinary file"
        throw RadarError(.cannotCreate, "this is \(kind), not a file that could be written.", path: path)
      }
      guard overwrite else { throw Target.existsError(path) }
      resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      permissions = status.st_mode & 0o7777
    } else {
      resolved = path
      permissions = nil
    }
    guard !path.isEmpty, !path.hasSuffix("/") else {
      throw RadarError(.cannotCreate, "the output needs a file name.", path: path)
    }
    var parent = "."
    if let cut = resolved.lastIndex(of: "/") {
      parent = cut == resolved.startIndex ? "/" : String(resolved[..<cut])
    }
    folder = parent
    guard stat(parent, &status) == 0 else {
      throw RadarError(
        .cannotCreate, "the folder \(parent) is not there (\(AtomicOutput.reason(errno))); make it first.", path: path)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw RadarError(.cannotCreate, "\(parent) is not a folder.", path: path)
    }
  }

  /// Makes an empty file with a name of its own in the folder of the target.
  func createTemporaryFile() throws -> (descriptor: Int32, path: String) {
    while true {
      // Short whatever the target's name is, so that it fits wherever the target fits.
      let number = String(UInt64.random(in: 0 ... .max), radix: 36)
      let name = AtomicOutput.leftover.prefix + number + AtomicOutput.leftover.suffix
      let temporary = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
      let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        if let permissions { fchmod(descriptor, permissions) }
        return (descriptor, temporary)
      }
      if errno != EEXIST && errno != EINTR { throw creationError(errno) }
    }
  }

  /// Gives the temporary file its name.
  func give(_ temporary: String, overwrite: Bool) throws {
    if !overwrite {
      // A hard link, unlike a rename, fails when another process made the file in the meantime.
      if link(temporary, resolved) == 0 {
        unlink(temporary)
        return
      }
      if errno == EEXIST { throw Target.existsError(path) }
      // Not every file system has hard links; there the check made at the start has to do.
    }
    guard rename(temporary, resolved) == 0 else { throw creationError(errno) }
  }

  func creationError(_ number: Int32) -> RadarError {
    if [ENOSPC, EDQUOT, EIO].contains(number) { return AtomicOutput.writeError(number, path: path) }
    return RadarError(
      .cannotCreate, "the file cannot be created in the folder \(folder) (\(AtomicOutput.reason(number))).", path: path)
  }

  static func existsError(_ path: String) -> RadarError {
    RadarError(
      .cannotCreate, "the file exists; choose another name, or allow replacing it with --overwrite.", path: path)
  }
}
