import Foundation
import Verification

/// An evaluation as a table for a terminal.
public struct ScoreText {
  private let evaluation: Evaluation
  private let intervals: ScoreIntervals

  /// Takes an evaluation.
  public init(_ evaluation: Evaluation, intervals: ScoreIntervals) {
    (self.evaluation, self.intervals) = (evaluation, intervals)
  }

  /// For each lead time and method: CSI and frequency bias at each threshold, mean squared and mean absolute error, and a bar
  /// for the CSI at the threshold nearest to 1 mm/h; then what that means.
  ///
  /// - Parameter mostLeads: more lead times than this are thinned out evenly; the last one is always there.
  public func table(mostLeads: Int) -> String {
    let book = evaluation.book
    let settings = book.settings
    let main = evaluation.mainThreshold.flatMap(settings.thresholds.firstIndex) ?? 0
    let leads = Self.thinned(book.leadMinutes(), most: mostLeads)
    let comparison = settings.definition.isStrict ? ">" : "≥"
    var rows = [["lead", "method"] + settings.thresholds.map { comparison + $0.short } + ["MSE", "MAE"]]
    var bars = ["CSI \(comparison)\(settings.thresholds[main].short)"]
    for lead in leads {
      for (index, method) in book.methods.enumerated() {
        guard let scores = book.scores(method: method, leadMinutes: lead) else { continue }
        let all = Dictionary(uniqueKeysWithValues: scores.all.map { ($0.name, $0.value) })
        func value(_ metric: Metric, _ threshold: Float? = nil) -> Double? {
          all[ScoreName(metric, threshold: threshold)] ?? nil
        }
        let cells = settings.thresholds.map { "\(Self.score(value(.csi, $0))) (\(Self.bias(value(.bias, $0))))" }
        rows.append(
          [index == 0 ? "+\(lead.short) min" : "", method] + cells
            + [Self.error(value(.mse)), Self.error(value(.mae))])
        bars.append(Self.bar(value(.csi, settings.thresholds[main])))
      }
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = zip(rows, bars).map { row, bar in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + padding : padding + cell
      }.joined(separator: "  ") + "  " + bar
    }
    let starts = evaluation.startTimeCount
    let events = evaluation.events.count
    let summary = ScoreSummary(evaluation: evaluation, intervals: intervals).sentences.map { "- " + $0 }
    return """
      \(starts) start \(starts == 1 ? "time" : "times") in \(events) \(events == 1 ? "sequence" : "sequences"). \
      CSI (frequency bias) at rain rates in mm/h; MAE in \(settings.definition.errorUnits), MSE in its square; pixels valid in all methods.

      \(lines.joined(separator: "\n"))

      \(summary.joined(separator: "\n"))
      """
  }

  private static func thinned(_ leads: [Double], most: Int) -> [Double] {
    guard leads.count > most, most > 0 else { return leads }
    return (1...most).map { leads[$0 * leads.count / most - 1] }
  }

  /// Ten letters are one; eighths of a letter are shown.
  private static func bar(_ value: Double?) -> String {
    guard let value else { return "" }
    let eighths = Int((min(max(value, 0), 1) * 80).rounded())
    let rest = eighths % 8 == 0 ? "" : String(["▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8 - 1])
    return String(repeating: "█", count: eighths / 8) + rest
  }

  static func score(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
  static func bias(_ value: Double?) -> String { value.map { String(format: "%.2f", min($0, 99.99)) } ?? "–" }
  static func error(_ value: Double?) -> String {
    value.map { String(format: $0 < 100 ? "%.3f" : "%.1f", $0) } ?? "–"
  }
}
