import Foundation

/// Finds the NetCDF files that paths name.
enum FileSearch {
  /// The files, in the order of the paths and of their names within a folder, each once.
  ///
  /// A file that is named is always taken, so that it is an error if it cannot be read. In a folder (searched with all
  /// below it) only regular files that begin like NetCDF are; hidden ones are not.
  ///
  /// - Parameter failed: told about paths that are not there and folders without files; when `nil`, the first ends the search.
  /// - Throws: ``RadarError`` `notFound` for a path that is not there, and for a folder without NetCDF files.
  static func files(at paths: [String], failed: ((RadarError) -> Void)? = nil) throws -> [String] {
    var found: [String] = []
    var seen: Set<String> = []
    for path in paths {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      do {
        for file in exists && isFolder.boolValue ? try files(in: path) : [path] {
          let resolved = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
          if seen.insert(resolved).inserted { found.append(file) }
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

  private static func files(in folder: String) throws -> [String] {
    var files: [String] = []
    var other: Int = 0
    try visit(folder) { path in
      if try FileProbe(path: path).kind == .other { other += 1 } else { files.append(path) }
    }
    guard !files.isEmpty else {
      throw RadarError(
        .notFound,
        other == 0
          ? "the folder holds no files." : "the folder holds no NetCDF or HDF5 files, only \(other) of other kinds.",
        path: folder)
    }
    return files.sorted()
  }

  /// Visits all regular files in a folder and below it, hidden ones not.
  ///
  /// - Parameter found: told about the folders below it.
  static func visit(_ folder: String, found: (String) -> Void = { _ in }, _ body: (String) throws -> Void) throws {
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
      // Links to folders are not followed, as they may lead back up.
      if status.st_mode & S_IFMT == S_IFDIR {
        found(path)
        try visit(path, found: found, body)
      } else if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        try body(path)
      }
    }
  }
}
