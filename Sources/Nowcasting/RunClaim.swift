import Foundation
import RadarIO

/// A run folder in the hands of one process, from before the data are read to the end.
///
/// The folder is there from the first moment, so that a run that is killed while it still reads can be taken up like any
/// other. Two processes that write the same checkpoint would leave a mixture of both.
public final class RunClaim {
  private let folder: RunFolder
  private var lock: FolderLock?
  /// The folders that were not there before, the innermost one first.
  private let made: [String]

  /// Makes the folder where it is not there, and takes it.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate` when it holds a run (unless `overwrite` or `resume`), cannot be made or
  ///   written to, or another process trains in it; `notFound` with `resume` where there is no run.
  public init(_ folder: RunFolder, resume: Bool, overwrite: Bool) throws {
    self.folder = folder
    if resume { try folder.requireRun() } else { try folder.check(overwrite: overwrite) }
    var made: [String] = []
    var missing = URL(fileURLWithPath: folder.path).standardizedFileURL
    while missing.path != "/" && !FileManager.default.fileExists(atPath: missing.path) {
      made.append(missing.path)
      missing.deleteLastPathComponent()
    }
    self.made = made
    try folder.make()
    lock = FolderLock(folder.path)
    guard lock != nil else {
      throw NowcastError(
        .cannotCreate, "another process is training in this folder; wait for its end, or name another folder.",
        path: folder.path)
    }
    AtomicOutput.removeLeftovers(in: folder.path)
  }

  /// Lets go of the folder. If it is new and nothing was put into it, it goes.
  public func release() {
    for folder in made where rmdir(folder) != 0 { break }
    lock = nil
  }
}
