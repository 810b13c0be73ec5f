import ConvKernels
import Foundation
import RadarIO
import Tensor

/// Makes a forecast again from what its file says that it was made of, and compares the bytes.
public struct ForecastReplay {
  /// The file.
  public let path: String
  /// What it was made of.
  public let recipe: ForecastRecipe
  private let history: String?
  private let source: String?

  /// Reads what a forecast file says.
  ///
  /// - Throws: `RadarError` when it cannot be read; ``NowcastError`` `unusable` when it does not say what it was made of.
  public init(_ path: String) throws {
    let attributes = try FileAttributes(contentsOf: path)
    self.path = path
    recipe = try ForecastRecipe(attributes)
    history = attributes["history"]
    source = attributes["source"]
  }

  /// Where the files are now.
  public struct Places: Sendable {
    /// The input files, in the order of the recipe.
    var inputs: [String]
    /// The model's file.
    var model: String?
  }

  /// Finds the files by their hashes: where they were, or else among others.
  ///
  /// - Parameters:
  ///   - frames: files and folders to search for input files that are not where they were.
  ///   - model: where the model is, if not where it was.
  /// - Throws: ``NowcastError`` `notFound` that names all files that are gone, `unusable` where there are only such that
  ///   have changed.
  public func find(frames: [String] = [], model: String? = nil) throws -> Places {
    var elsewhere: [String: String]?
    var (gone, changed): ([String], [String]) = ([], [])
    func place(_ file: FileIdentity, _ search: () throws -> String?) rethrows -> String {
      let now = try? FileIdentity(path: file.path)
      if now == file { return file.path }
      if let found = try search() { return found }
      if now == nil { gone.append(file.path) } else { changed.append(file.path) }
      return file.path
    }
    let inputs = try recipe.inputs.map { file in
      try place(file) {
        if elsewhere == nil { elsewhere = try ForecastReplay.hashes(frames) }
        return elsewhere?[file.sha256]
      }
    }
    let modelPlace = recipe.model.map { file in
      place(file) {
        guard let path = model.map(Model.file(at:)), (try? FileIdentity(path: path))?.sha256 == file.sha256 else {
          return nil
        }
        return path
      }
    }
    guard gone.isEmpty && changed.isEmpty else {
      func sentence(_ paths: [String], _ one: String, _ many: String) -> String? {
        guard let first = paths.first else { return nil }
        let others = paths.count > 3 ? " (and \(paths.count - 3) more)" : ""
        return paths.count == 1
          ? "\(first) \(one)" : "\(paths.prefix(3).joined(separator: ", "))\(others) \(many)"
      }
      let what = [
        sentence(gone, "is gone", "are gone"),
        sentence(changed, "has changed", "have changed"),
      ].compactMap(\.self).joined(separator: "; ")
      throw NowcastError(
        gone.isEmpty ? .unusable : .notFound,
        "the forecast cannot be made again: \(what) since it was made. If they are elsewhere, say where with --frames "
          + "and --model.", path: path)
    }
    return Places(inputs: inputs, model: modelPlace)
  }

  /// The files below some paths by their hashes.
  private static func hashes(_ paths: [String]) throws -> [String: String] {
    var found: [String: String] = [:]
    for path in paths {
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      guard isThere else { throw NowcastError(.notFound, "there is no such file or folder.", path: path) }
      for file in isFolder.boolValue ? try FolderListing(of: path).files.keys.sorted() : [path] {
        found[try FileIdentity(path: file).sha256] = file
      }
    }
    return found
  }

  /// A forecast that was made again.
  public struct Result: Sendable {
    /// What would be written.
    public let file: ForecastFile
    /// The bytes, if they are those of the file.
    public let byteCount: Int
    /// In what it differs, in a sentence; `nil` where every byte is the same.
    public let difference: String?
  }

  /// Makes the forecast again.
  ///
  /// - Parameter program: this program as it names itself in `source`.
  /// - Throws: as ``ForecastMaker``; ``NowcastError`` `unusable` when files change meanwhile.
  public func run(_ places: Places, program: String, pool: WorkerPool) throws -> Result {
    var model: IdentifiedModel?
    if let identity = recipe.model, let place = places.model {
      model = try IdentifiedModel(contentsOf: place, recordedAs: identity)
    }
    let maker = try ForecastMaker(settings: recipe.settings, model: model, pool: pool)
    let reading = try RadarReader(options: maker.readOptions).sequences(at: places.inputs)
    let (sequence, _) = try maker.lastSequence(of: reading)
    let recorded = Dictionary(zip(places.inputs, recipe.inputs)) { first, _ in first }
    let made = try maker.forecast(from: sequence, program: program, history: nil) { path in
      guard let identity = recorded[path], try FileIdentity(path: path).sha256 == identity.sha256 else {
        throw NowcastError(.unusable, "the file changes while it is read; let its writer finish.", path: path)
      }
      return identity
    }
    var file = made.file
    // What was typed cannot be told from the frames.
    file.history = history
    let earlier: Data
    do {
      earlier = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw NowcastError(.notFound, "the file cannot be read any more.", path: path)
    }
    let (same, count) = try recipe.settings.writer(overwrite: true).withBytes(of: file, path: path) { bytes in
      (earlier.elementsEqual(bytes), bytes.count)
    }
    return Result(file: file, byteCount: count, difference: same ? nil : difference(file))
  }

  /// What is different, as far as it can be told.
  private func difference(_ file: ForecastFile) -> String {
    if let source, let own = file.source, source != own {
      return "it was made by '\(source)', and this is '\(own)'"
    }
    guard let earlier = try? RadarReader().sequences(at: [path]).sequences.first, let rain = try? earlier.rainRate,
      rain.shape == file.rainRate.shape
    else { return "its frames are others in number or size" }
    let pairs = zip(rain.elements, file.rainRate.elements)
    let different = pairs.filter { $0 != $1 && !($0.isNaN && $1.isNaN) }
    guard !different.isEmpty else {
      return "the rain is the same, but not every other byte (another version of the libraries, or an edited file)"
    }
    let most = different.map { ($0 - $1).magnitude }.filter(\.isFinite).max() ?? 0
    return String(
      format: "%d of %d values differ, at most by %.3g mm/h (another kind of processor, or an edited file)",
      different.count, rain.count, most)
  }
}

extension IdentifiedModel {
  /// Reads a model that a forecast was made with under another path.
  init(contentsOf path: String, recordedAs identity: FileIdentity) throws {
    let found = try IdentifiedModel(contentsOf: path)
    guard found.file.sha256 == identity.sha256 else {
      throw NowcastError(.unusable, "the file changes while it is read; let its writer finish.", path: path)
    }
    self.init(model: found.model, file: identity, signature: found.signature)
  }
}
