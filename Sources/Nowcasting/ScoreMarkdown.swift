import Verification

/// `report.md`: an evaluation for a pull request.
struct ScoreMarkdown {
  let evaluation: Evaluation
  let intervals: ScoreIntervals

  /// The file.
  var text: String {
    let book = evaluation.book
    let summary = ScoreSummary(evaluation: evaluation, intervals: intervals)
    var lines = ["# Forecast verification", "", summary.scope, ""]
    lines += summary.sentences.map { "- \($0)" }
    lines += ["", "Definition `\(book.settings.definition.rawValue)`. \(book.settings.definition.summary)", ""]
    for threshold in book.settings.thresholds {
      lines += ["## CSI (frequency bias) at \(threshold.short) mm/h", ""]
      lines += table { place, scores in
        let csi = scores[ScoreName(.csi, threshold: threshold)] ?? nil
        let interval = intervals.intervals[place]?[ScoreName(.csi, threshold: threshold)]
        let range = interval.map { ", \(ScoreSummary.number($0.low))–\(ScoreSummary.number($0.high))" } ?? ""
        return
          "\(ScoreText.score(csi)) (\(ScoreText.bias(scores[ScoreName(.bias, threshold: threshold)] ?? nil))\(range))"
      }
    }
    lines += ["## Mean squared error, \(book.settings.definition.errorUnits), squared", ""]
    lines += table { _, scores in ScoreText.error(scores[ScoreName(.mse)] ?? nil) }
    return lines.joined(separator: "\n") + "\n"
  }

  private func table(_ cell: (ScoreIntervals.Place, [ScoreName: Double?]) -> String) -> [String] {
    let methods = evaluation.book.methods
    var lines = ["| lead time | \(methods.map(Self.escaped).joined(separator: " | ")) |"]
    lines.append("|---|" + String(repeating: "---|", count: methods.count))
    for lead in evaluation.book.leadMinutes().map(Optional.some) + [nil] {
      let cells = methods.map { method in
        let place = ScoreIntervals.Place(method: method, leadMinutes: lead)
        let scores = evaluation.scores(place)
        return scores.isEmpty ? "" : cell(place, Dictionary(uniqueKeysWithValues: scores.map { ($0.name, $0.value) }))
      }
      lines.append("| \(lead.map { "+\($0.short) min" } ?? "all") | \(cells.joined(separator: " | ")) |")
    }
    return lines + [""]
  }

  private static func escaped(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}
