import Foundation

/// How a file looks from outside: as long as this stays the same, so does its content.
public struct FileSignature: Sendable, Hashable {
  private let device: UInt64
  private let number: UInt64
  /// Bytes.
  public let size: Int
  let modified: Int
  let changed: Int

  /// Looks at a file, through symbolic links; `nil` when there is none that is regular.
  public init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(_ status: stat) {
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
    size = Int(status.st_size)
    #if canImport(Darwin)
      let (modification, change) = (status.st_mtimespec, status.st_ctimespec)
    #else
      let (modification, change) = (status.st_mtim, status.st_ctim)
    #endif
    modified = Int(modification.tv_sec) * 1_000_000_000 + Int(modification.tv_nsec)
    changed = Int(change.tv_sec) * 1_000_000_000 + Int(change.tv_nsec)
  }

  /// When its content, its name or its permissions last changed, in seconds since 1970-01-01 00:00:00 UTC by the clock of
  /// the machine that has the file.
  public var changeTime: Double { Double(max(modified, changed)) / 1e9 }
}

/// The files in a folder and all folders below it.
public struct FolderListing: Sendable {
  /// The regular files by path; hidden ones are left out.
  public private(set) var files: [String: FileSignature] = [:]
  /// The folder and those below it.
  public private(set) var folders: [String]

  /// Looks at a folder. Paths begin with its own.
  ///
  /// - Throws: ``RadarError`` `notFound` when it is not there or cannot be read.
  public init(of folder: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw RadarError(.notFound, "there is no such folder.", path: folder)
    }
    folders = [folder]
    var files: [String: FileSignature] = [:]
    var folders = folders
    try FileSearch.visit(folder, found: { folders.append($0) }) { path, status, _ in
      files[path] = FileSignature(status)
    }
    (self.files, self.folders) = (files, folders)
  }
}

/// The global attributes of a NetCDF file that are text.
public struct FileAttributes: Sendable {
  /// The file.
  public let path: String
  private let texts: [String: String]

  /// Reads the header of a file.
  ///
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  public init(contentsOf path: String) throws {
    self.path = path
    defer { ReadingProcess.shared.closeFiles() }
    let attributes = try NetCDFFile.open(path: path).attributes
    texts = Dictionary(
      attributes.compactMap { attribute in attribute.text.map { (attribute.name, $0) } },
      uniquingKeysWith: { first, _ in first })
  }

  /// An attribute; `nil` when there is none or it is no text.
  public subscript(name: String) -> String? { texts[name] }
}
