import Foundation
import RadarIO
import Verification

/// The files of a report: `scores.csv` for tables and plots, `scores.json` with the raw counts and sums.
public struct ScoreReport {
  private let evaluation: Evaluation
  private var book: ScoreBook { evaluation.book }

  /// Takes an evaluation.
  public init(_ evaluation: Evaluation) { self.evaluation = evaluation }

  /// One line for each score; an undefined one has an empty value.
  ///
  /// The count is that of the pixels that were scored; scores of events have one line for each threshold.
  public var csv: String {
    var lines = ["event,method,lead_minutes,metric,threshold,scale,value,count"]
    for (key, scores) in book.ordered {
      func line(_ metric: String, threshold: Float? = nil, scale: Int? = nil, _ value: Double?, _ count: Int) {
        let columns = [
          Self.quoted(key.event), Self.quoted(key.method), key.leadMinutes.short, metric,
          threshold.map { Self.number($0) } ?? "", scale.map(String.init) ?? "", value.map { "\($0)" } ?? "",
          "\(count)",
        ]
        lines.append(columns.joined(separator: ","))
      }
      for (threshold, table) in zip(scores.thresholds, scores.tables) {
        for score in CategoricalScore.allCases {
          line(score.rawValue, threshold: threshold, table[score], table.count)
        }
      }
      for score in ContinuousScore.allCases {
        line(score.rawValue, scores.continuous[score], scores.continuous.count)
      }
      for fractions in scores.fractions {
        line("fss", threshold: fractions.threshold, scale: fractions.window, fractions.fss, fractions.count)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func number(_ value: Float) -> String {
    // A larger one is no whole number that a person would write out, and may not fit an Int.
    value == value.rounded() && value.magnitude < 1e6 ? String(Int(value)) : "\(value)"
  }

  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  private struct Document: Encodable {
    struct Entry: Encodable {
      let event: String
      let method: String
      let leadMinutes: Double
      let raw: FieldScores

      enum CodingKeys: String, CodingKey {
        case event, method, raw
        case leadMinutes = "lead_minutes"
      }
    }
    let version: String
    let subject: String
    let definition: String
    let options: EvaluationOptions
    let events: [Evaluation.Event]
    let notes: [String]
    let scores: [Entry]
  }

  /// The raw counts and sums with what was evaluated and how.
  public func json() throws -> Data {
    let document = Document(
      version: nowcastVersion, subject: evaluation.subject,
      definition: "default: event when value >= threshold in mm/h; a pixel missing in the observation or in any of the "
        + "compared forecasts counts for none; counts and sums are added over all pixels and start times of a lead time, "
        + "then scored",
      options: evaluation.options, events: evaluation.events, notes: evaluation.notes,
      scores: book.ordered.map {
        .init(event: $0.key.event, method: $0.key.method, leadMinutes: $0.key.leadMinutes, raw: $0.scores)
      })
    return try JSONText.encode(document, pretty: true)
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
      for name in ["scores.csv", "scores.json"] {
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
    // Both are made before either is written, and the first goes again where the second has no room.
    let (table, document) = (Data(csv.utf8), try json())
    let path = folder as NSString
    let tableFile = path.appendingPathComponent("scores.csv")
    try AtomicOutput.write(table, to: tableFile, overwrite: overwrite)
    do {
      try AtomicOutput.write(document, to: path.appendingPathComponent("scores.json"), overwrite: overwrite)
    } catch {
      unlink(tableFile)
      throw error
    }
  }
}
