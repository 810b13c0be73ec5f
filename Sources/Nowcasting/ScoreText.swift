import Foundation
import Verification

/// An evaluation as a table for a terminal.
public struct ScoreText {
  private let evaluation: Evaluation

  /// Takes an evaluation.
  public init(_ evaluation: Evaluation) { self.evaluation = evaluation }

  /// For each lead time and method: CSI and frequency bias at each threshold, mean squared and mean absolute error.
  ///
  /// - Parameter mostLeads: more lead times than this are thinned out evenly; the last one is always there.
  public func table(mostLeads: Int) -> String {
    let book = evaluation.book
    let leads = Self.thinned(book.leadMinutes(), most: mostLeads)
    var rows = [["lead", "method"] + book.thresholds.map { "≥\(ScoreReport.number($0))" } + ["MSE", "MAE"]]
    for lead in leads {
      for (index, method) in book.methods.enumerated() {
        guard let scores = book.scores(method: method, leadMinutes: lead) else { continue }
        let cells = scores.tables.map { "\(Self.score($0.csi)) (\(Self.bias($0.frequencyBias)))" }
        rows.append(
          [index == 0 ? "+\(lead.short) min" : "", method] + cells
            + [Self.error(scores.continuous.mse), Self.error(scores.continuous.mae)])
      }
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column < 2 ? cell + padding : padding + cell
      }.joined(separator: "  ")
    }
    let starts = evaluation.events.reduce(0) { $0 + $1.startTimes }
    return """
      \(starts) start times in \(evaluation.events.count) \(evaluation.events.count == 1 ? "sequence" : "sequences"). \
      CSI (frequency bias) at rain rates in mm/h; MSE in (mm/h)², MAE in mm/h; pixels valid in all methods.

      \(lines.joined(separator: "\n"))
      """
  }

  private static func thinned(_ leads: [Double], most: Int) -> [Double] {
    guard leads.count > most, most > 0 else { return leads }
    return (1...most).map { leads[$0 * leads.count / most - 1] }
  }

  private static func score(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
  private static func bias(_ value: Double?) -> String { value.map { String(format: "%.2f", min($0, 99.99)) } ?? "–" }
  private static func error(_ value: Double?) -> String {
    value.map { String(format: $0 < 100 ? "%.3f" : "%.1f", $0) } ?? "–"
  }
}
