import ConvKernels
import Foundation
import Verification

/// Two reports side by side: whose method is better where, on the start times that both have.
public struct ScoreComparison {
  private let first: (name: String, method: String)
  private let second: (name: String, method: String)
  private let evaluation: Evaluation
  private let intervals: ScoreIntervals

  /// Compares the main methods of two reports.
  ///
  /// - Parameter methods: the method to take of both; `nil` takes that which each report is about.
  /// - Throws: ``NowcastError`` `notFound` or `unusable` when one cannot be read, `usage` when they were computed in different
  ///   ways or share no start times.
  public init(_ firstPath: String, _ secondPath: String, method: String?, pool: WorkerPool) throws {
    let (a, b) = (try ReportDocument.evaluation(at: firstPath), try ReportDocument.evaluation(at: secondPath))
    guard a.book.settings == b.book.settings, a.book.blockSeconds == b.book.blockSeconds else {
      throw NowcastError(
        .usage,
        "it was computed with another definition, thresholds, windows or blocks than \(firstPath); score one again.",
        path: secondPath)
    }
    func main(_ evaluation: Evaluation, _ path: String) throws -> String {
      guard let method else { return evaluation.mainMethod ?? "" }
      guard evaluation.book.methods.contains(method) else {
        throw NowcastError(
          .usage, "it has no method '\(method)'; it has \(evaluation.book.methods.list).", path: path)
      }
      return method
    }
    first = (Self.name(firstPath, secondPath), try main(a, firstPath))
    second = (Self.name(secondPath, firstPath), try main(b, secondPath))
    // Only blocks with the same start times can be set side by side.
    func starts(_ evaluation: Evaluation) -> [ScoreBook.Block: [Double]] {
      var found: [ScoreBook.Block: [Double]] = [:]
      for event in evaluation.events {
        for time in event.startTimes {
          found[evaluation.book.block(event: event.name, startTime: time), default: []].append(time)
        }
      }
      return found
    }
    let (mine, theirs) = (starts(a), starts(b))
    let common = Set(mine.keys.filter { mine[$0] == theirs[$0] })
    guard !common.isEmpty else {
      throw NowcastError(
        .usage, "it has no start times in common with \(firstPath); forecasts are compared on the same rain.",
        path: secondPath)
    }
    var book = ScoreBook(settings: a.book.settings, blockSeconds: a.book.blockSeconds)
    for (book_, method, label) in [(a.book, first.method, Self.firstLabel), (b.book, second.method, Self.secondLabel)] {
      for (column, blocks) in book_.columns where column.method == method {
        for (block, scores) in blocks where common.contains(block) {
          book.add(scores, to: .init(method: label, leadMinutes: column.leadMinutes), block)
        }
      }
    }
    evaluation = Evaluation(
      book: book,
      events: a.events.compactMap { event in
        var event = event
        event.startTimes = event.startTimes.filter { common.contains(book.block(event: event.name, startTime: $0)) }
        return event.startTimes.isEmpty ? nil : event
      }, subjects: [])
    intervals = ScoreIntervals(book, pool: pool)
  }

  // The order of methods in a book is that of their names.
  private static let firstLabel = "A"
  private static let secondLabel = "B"

  private static func name(_ path: String, _ other: String) -> String {
    let (mine, its) = (URL(fileURLWithPath: path), URL(fileURLWithPath: other))
    return mine.lastPathComponent == its.lastPathComponent ? path : mine.lastPathComponent
  }

  /// A table for a terminal: for each lead time and score both values, the difference with its interval, and the verdict.
  public var text: String {
    var rows = [["lead", "score", "A", "B", "A − B", "95 % interval", "better"]]
    let names =
      evaluation.book.settings.thresholds.map { ScoreName(.csi, threshold: $0) } + [ScoreName(.mse), ScoreName(.mae)]
    var (wins, losses, all) = (0, 0, 0)
    for lead in evaluation.book.leadMinutes(method: Self.firstLabel) {
      let place = ScoreIntervals.Place(method: Self.firstLabel, leadMinutes: lead)
      let values = [Self.firstLabel, Self.secondLabel].map { method in
        Dictionary(
          uniqueKeysWithValues: evaluation.scores(.init(method: method, leadMinutes: lead)).map { ($0.name, $0.value) })
      }
      for (index, name) in names.enumerated() {
        guard let difference = intervals.differences[place]?[Self.secondLabel]?[name] else { continue }
        let verdict = difference.isBetter(name.metric)
        all += 1
        if verdict == true { wins += 1 }
        if verdict == false { losses += 1 }
        let (a, b) = (values[0][name] ?? nil, values[1][name] ?? nil)
        rows.append([
          index == 0 ? "+\(lead.short) min" : "", name.metric.title + (name.threshold.map { " ≥\($0.short)" } ?? ""),
          ScoreText.error(a), ScoreText.error(b), ScoreSummary.signed(difference.value),
          difference.interval.map { "\(ScoreSummary.signed($0.low)) … \(ScoreSummary.signed($0.high))" } ?? "–",
          verdict.map { $0 ? "A" : "B" } ?? "",
        ])
      }
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return [0, 1, 6].contains(column) ? cell + padding : padding + cell
      }.joined(separator: "  ")
    }
    let starts = evaluation.startTimeCount
    let verdict =
      intervals.blockCount < Bootstrap.fewestBlocks
      ? "The common start times lie in fewer than \(Bootstrap.fewestBlocks) blocks: too few to call either better."
      : "A is better in \(wins) of \(all) scores, B in \(losses); elsewhere no difference is shown."
    return """
      A: \(first.method) of \(first.name)
      B: \(second.method) of \(second.name)
      \(starts) common start \(starts == 1 ? "time" : "times"), definition \(evaluation.book.settings.definition.rawValue); each \
      report counts the pixels that all of its own methods have.

      \(lines.joined(separator: "\n"))

      \(verdict)
      """
  }
}
