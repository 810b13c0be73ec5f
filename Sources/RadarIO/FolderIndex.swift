import Foundation

/// The index of one folder while its files are read.
final class FolderIndex {
  private(set) var report: IndexReport
  private(set) var index = FileIndex()
  /// Whether an index may be in the place of one that cannot be used.
  private let mayBeReplaced: Bool
  private let key: String
  /// A file of each kind, where its grid was known before: so are those of the others.
  private var models: [Int: [RadarFile]] = [:]
  private var lastModels: [Int] = []
  private var nextKind = 0
  private var isChanged = false
  /// Nanoseconds since 1970 before any file was looked at.
  private let begun: Int

  /// A file changed again within this time may look as it did: there are file systems that count in steps of two seconds.
  private static let granularity = 3_000_000_000

  /// Reads the index of a folder, if there is one.
  ///
  /// - Parameter isKept: whether it will be written again.
  /// - Throws: ``RadarError`` `cannotCreate` when `path` is something else that was named as the place for the index.
  init(folder: String, path: String, isNamed: Bool, isKept: Bool, key: String) throws {
    self.key = key
    report = IndexReport(folder: folder, path: path)
    begun = FolderIndex.now
    do {
      if let found = try FileIndex(contentsOf: path) {
        index = found
        report.wasThere = true
      }
      mayBeReplaced = true
    } catch let failure as FileIndex.Failure {
      let fate = isKept ? "it is made again" : "it is not used; 'nowcast index' makes it again"
      switch failure {
      case .damaged: report.problem = "\(path): the index is damaged; \(fate)."
      case .otherVersion: report.problem = "\(path): the index is of another version of nowcast; \(fate)."
      case .foreign where isNamed:
        throw RadarError(
          .cannotCreate, "this is no index of nowcast. Choose another name for --index, or remove it.", path: path)
      case .foreign: report.problem = "\(path): the index is damaged; \(fate)."
      case .unreadable(let reason): report.problem = "\(path): the index cannot be read (\(reason)) and is not used."
      }
      if case .unreadable = failure { mayBeReplaced = false } else { mayBeReplaced = true }
    }
    nextKind = (index.understood[key]?.values.lazy.map(\.kind).max() ?? -1) &+ 1
  }

  private static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
  }

  /// What is known of a file, if it looks as it did.
  func known(_ file: FoundFile) -> FileIndex.File? {
    guard let known = index.files[file.relativePath], let signature = file.signature,
      known.stamp.changed != FileIndex.Stamp.never, known.stamp == FileIndex.Stamp(signature)
    else { return nil }
    return known
  }

  /// Takes note of a description that was just made.
  func add(_ file: FoundFile, isNetCDF: Bool, _ bytes: UnsafeRawBufferPointer) {
    let path = file.relativePath
    guard let signature = file.signature else { return }
    var stamp = FileIndex.Stamp(signature)
    report.described += 1
    if let earlier = index.files[path]?.stamp {
      if earlier.size != stamp.size || earlier.modified != stamp.modified {
        report.changed.append(path)
      } else if earlier.changed != FileIndex.Stamp.never {
        report.moved += 1
      }
    } else {
      report.new.append(path)
    }
    isChanged = true
    if max(stamp.modified, stamp.changed) >= begun - FolderIndex.granularity {
      report.recent += 1
      stamp.changed = FileIndex.Stamp.never
    }
    index.add(path, stamp, isNetCDF: isNetCDF, bytes)
  }

  /// A file as one that is alike was understood; `nil` when there is none yet.
  func understood(_ file: FoundFile) -> [RadarFile]? {
    guard let known = index.understood[key]?[file.relativePath], let models = models[known.kind] else { return nil }
    return StoredTimes.parts(like: models, known.times, path: file.path)
  }

  /// Takes note of what a file's description was understood to be.
  ///
  /// - Parameter knownGrids: whether its grids were met before: then it is as it will be for others that are alike.
  func add(_ parts: [RadarFile], of file: FoundFile, knownGrids: Bool) {
    let path = file.relativePath
    guard index.files[path] != nil else { return }
    let times = StoredTimes.bytes(of: parts)
    if let earlier = index.understood[key]?[path], earlier.times == times {
      if knownGrids, models[earlier.kind] == nil { remember(parts, kind: earlier.kind) }
      return
    }
    isChanged = true
    let alike = lastModels.first { kind in
      guard knownGrids, let model = models[kind], model.count == parts.count else { return false }
      return zip(model, parts).allSatisfy { $0.isAlike($1) }
    }
    let kind = alike ?? nextKind
    if alike == nil {
      nextKind &+= 1
      if knownGrids { remember(parts, kind: kind) }
    }
    index.understood[key, default: [:]][path] = FileIndex.Understanding(kind: kind, times: times)
  }

  private func remember(_ parts: [RadarFile], kind: Int) {
    models[kind] = parts
    lastModels.insert(kind, at: 0)
    if lastModels.count > 8 { lastModels.removeLast() }
  }

  /// Ends a reading: what is gone is forgotten, and the index written where it is kept and has changed.
  ///
  /// - Parameters:
  ///   - found: the files of the folder that were found.
  ///   - isWhole: whether all of the folder was looked at.
  ///   - leastFiles: the fewest files for which an index is worth while; `nil` where it is not kept.
  ///   - seconds: how long it took to read the headers.
  func finish(found: [FoundFile], isWhole: Bool, leastFiles: Int?, seconds: Double) -> IndexReport {
    report.files = found.count
    if isWhole, index.files.count > found.count(where: { index.files[$0.relativePath] != nil }) {
      let present = Set(found.map(\.relativePath))
      let prefix = report.folder.hasSuffix("/") ? report.folder : report.folder + "/"
      // A file that was found on another way as well is only in one of the two lists.
      for path in index.files.keys.sorted() where !present.contains(path) && FileSignature(path: prefix + path) == nil {
        report.gone.append(path)
        index.remove(path)
        isChanged = true
      }
    }
    guard let leastFiles, found.count >= leastFiles, isChanged, mayBeReplaced else { return report }
    do {
      try index.write(to: report.path)
      report.isWritten = true
    } catch {
      let reason = (error as? RadarError)?.message ?? "\(error)"
      report.problem =
        "\(report.folder): the headers of \(report.described) files took "
        + String(format: "%.1f s", seconds) + ", and no index can be kept there: \(reason) Say with --index FILE where."
    }
    return report
  }
}

extension FileIndex.Stamp {
  init(_ signature: FileSignature) {
    self.init(size: signature.size, modified: signature.modified, changed: signature.changed)
  }
}
