import Foundation

/// The folder of a training run: `config.json`, `history.csv`, `model.safetensors` (the best model so far) and
/// `checkpoint.safetensors` (all that training needs to go on).
public struct RunFolder: Sendable {
  /// The folder.
  public let path: String

  static let checkpointName = "checkpoint.safetensors"
  private static let names = ["config.json", "history.csv", Model.fileName, checkpointName]

  /// Names a folder; nothing is made yet.
  public init(_ path: String) { self.path = path }

  func file(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

  /// The best model so far.
  public var modelFile: String { file(Model.fileName) }
  /// One line for each epoch.
  public var historyFile: String { file("history.csv") }
  var configurationFile: String { file("config.json") }
  var checkpointFile: String { file(Self.checkpointName) }

  /// Checks, before the work is done, that a new run can be put into the folder.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate` when it holds a run and `overwrite` is false, or cannot be made or written
  ///   to.
  public func check(overwrite: Bool) throws {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isFolder) else {
      var ancestor = URL(fileURLWithPath: path).deletingLastPathComponent()
      while !manager.fileExists(atPath: ancestor.path) && ancestor.path != "/" { ancestor.deleteLastPathComponent() }
      guard access(ancestor.path, W_OK | X_OK) == 0 else {
        throw NowcastError(.cannotCreate, "the folder cannot be made: \(ancestor.path) is not writable.", path: path)
      }
      return
    }
    guard isFolder.boolValue else {
      throw NowcastError(.cannotCreate, "this is a file; a run needs a folder of its own.", path: path)
    }
    if !overwrite && Self.names.contains(where: { manager.fileExists(atPath: file($0)) }) {
      throw NowcastError(
        .cannotCreate,
        "the folder holds a run already; go on with it with --resume, replace it with --overwrite, or name another.",
        path: path)
    }
    try requireWritable()
  }

  /// Makes the folder for a new run and removes the files of an earlier one, but for its model: that stays until there is
  /// a better one to put in its place.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`, as ``check(overwrite:)``.
  func prepare(overwrite: Bool) throws {
    try check(overwrite: overwrite)
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw NowcastError(.cannotCreate, "the folder cannot be made; is its parent writable?", path: path)
    }
    for name in Self.names where name != Model.fileName && unlink(file(name)) != 0 && errno != ENOENT {
      throw NowcastError(
        .cannotCreate, "the earlier run's file cannot be removed (\(String(cString: strerror(errno)))).",
        path: file(name))
    }
  }

  /// Checks, before the work is done, that there is a run to go on with.
  ///
  /// - Throws: ``NowcastError`` `notFound` without a checkpoint, `cannotCreate` when the folder cannot be written to.
  public func requireCheckpoint() throws {
    guard FileManager.default.fileExists(atPath: checkpointFile) else {
      throw NowcastError(
        .notFound, "there is no checkpoint to go on from; start a new run without --resume.", path: checkpointFile)
    }
    try requireWritable()
  }

  private func requireWritable() throws {
    guard access(path, W_OK | X_OK) == 0 else {
      throw NowcastError(
        .cannotCreate, "the folder cannot be written to (\(String(cString: strerror(errno)))).", path: path)
    }
  }
}
