import Foundation
import RadarIO

/// What is watched, and how.
public struct WatchOptions: Sendable {
  /// The folder that frames come into.
  public var folder: String
  /// The folder that forecasts go to.
  public var output: String
  /// Seconds between two looks at the folder, beside what the system tells of it.
  public var pollSeconds = 5.0
  /// Seconds that a file must not have changed to count as whole where nobody tells that it was closed.
  public var settleSeconds = 2.0
  /// Time steps without a new frame after which data are stale; `nil` for never.
  public var staleAfter: Int?
  /// Of the frames that are there at the start without a forecast, the most that get one; `nil` for all.
  public var catchUp: Int?
  /// Whether to listen to what the system tells of the folder.
  public var usesEvents = true
  /// Whether to end when what is there is done.
  public var isOnce = false
  /// What writes the forecasts, for their `source`.
  public var program: String
  /// What was typed, for their `history`.
  public var history: String?

  /// Watches a folder.
  public init(folder: String, output: String, program: String, history: String?) {
    (self.folder, self.output, self.program, self.history) = (folder, output, program, history)
  }

  /// Checks the folders.
  ///
  /// - Throws: `RadarError` `notFound` when the watched folder cannot be read, ``NowcastError`` `usage` when forecasts would
  ///   go into it, `cannotCreate` when there is no folder for them that can be written to and none can be made.
  func check() throws {
    _ = try FolderListing(of: folder)
    let (watched, target) = (WatchOptions.resolved(folder), WatchOptions.resolved(output))
    guard target != watched, !target.hasPrefix(watched == "/" ? "/" : watched + "/") else {
      throw NowcastError(
        .usage, "forecasts would go into the watched folder and be taken for frames; name an --output outside of it.",
        path: output)
    }
    try OutputFolder.make(output)
  }

  private static func resolved(_ path: String) -> String {
    // Of a path that is not there yet, the part that is.
    var rest: [String] = []
    var url = URL(fileURLWithPath: path).standardizedFileURL
    while url.path != "/" && !FileManager.default.fileExists(atPath: url.path) {
      rest.insert(url.lastPathComponent, at: 0)
      url.deleteLastPathComponent()
    }
    return rest.reduce(url.resolvingSymlinksInPath()) { $0.appendingPathComponent($1) }.path
  }
}
