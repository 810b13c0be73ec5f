import Foundation
import RadarIO
import Verification

/// `scores.json`: the raw counts and sums with what was evaluated, so that reports can be added up.
struct ReportDocument: Codable {
  struct Entry: Codable {
    let event: String
    let block: Int
    let method: String
    let leadMinutes: Double
    let raw: FieldScores.Sums

    enum CodingKeys: String, CodingKey {
      case event, block, method, raw
      case leadMinutes = "lead_minutes"
    }
  }
  /// Of this arrangement of the file.
  static let currentFormat = 1

  let format: Int
  let version: String
  let definition: ScoreDefinition
  let definitionText: String
  let thresholds: [Float]
  let windows: [Int]
  let pools: [Int]
  let blockSeconds: Int
  let subjects: [String]
  let events: [Evaluation.Event]
  let scores: [Entry]

  enum CodingKeys: String, CodingKey {
    case format, version, definition, thresholds, pools, subjects, events, scores
    case definitionText = "definition_text"
    case windows = "fss_windows"
    case blockSeconds = "block_seconds"
  }

  /// What was evaluated and how, without any scores yet.
  private init(headOf evaluation: Evaluation) {
    let settings = evaluation.book.settings
    format = Self.currentFormat
    version = nowcastVersion
    definition = settings.definition
    definitionText = settings.definition.summary
    (thresholds, windows, pools) = (settings.thresholds, settings.windows, settings.pools)
    blockSeconds = evaluation.book.blockSeconds
    subjects = evaluation.subjects
    events = evaluation.events
    scores = []
  }

  /// The text of `scores.json`.
  ///
  /// An encoder takes ten times the memory of what it writes, so it is given one block of start times after the other.
  static func text(of evaluation: Evaluation) throws -> Data {
    let head = try JSONText.encode(ReportDocument(headOf: evaluation), pretty: false)
    // Within a text the quotation marks would have backslashes in front.
    guard let place = head.range(of: Data(#""scores":[]"#.utf8)) else {
      throw NowcastError(.internalError, "scores.json has no place for its scores.")
    }
    var text = head[..<(place.upperBound - 1)]
    let book = evaluation.book
    var separator = ""
    for method in book.methods {
      for lead in book.leadMinutes(method: method) {
        let blocks = book.columns[.init(method: method, leadMinutes: lead)] ?? [:]
        for (block, scores) in blocks.sorted(by: { $0.key < $1.key }) {
          let entry = Entry(
            event: block.event, block: block.start, method: method, leadMinutes: lead, raw: scores.sums)
          text.append(contentsOf: separator.utf8)
          text.append(try JSONText.encode(entry, pretty: false))
          separator = ","
        }
      }
    }
    text.append(head[(place.upperBound - 1)...])
    return text
  }

  /// Reads a report.
  ///
  /// - Parameter path: its folder, or its `scores.json`.
  /// - Throws: ``NowcastError`` `notFound`, or `unusable` when it is no report.
  static func evaluation(at path: String) throws -> Evaluation {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw NowcastError(.notFound, "there is no such report.", path: path)
    }
    let file = isFolder.boolValue ? (path as NSString).appendingPathComponent("scores.json") : path
    guard let data = FileManager.default.contents(atPath: file) else {
      throw NowcastError(
        .notFound, "there is no scores.json that can be read; give the folder of a report of 'nowcast eval'.",
        path: path)
    }
    return try evaluation(data, path: file)
  }

  /// What ``text(of:)`` was made of, but for pages and notes.
  static func evaluation(_ data: Data, path file: String) throws -> Evaluation {
    let document: ReportDocument
    do {
      document = try JSONDecoder().decode(ReportDocument.self, from: data)
    } catch {
      throw NowcastError(
        .unusable, "this is no scores.json of this version of nowcast; score the forecasts again.", path: file)
    }
    guard document.format == currentFormat, let evaluation = document.evaluation else {
      throw NowcastError(.unusable, "its counts and sums do not fit together; score the forecasts again.", path: file)
    }
    return evaluation
  }

  private var evaluation: Evaluation? {
    let ascends = zip(thresholds, thresholds.dropFirst()).allSatisfy { $0 < $1 }
    let times = events.flatMap(\.startTimes) + scores.map { Double($0.block) }
    guard !thresholds.isEmpty, thresholds.allSatisfy(\.isFinite), ascends, (1...100_000_000).contains(blockSeconds),
      Set(windows).count == windows.count, Set(pools).count == pools.count,
      Set(events.map(\.name)).count == events.count,
      times.allSatisfy({ $0.magnitude < 1e12 }),
      windows.allSatisfy({ (1...10_000).contains($0) }), pools.allSatisfy({ (1...10_000).contains($0) })
    else { return nil }
    let settings = ScoreSettings(definition: definition, thresholds: thresholds, windows: windows, pools: pools)
    var book = ScoreBook(settings: settings, blockSeconds: blockSeconds)
    for entry in scores {
      let column = ScoreBook.Column(method: entry.method, leadMinutes: entry.leadMinutes)
      let block = ScoreBook.Block(event: entry.event, start: entry.block)
      guard let one = FieldScores(settings: settings, sums: entry.raw), entry.leadMinutes.magnitude < 1e9,
        book.columns[column]?[block] == nil
      else { return nil }
      book.add(one, to: column, block)
    }
    return Evaluation(book: book, events: events, subjects: subjects)
  }
}

extension Evaluation {
  /// Adds up reports, in any order with the same result.
  ///
  /// - Throws: ``NowcastError`` when one cannot be read, was computed in another way, or overlaps another.
  public static func merged(_ paths: [String]) throws -> Evaluation {
    guard let first = paths.first else { throw NowcastError(.usage, "there is no report to add up.") }
    var sum = try ReportDocument.evaluation(at: first)
    for path in paths.dropFirst() { try sum.merge(try ReportDocument.evaluation(at: path), path: path) }
    return sum
  }
}
