import Foundation
import RadarIO

/// The folder of a training run: `config.json`, `history.csv`, `train.html`, `model.safetensors` (the best model so far),
/// `checkpoint.safetensors` (all that training needs to go on) and `checkpoint.previous.safetensors` (the one before it).
public struct RunFolder: Sendable {
  /// The folder.
  public let path: String

  static let checkpointName = "checkpoint.safetensors"
  private static let configurationName = "config.json"
  private static let previousName = "checkpoint.previous.safetensors"
  private static let names = [
    configurationName, "history.csv", "train.html", Model.fileName, checkpointName, previousName,
  ]

  /// Names a folder; nothing is made yet.
  public init(_ path: String) { self.path = path }

  func file(_ name: String) -> String { (path as NSString).appendingPathComponent(name) }

  /// The best model so far.
  public var modelFile: String { file(Model.fileName) }
  /// One line for each epoch.
  public var historyFile: String { file("history.csv") }
  /// The run as a page for people.
  public var pageFile: String { file("train.html") }
  var configurationFile: String { file(Self.configurationName) }
  var checkpointFile: String { file(Self.checkpointName) }
  var previousCheckpointFile: String { file(Self.previousName) }
  /// Where a checkpoint goes that turned out to be damaged.
  var damagedCheckpointFile: String { file("checkpoint.damaged.safetensors") }

  private func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  /// Whether there is a checkpoint.
  var hasCheckpoint: Bool { has(Self.checkpointName) || has(Self.previousName) }

  /// Checks, before the work is done, that a new run can be put into the folder.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate` when it holds a run and `overwrite` is false, or cannot be made or written
  ///   to.
  func check(overwrite: Bool) throws {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    guard isFolder.boolValue else {
      throw NowcastError(.cannotCreate, "this is a file; a run needs a folder of its own.", path: path)
    }
    if !overwrite && Self.names.contains(where: has) {
      throw NowcastError(
        .cannotCreate,
        "the folder holds a run already; go on with it with --resume, replace it with --overwrite, or name another.",
        path: path)
    }
    try requireWritable()
  }

  /// Makes the folder and those above it, where they are not there yet.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`.
  func make() throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw NowcastError(.cannotCreate, "the folder cannot be made; is the one above it writable?", path: path)
    }
  }

  /// Removes what an earlier run left, but for its model and its checkpoint: these stay until there are others to put in
  /// their place.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`, as ``check(overwrite:)``.
  func prepare(overwrite: Bool) throws {
    try check(overwrite: overwrite)
    try make()
    for name in Self.names where ![Model.fileName, Self.checkpointName].contains(name) {
      guard unlink(file(name)) == 0 || errno == ENOENT else {
        throw NowcastError(
          .cannotCreate, "the earlier run's file cannot be removed (\(String(cString: strerror(errno)))).",
          path: file(name))
      }
    }
  }

  /// Checks, before the work is done, that there is a run to go on with, be it one that was ended before it had saved
  /// anything.
  ///
  /// - Throws: ``NowcastError`` `notFound` when there is none, `cannotCreate` when the folder cannot be written to.
  func requireRun() throws {
    // What was killed before its first checkpoint has left an empty folder, or one with its configuration.
    let isBegun = (try? FileManager.default.contentsOfDirectory(atPath: path))?.allSatisfy {
      $0 == Self.configurationName || AtomicOutput.isLeftover($0)
    }
    guard hasCheckpoint || isBegun == true else {
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
