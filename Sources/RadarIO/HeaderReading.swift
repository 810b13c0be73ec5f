import Foundation

/// Reads the headers of many files, with the indexes of their folders where there are any.
final class HeaderReading {
  private let reader: RadarReader
  private let indexing: FileIndexing
  private let options: ReadOptions
  private var folders: [String: FolderIndex] = [:]
  /// Those of which every file was looked at.
  private var searched: Set<String> = []
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  init(_ reader: RadarReader, options: ReadOptions, indexing: FileIndexing) {
    (self.reader, self.options, self.indexing) = (reader, options, indexing)
    start = clock.now
  }

  /// The files that paths name, understood, and what came of the indexes.
  ///
  /// - Throws: as ``RadarReader/sequences(at:failed:)``.
  func files(
    at paths: [String], failed: ((RadarError) -> Void)?
  ) throws -> (files: [RadarFile], reports: [IndexReport]) {
    var failure: (any Error)?
    let found = try FileSearch.files(at: paths, failed: failed) { file in
      do {
        return try index(of: file.folder, isSearched: true)?.known(file) != nil
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    for (folder, files) in Dictionary(grouping: found, by: \.folder) where folders[folder] == nil {
      if files.count >= FileIndexing.worthIt { _ = try index(of: folder, isSearched: false) }
    }
    defer { ReadingProcess.shared.closeFiles() }
    var files: [RadarFile] = []
    do {
      files = try understand(found, failed: failed)
    } catch {
      // What was learned until then need not be learned again.
      _ = finish(found, isWhole: false)
      throw error
    }
    return (files, finish(found, isWhole: true))
  }

  private func index(of folder: String, isSearched: Bool) throws -> FolderIndex? {
    if let index = folders[folder] { return index }
    guard indexing != .never else { return nil }
    var name: String?
    if case .kept(let file, _) = indexing { name = file }
    let beside = folder.isEmpty || folder.hasSuffix("/") ? folder : folder + "/"
    let index = try FolderIndex(
      folder: folder, path: name ?? beside + FileIndex.fileName, isNamed: name != nil,
      isKept: isSearched && indexing != .whereThere, key: FileIndex.key(of: options))
    folders[folder] = index
    if isSearched { searched.insert(folder) }
    return index
  }

  private func understand(_ found: [FoundFile], failed: ((RadarError) -> Void)?) throws -> [RadarFile] {
    var grids: [Grid] = []
    var files: [RadarFile] = []
    files.reserveCapacity(found.count)
    let known = found.map { folders[$0.folder]?.known($0) }
    var ahead = found.indices.filter { known[$0] == nil }[...]
    for (position, file) in found.enumerated() {
      if ahead.first == position { ahead.removeFirst() }
      let index = folders[file.folder]
      do {
        if known[position] != nil, let parts = index?.understood(file) {
          files += parts
          continue
        }
        let kept = known[position].flatMap { keptContent(of: file, $0, index) }
        let content =
          try kept
          ?? ReadingProcess.shared.describe(path: file.path, next: ahead.first.map { found[$0].path }) {
            index?.add(file, isNetCDF: $0, $1)
          }
        var parts = try reader.parts(of: content, path: file.path, known: grids)
        // Of ten thousand files with one licence, its text is in memory once.
        if let last = files.last {
          for index in parts.indices where parts[index].provenance == last.provenance {
            parts[index].provenance = last.provenance
          }
        }
        var areKnown = true
        for part in parts where !grids.contains(where: { $0.matches(part.grid) }) {
          grids.append(part.grid)
          areKnown = false
        }
        index?.add(parts, of: file, knownGrids: areKnown)
        files += parts
      } catch let error as RadarError where error.code != .internalError {
        guard let failed else { throw error }
        failed(error)
      }
    }
    return files
  }

  private func keptContent(of file: FoundFile, _ known: FileIndex.File, _ index: FolderIndex?) -> ReadingProcess
    .Content?
  {
    index?.index.withDescription(of: known) { isNetCDF, bytes in
      ReadingProcess.Content(path: file.path, byteCount: known.stamp.size, isNetCDF: isNetCDF, bytes)
    }
  }

  private func finish(_ found: [FoundFile], isWhole: Bool) -> [IndexReport] {
    guard !folders.isEmpty else { return [] }
    let seconds = (clock.now - start) / .seconds(1)
    var least: Int?
    if case .kept(_, let leastFiles) = indexing { least = leastFiles }
    let own = Dictionary(grouping: found, by: \.folder)
    return folders.sorted { $0.key < $1.key }.map { folder, index in
      let isSearched = searched.contains(folder)
      return index.finish(
        found: own[folder] ?? [], isWhole: isWhole && isSearched, leastFiles: isSearched ? least : nil,
        seconds: seconds)
    }
  }
}
