import Verification

/// The tables of a report for programs.
struct ScoreTables {
  let evaluation: Evaluation
  let intervals: ScoreIntervals

  private var book: ScoreBook { evaluation.book }

  /// `scores.csv`: one line for each score; an undefined one has an empty value, and one over all lead times no lead time.
  ///
  /// The count is that of the pixels that were scored (blocks of the pooled CSI, frames of SSIM and spectra).
  var scores: String {
    var lines = ["event,method,lead_minutes,metric,threshold,scale,value,count"]
    for event in [nil] + book.events.map(Optional.some) {
      for method in book.methods {
        let leads = book.leadMinutes(event: event, method: method)
        guard !leads.isEmpty else { continue }
        func add(_ lead: Double?, _ scores: [Score]) {
          for score in scores {
            lines.append(
              [
                (event ?? ScoreBook.allEvents).quoted, method.quoted, lead?.short ?? "", Self.name(score.name),
                score.value.map { "\($0)" } ?? "", "\(score.count)",
              ].joined(separator: ","))
          }
        }
        for lead in leads { add(lead, book.scores(event: event, method: method, leadMinutes: lead)?.all ?? []) }
        add(nil, book.scoresOverLeads(event: event, method: method))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `intervals.csv`: the 95 % interval of each score of all events, and of its difference from each other method.
  var intervalLines: String {
    var lines = ["method,minus,lead_minutes,metric,threshold,scale,value,low,high,blocks"]
    for method in book.methods {
      for lead in book.leadMinutes(method: method).map(Optional.some) + [nil] {
        let place = ScoreIntervals.Place(method: method, leadMinutes: lead)
        let scores = evaluation.scores(place)
        func add(_ other: String, _ name: ScoreName, _ value: Double?, _ interval: Bootstrap.Interval?) {
          lines.append(
            [
              method.quoted, other.quoted, lead?.short ?? "", Self.name(name), value.map { "\($0)" } ?? "",
              interval.map { "\($0.low)" } ?? "", interval.map { "\($0.high)" } ?? "", "\(intervals.blockCount)",
            ].joined(separator: ","))
        }
        for score in scores { add("", score.name, score.value, intervals.intervals[place]?[score.name]) }
        for other in book.methods {
          guard let differences = intervals.differences[place]?[other] else { continue }
          for score in scores {
            if let found = differences[score.name] { add(other, score.name, found.value, found.interval) }
          }
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `reliability.csv`: how often events were observed, by the probability that an ensemble gave them; `nil` without one.
  var reliability: String? {
    var lines: [String] = []
    for method in book.methods {
      for lead in book.leadMinutes(method: method) {
        guard let ensemble = book.scores(method: method, leadMinutes: lead)?.sums.ensemble else { continue }
        for (threshold, bins) in zip(book.settings.thresholds, ensemble.bins) {
          for (index, bin) in bins.enumerated() {
            lines.append(
              [
                method.quoted, lead.short, threshold.short, "\(index * 10)", "\(index * 10 + 10)",
                bin.meanProbability.map { "\($0)" } ?? "", bin.frequency.map { "\($0)" } ?? "", "\(bin.count)",
              ].joined(separator: ","))
          }
        }
      }
    }
    guard !lines.isEmpty else { return nil }
    lines.insert(
      "method,lead_minutes,threshold,percent_from,percent_to,mean_probability,observed_frequency,count", at: 0)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func name(_ name: ScoreName) -> String {
    "\(name.metric.rawValue),\(name.threshold?.short ?? ""),\(name.scale.map(String.init) ?? "")"
  }
}

extension Evaluation {
  /// The scores of all events of a method at one lead time, or over all.
  func scores(_ place: ScoreIntervals.Place) -> [Score] {
    guard let lead = place.leadMinutes else { return book.scoresOverLeads(method: place.method) }
    return book.scores(method: place.method, leadMinutes: lead)?.all ?? []
  }
}

extension Float {
  /// Without a fraction where there is none.
  var short: String {
    // A larger one is no whole number that a person would write out, and may not fit an Int.
    self == rounded() && magnitude < 1e6 ? String(Int(self)) : "\(self)"
  }
}

extension String {
  /// As a field of CSV.
  fileprivate var quoted: String {
    guard contains(where: { ",\"\n\r".contains($0) }) else { return self }
    return "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
