import Foundation

/// A file that a search found.
struct FoundFile {
  let path: String
  /// The folder in whose search it was found, or that it is in where it was named itself.
  let folder: String
  /// The path below ``folder``.
  let relativePath: String
  /// How it looked then; `nil` when it is no regular file or not there.
  let signature: FileSignature?

  init(path: String, folder: String, signature: FileSignature?) {
    (self.path, self.folder, self.signature) = (path, folder, signature)
    let start = folder.isEmpty || folder.hasSuffix("/") ? folder.utf8.count : folder.utf8.count + 1
    relativePath = String(decoding: path.utf8.dropFirst(start), as: UTF8.self)
  }
}

/// Finds the NetCDF files that paths name.
enum FileSearch {
  /// The files, in the order of the paths and of their names within a folder, each once.
  ///
  /// A file that is named is always taken, so that it is an error if it cannot be read. In a folder (searched with all
  /// below it) only regular files that begin like NetCDF are; hidden ones are not.
  ///
  /// - Parameters:
  ///   - failed: told about paths that are not there and folders without files; when `nil`, the first ends the search.
  ///   - isKnown: whether a file in a folder is known to begin like NetCDF, so that it need not be opened.
  /// - Throws: ``RadarError`` `notFound` for a path that is not there, and for a folder without NetCDF files.
  static func files(
    at paths: [String], failed: ((RadarError) -> Void)? = nil, isKnown: (FoundFile) -> Bool = { _ in false }
  ) throws -> [FoundFile] {
    var found: [FoundFile] = []
    var seen: Set<String> = []
    for path in paths {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      do {
        guard exists && isFolder.boolValue else {
          if seen.insert(resolved(path)).inserted {
            let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
            found.append(FoundFile(path: path, folder: folder, signature: FileSignature(path: path)))
          }
          continue
        }
        let root = resolved(path)
        for (file, isLink) in try files(in: path, isKnown: isKnown) {
          // To look for links in each path on its way from the root takes longer than all else.
          let name = isLink ? resolved(file.path) : (root == "/" ? "/" : root + "/") + file.relativePath
          if seen.insert(name).inserted { found.append(file) }
        }
      } catch let error as RadarError {
        guard let failed else { throw error }
        failed(error)
      }
    }
    guard !found.isEmpty || failed != nil else {
      throw RadarError(.notFound, "no file or folder with radar frames was given.")
    }
    return found
  }

  private static func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

  private static func files(
    in folder: String, isKnown: (FoundFile) -> Bool
  ) throws -> [(file: FoundFile, isLink: Bool)] {
    var files: [(file: FoundFile, isLink: Bool)] = []
    var other: Int = 0
    try visit(folder) { path, status, isLink in
      let file = FoundFile(path: path, folder: folder, signature: FileSignature(status))
      if try isKnown(file) || FileProbe(path: path).kind != .other {
        files.append((file, isLink))
      } else {
        other += 1
      }
    }
    guard !files.isEmpty else {
      throw RadarError(
        .notFound,
        other == 0
          ? "the folder holds no files." : "the folder holds no NetCDF or HDF5 files, only \(other) of other kinds.",
        path: folder)
    }
    return files.sorted { $0.file.path < $1.file.path }
  }

  /// Visits all regular files in a folder and below it, hidden ones not.
  ///
  /// - Parameters:
  ///   - found: told about the folders below it.
  ///   - body: called with a file's path, how it looks, and whether it was found through a symbolic link.
  static func visit(
    _ folder: String, found: (String) -> Void = { _ in }, _ body: (String, stat, _ isLink: Bool) throws -> Void
  ) throws {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw RadarError(.notFound, "the folder cannot be read: check its permissions.", path: folder)
    }
    for name in names where !name.hasPrefix(".") {
      let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      let isLink = status.st_mode & S_IFMT == S_IFLNK
      // Links to folders are not followed, as they may lead back up.
      if status.st_mode & S_IFMT == S_IFDIR {
        found(path)
        try visit(path, found: found, body)
      } else if !isLink || stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        try body(path, status, isLink)
      }
    }
  }
}
