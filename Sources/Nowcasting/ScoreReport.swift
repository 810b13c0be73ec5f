import ConvKernels
import Foundation
import RadarIO
import Verification

/// The folder of a report: tables for programs, the raw counts and sums, and pages for people.
public struct ScoreReport {
  /// Every file that a report may have.
  static let names = ["scores.csv", "intervals.csv", "reliability.csv", "scores.json", "report.md", "report.html"]

  private let evaluation: Evaluation
  private let intervals: ScoreIntervals

  /// Takes an evaluation and how sure its scores are.
  public init(_ evaluation: Evaluation, intervals: ScoreIntervals) {
    (self.evaluation, self.intervals) = (evaluation, intervals)
  }

  /// The files and their content.
  public func files() throws -> [(name: String, data: Data)] {
    let tables = ScoreTables(evaluation: evaluation, intervals: intervals)
    var files = [
      ("scores.csv", Data(tables.scores.utf8)), ("intervals.csv", Data(tables.intervalLines.utf8)),
      ("scores.json", try ReportDocument.text(of: evaluation)),
      ("report.md", Data(ScoreMarkdown(evaluation: evaluation, intervals: intervals).text.utf8)),
      ("report.html", Data(try ScorePage(evaluation: evaluation, intervals: intervals).html().utf8)),
    ]
    if let reliability = tables.reliability { files.append(("reliability.csv", Data(reliability.utf8))) }
    return files
  }

  /// Checks, before the work is done, that a report can be written to a folder.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`.
  public static func check(_ folder: String, overwrite: Bool) throws {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if manager.fileExists(atPath: folder, isDirectory: &isFolder) {
      guard isFolder.boolValue else {
        throw NowcastError(.cannotCreate, "this is a file; a report needs a folder.", path: folder)
      }
      for name in names {
        try AtomicOutput.check((folder as NSString).appendingPathComponent(name), overwrite: overwrite)
      }
      return
    }
    // The folder is made when there is something to put into it; until then its nearest ancestor has to do.
    var ancestor = URL(fileURLWithPath: folder).deletingLastPathComponent()
    while !manager.fileExists(atPath: ancestor.path) && ancestor.path != "/" { ancestor.deleteLastPathComponent() }
    guard access(ancestor.path, W_OK | X_OK) == 0 else {
      throw NowcastError(.cannotCreate, "the folder cannot be made: \(ancestor.path) is not writable.", path: folder)
    }
  }

  /// Writes the report's files into a folder.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate` or `writeFailed`.
  public func write(to folder: String, overwrite: Bool) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw NowcastError(.cannotCreate, "the folder cannot be made; is its parent writable?", path: folder)
    }
    // All are made before one is written, and those written go again where the next has no room.
    let files = try files()
    let path = folder as NSString
    var written: [String] = []
    do {
      for (name, data) in files {
        try AtomicOutput.write(data, to: path.appendingPathComponent(name), overwrite: overwrite)
        written.append(path.appendingPathComponent(name))
      }
    } catch {
      for file in written { unlink(file) }
      throw error
    }
    // What an earlier report had and this one has not would be taken for its own.
    for name in Self.names where !files.contains(where: { $0.name == name }) {
      unlink(path.appendingPathComponent(name))
    }
  }
}
