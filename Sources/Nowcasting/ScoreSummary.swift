import Foundation
import RadarIO
import Verification

/// An evaluation in sentences: on what, who is better where, by how much, and how sure that is.
struct ScoreSummary {
  let evaluation: Evaluation
  let intervals: ScoreIntervals

  private var book: ScoreBook { evaluation.book }

  /// What was evaluated.
  var scope: String {
    let starts = evaluation.events.flatMap(\.startTimes)
    let leads = book.leadMinutes()
    guard let first = starts.min(), let last = starts.max(), let shortest = leads.first, let longest = leads.last else {
      return "Nothing was scored."
    }
    let events = evaluation.events.count
    return "\(book.methods.list) on \(starts.count) start \(starts.count == 1 ? "time" : "times") in \(events) "
      + "\(events == 1 ? "event" : "events"), \(Self.time(first)) to \(Self.time(last)), "
      + "\(shortest.short) to \(longest.short) minutes ahead."
  }

  static func time(_ time: Double) -> String {
    String(TimeAxis.text(time).dropLast()).replacingOccurrences(of: "T", with: " ") + " UTC"
  }

  /// The sentences after ``scope``.
  var sentences: [String] {
    guard let main = evaluation.mainMethod else { return [] }
    var result: [String] = []
    if intervals.blockCount < Bootstrap.fewestBlocks {
      result.append(
        "The start times lie in \(intervals.blockCount) \(intervals.blockCount == 1 ? "stretch" : "stretches") of "
          + "\(book.blockSeconds / 60) minutes; below \(Bootstrap.fewestBlocks) nothing can be said about how sure the scores "
          + "are, so no method is called better.")
    }
    for other in book.methods where other != main {
      result += comparison(main, other)
    }
    if let sentence = bias(main) { result.append(sentence) }
    if let sentence = blur(main) { result.append(sentence) }
    return result
  }

  /// For CSI at each lead time and threshold, and for the mean squared error: who wins.
  private func comparison(_ main: String, _ other: String) -> [String] {
    guard let threshold = evaluation.mainThreshold else { return [] }
    var sentences: [String] = []
    let leads = book.leadMinutes(method: main)
    let chosen = leads.count > 2 ? [leads[0], leads[leads.count / 2], leads[leads.count - 1]] : leads
    for lead in chosen {
      let place = ScoreIntervals.Place(method: main, leadMinutes: lead)
      let name = ScoreName(.csi, threshold: threshold)
      guard let a = value(main, lead, name), let b = value(other, lead, name) else { continue }
      let difference = intervals.differences[place]?[other]?[name]
      let sure =
        switch difference?.isBetter(.csi) {
        case true?: ": \(main) is better"
        case false?: ": \(main) is worse"
        case nil: intervals.blockCount < Bootstrap.fewestBlocks ? "" : ": no difference is shown"
        }
      let range = difference?.interval.map {
        "; difference \(Self.signed(a - b)), 95 % \(Self.signed($0.low)) to \(Self.signed($0.high))"
      }
      sentences.append(
        "At +\(lead.short) min the CSI at \(threshold.short) mm/h is \(Self.number(a)) for \(main) and \(Self.number(b)) for "
          + "\(other)\(sure)\(range ?? "").")
    }
    guard intervals.blockCount >= Bootstrap.fewestBlocks else { return sentences }
    func count(_ names: [ScoreName]) -> (better: Int, worse: Int, all: Int) {
      var (better, worse, all) = (0, 0, 0)
      for lead in leads {
        let found = intervals.differences[.init(method: main, leadMinutes: lead)]?[other] ?? [:]
        for name in names {
          guard let difference = found[name] else { continue }
          all += 1
          switch difference.isBetter(name.metric) {
          case true?: better += 1
          case false?: worse += 1
          case nil: break
          }
        }
      }
      return (better, worse, all)
    }
    let csi = count(book.settings.thresholds.map { ScoreName(.csi, threshold: $0) })
    let mse = count([ScoreName(.mse)])
    sentences.append(
      "Over all lead times and thresholds \(main) has a better CSI than \(other) in \(csi.better) of \(csi.all) cases, a worse "
        + "one in \(csi.worse); its mean squared error is smaller at \(mse.better) of \(mse.all) lead times, larger at \(mse.worse). "
        + "Only what the interval confirms is counted.")
    return sentences
  }

  /// The threshold with the worst frequency bias at the longest lead time.
  private func bias(_ main: String) -> String? {
    guard let lead = book.leadMinutes(method: main).last,
      let scores = book.scores(method: main, leadMinutes: lead)
    else { return nil }
    let known = zip(book.settings.thresholds, scores.tables).compactMap { threshold, table in
      table.frequencyBias.map { (threshold, $0) }
    }
    guard let worst = known.max(by: { distance($0.1) < distance($1.1) }), distance(worst.1) > log(1.25) else {
      return nil
    }
    let words =
      worst.1 > 1
      ? "forecasts rain of \(worst.0.short) mm/h \(Self.number(worst.1)) times as often as it is observed"
      : worst.1 == 0
        ? "never forecasts rain of \(worst.0.short) mm/h, which is observed"
        : "forecasts rain of \(worst.0.short) mm/h only \(Self.number(worst.1)) times as often as it is observed"
    return "At +\(lead.short) min \(main) \(words) (frequency bias)."
  }

  private func distance(_ bias: Double) -> Double { bias > 0 ? log(bias).magnitude : .infinity }

  /// The power that is lost at the longest lead time.
  private func blur(_ main: String) -> String? {
    guard let lead = book.leadMinutes(method: main).last,
      let scores = book.scores(method: main, leadMinutes: lead),
      let band = scores.sums.spectrum.bands.first(where: { $0.wavelength >= 8 }) ?? scores.sums.spectrum.bands.last,
      let ratio = band.ratio
    else { return nil }
    let percent = NumberFormat.short(ratio * 100, digits: 2)
    let words =
      ratio < 0.5
      ? "it is blurred, which squared errors reward"
      : ratio > 2 ? "it is noisier than rain" : "about as sharp as rain is"
    return
      "At +\(lead.short) min \(main) has \(percent) % of the observed power at wavelengths of \(band.wavelength) pixels: "
      + "\(words)."
  }

  private func value(_ method: String, _ lead: Double, _ name: ScoreName) -> Double? {
    book.scores(method: method, leadMinutes: lead)?[name]
  }

  static func number(_ value: Double) -> String { NumberFormat.short(value, digits: 3) }
  static func signed(_ value: Double) -> String { (value < 0 ? "−" : "+") + number(value.magnitude) }
}

/// Numbers as people read them.
enum NumberFormat {
  /// Some significant digits, without an exponent between 0.0001 and 10 million.
  static func short(_ value: Double, digits: Int) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "–" }
    guard (1e-4..<1e7).contains(value.magnitude) else { return String(format: "%.\(digits - 1)e", value) }
    return String(format: "%.\(max(0, digits - 1 - Int(floor(log10(value.magnitude)))))f", value)
  }
}

extension [String] {
  /// `a`, `a and b`, `a, b and c`.
  var list: String {
    guard count > 1 else { return first ?? "nothing" }
    return dropLast().joined(separator: ", ") + " and " + self[count - 1]
  }
}
