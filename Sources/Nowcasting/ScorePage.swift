import Foundation
import Quicklook
import RadarIO
import Report
import Tensor
import Verification

/// An evaluation as a page: in words, as curves, as maps and in tables.
///
/// Without times of day or durations: the same evaluation gives the same page.
struct ScorePage {
  let evaluation: Evaluation
  let intervals: ScoreIntervals

  private var book: ScoreBook { evaluation.book }
  private var thresholds: [Float] { book.settings.thresholds }
  private var comparison: String { book.settings.definition.isStrict ? ">" : "≥" }

  /// The file.
  ///
  /// - Throws: `RadarError` `internalError` when a picture cannot be made.
  func html() throws -> String {
    let summary = ScoreSummary(evaluation: evaluation, intervals: intervals)
    var sections = [
      Page.Section("In short", [facts, BulletList(summary.sentences)]),
      Page.Section("Scores against lead time", [bandNote, curves]),
      Page.Section("Hits and false alarms", [performance]),
      Page.Section("Scale and sharpness", [scales]),
    ]
    if let reliability { sections.append(Page.Section("Probabilities", [reliability])) }
    sections.append(Page.Section("Cases", try cases()))
    sections.append(Page.Section("All numbers", tables))
    sections.append(Page.Section("How it was computed", method))
    return Page(
      title: "Forecast verification", subtitle: summary.scope, sections: sections,
      footer:
        "Made by nowcast \(nowcastVersion). All scores are in scores.csv, intervals.csv and scores.json beside this page."
    ).html
  }

  // MARK: Values

  private func values(_ method: String, _ lead: Double?) -> [ScoreName: Double] {
    let scores = evaluation.scores(.init(method: method, leadMinutes: lead))
    return Dictionary(uniqueKeysWithValues: scores.compactMap { score in score.value.map { (score.name, $0) } })
  }

  /// The values of all methods and lead times, worked out once.
  private func allValues() -> [String: [Double: [ScoreName: Double]]] {
    Dictionary(
      uniqueKeysWithValues: book.methods.map { method in
        (
          method,
          Dictionary(uniqueKeysWithValues: book.leadMinutes(method: method).map { ($0, values(method, $0)) })
        )
      })
  }

  private func isBaseline(_ method: String) -> Bool {
    ScoreBook.baselines.contains(method) && method != evaluation.mainMethod
  }

  // MARK: In short

  private var facts: Facts {
    guard let main = evaluation.mainMethod, let threshold = evaluation.mainThreshold,
      let lead = book.leadMinutes(method: main).last
    else { return Facts([]) }
    let known = values(main, lead)
    func text(_ name: ScoreName) -> String { known[name].map { NumberText.short($0) } ?? "–" }
    func beside(_ name: ScoreName) -> String? {
      let others = book.methods.filter { $0 != main }.compactMap { other in
        values(other, lead)[name].map { "\(other) \(NumberText.short($0))" }
      }
      return others.isEmpty ? nil : others.joined(separator: ", ")
    }
    let csi = ScoreName(.csi, threshold: threshold)
    let bias = ScoreName(.bias, threshold: threshold)
    return Facts([
      .init("CSI \(comparison)\(threshold.short) mm/h, +\(lead.short) min", text(csi), detail: beside(csi)),
      .init("Frequency bias there", text(bias), detail: beside(bias)),
      .init("MSE, +\(lead.short) min", text(ScoreName(.mse)), detail: beside(ScoreName(.mse))),
      .init(
        "Start times", "\(evaluation.startTimeCount)",
        detail: "in \(evaluation.events.count) \(evaluation.events.count == 1 ? "event" : "events")"),
      .init(
        "Pixels that count",
        book.scores(method: main, leadMinutes: lead)?.validShare.map { "\(NumberText.short($0 * 100)) %" } ?? "–"),
    ])
  }

  // MARK: Charts

  private var bandNote: Paragraph {
    Paragraph(
      intervals.blockCount >= Bootstrap.fewestBlocks
        ? "Bands are 95 % intervals from \(intervals.blockCount) stretches of \(book.blockSeconds / 60) minutes drawn anew 1000 times. "
          + "Whether a difference is sure is told by its own interval (intervals.csv), not by whether bands overlap."
        : "With \(intervals.blockCount) stretches of \(book.blockSeconds / 60) minutes there are no intervals.",
      isNote: true)
  }

  private let leadAxis = ChartAxis("minutes ahead")

  private var curves: ChartGrid {
    let all = allValues()
    func chart(_ title: String, _ name: ScoreName, _ axis: ChartAxis, _ guides: [LineChart.Guide] = []) -> LineChart {
      let series = book.methods.enumerated().map { index, method in
        let leads = book.leadMinutes(method: method)
        return LineChart.Series(
          method, leads.map { ($0, all[method]?[$0]?[name]) }, colour: index, isDashed: isBaseline(method),
          band: leads.compactMap { lead in
            intervals.intervals[.init(method: method, leadMinutes: lead)]?[name].map { (lead, $0.low, $0.high) }
          })
      }
      return LineChart(title, x: leadAxis, y: axis, series: series, guides: guides)
    }
    let units = book.settings.definition.errorUnits
    let leads = book.leadMinutes()
    let one = LineChart.Guide([(leads.first ?? 0, 1), (leads.last ?? 1, 1)], label: "as often as observed")
    return ChartGrid(
      thresholds.map {
        chart("CSI \(comparison)\($0.short) mm/h", ScoreName(.csi, threshold: $0), ChartAxis("CSI", limits: 0...0))
      }
        + (evaluation.mainThreshold.map {
          [
            chart(
              "Frequency bias \(comparison)\($0.short) mm/h", ScoreName(.bias, threshold: $0),
              ChartAxis("forecast over observed", limits: 0...1), [one])
          ]
        } ?? []) + [
          chart("Mean squared error", ScoreName(.mse), ChartAxis("(\(units))²", limits: 0...0)),
          chart("Correlation", ScoreName(.correlation), ChartAxis("correlation", limits: 0...0)),
          chart("Structural similarity", ScoreName(.ssim), ChartAxis("SSIM")),
        ])
  }

  /// Up to three thresholds: the lightest, the one that sentences are about, and a heavy one.
  private var shownThresholds: [Float] {
    let wet = thresholds.filter { threshold in
      book.methods.contains { method in
        book.leadMinutes(method: method).contains { values(method, $0)[ScoreName(.csi, threshold: threshold)] != nil }
      }
    }
    guard wet.count > 3, let first = wet.first, let last = wet.last else { return wet }
    let main = evaluation.mainThreshold.flatMap { wet.contains($0) && $0 != first && $0 != last ? $0 : nil }
    return [first, main ?? wet[wet.count / 2], last]
  }

  private var performance: ChartGrid {
    let all = allValues()
    // POD over success ratio: CSI and frequency bias follow from the two.
    let csi = [0.2, 0.4, 0.6, 0.8].map { csi in
      LineChart.Guide(
        stride(from: csi, through: 1.0001, by: 0.01).compactMap { ratio in
          let pod = 1 / (1 / csi + 1 - 1 / min(ratio, 1))
          return (0...1.0001).contains(pod) ? (min(ratio, 1), min(pod, 1)) : nil
        }, label: NumberText.short(csi), isDashed: false)
    }
    let bias = [0.5, 1, 2].map { bias in
      LineChart.Guide(
        bias <= 1 ? [(0, 0), (1, bias)] : [(0, 0), (1 / bias, 1)], label: "bias \(NumberText.short(bias))",
        isDashed: true)
    }
    return ChartGrid(
      shownThresholds.map { threshold in
        LineChart(
          "\(comparison)\(threshold.short) mm/h",
          note: "Best is the upper right corner; lead times grow away from it. Grey: CSI; dotted: frequency bias.",
          x: ChartAxis("success ratio (1 − false alarm ratio)", limits: 0...1),
          y: ChartAxis("probability of detection", limits: 0...1),
          series: book.methods.enumerated().map { index, method in
            LineChart.Series(
              method,
              book.leadMinutes(method: method).compactMap { lead in
                let known = all[method]?[lead] ?? [:]
                return known[ScoreName(.successRatio, threshold: threshold)].map {
                  ($0, known[ScoreName(.pod, threshold: threshold)])
                }
              }, colour: index, isDashed: false)
          }, guides: csi + bias)
      })
  }

  private var scales: ChartGrid {
    guard let main = evaluation.mainMethod, let lead = book.leadMinutes(method: main).last else { return ChartGrid([]) }
    let known = Dictionary(uniqueKeysWithValues: book.methods.map { ($0, values($0, lead)) })
    var charts: [LineChart] = []
    if book.settings.windows.count > 1 {
      charts += shownThresholds.map { threshold in
        let useful = known[main]?[ScoreName(.usefulFSS, threshold: threshold)]
        let (first, last) = (book.settings.windows.min() ?? 1, book.settings.windows.max() ?? 1)
        return LineChart(
          "Fractions skill score \(comparison)\(threshold.short) mm/h, +\(lead.short) min",
          x: ChartAxis("width of the neighbourhood in pixels", scale: .logarithmic), y: ChartAxis("FSS", limits: 0...1),
          series: book.methods.enumerated().map { index, method in
            LineChart.Series(
              method,
              book.settings.windows.sorted().map {
                (Double($0), known[method]?[ScoreName(.fss, threshold: threshold, scale: $0)])
              }, colour: index, isDashed: isBaseline(method))
          },
          guides: useful.map { [.init([(Double(first), $0), (Double(last), $0)], label: "useful from here on")] } ?? [])
      }
    }
    let bands = book.scores(method: main, leadMinutes: lead)?.sums.spectrum.bands.map(\.wavelength) ?? []
    if !bands.isEmpty {
      func points(_ method: String, _ metric: Metric) -> [(x: Double, y: Double?)] {
        bands.map { (Double($0), known[method]?[ScoreName(metric, scale: $0)]) }
      }
      charts.append(
        LineChart(
          "Power spectrum, +\(lead.short) min",
          x: ChartAxis("wavelength from … pixels", scale: .logarithmic),
          y: ChartAxis("power", scale: .logarithmic),
          series: [LineChart.Series("observed", points(main, .observedPower), colour: 4)]
            + book.methods.enumerated().map { index, method in
              LineChart.Series(
                method, points(method, .forecastPower), colour: index == 4 ? 5 : index, isDashed: isBaseline(method))
            }))
      charts.append(
        LineChart(
          "Power of the forecast over the observed, +\(lead.short) min", note: "Below 1 a forecast is too smooth.",
          x: ChartAxis("wavelength from … pixels", scale: .logarithmic), y: ChartAxis("ratio", limits: 0...1),
          series: book.methods.enumerated().map { index, method in
            LineChart.Series(
              method, points(method, .powerRatio), colour: index, isDashed: isBaseline(method))
          },
          guides: [.init([(Double(bands[0]), 1), (Double(bands[bands.count - 1]), 1)], label: "as sharp as observed")]))
    }
    return ChartGrid(charts)
  }

  private var reliability: ChartGrid? {
    let methods = book.methods.enumerated().filter { _, method in
      book.leadMinutes(method: method).contains { book.scores(method: method, leadMinutes: $0)?.sums.ensemble != nil }
    }
    guard !methods.isEmpty else { return nil }
    return ChartGrid(
      shownThresholds.compactMap { threshold in
        guard let index = thresholds.firstIndex(of: threshold) else { return nil }
        return LineChart(
          "Reliability \(comparison)\(threshold.short) mm/h, all lead times",
          x: ChartAxis("forecast probability", limits: 0...1), y: ChartAxis("observed frequency", limits: 0...1),
          series: methods.map { place, method in
            var sum = EnsembleScores(thresholds: thresholds.count)
            for lead in book.leadMinutes(method: method) {
              if let one = book.scores(method: method, leadMinutes: lead)?.sums.ensemble { sum.merge(one) }
            }
            return LineChart.Series(
              method, sum.bins[index].compactMap { bin in bin.meanProbability.map { ($0, bin.frequency) } },
              colour: place)
          }, guides: [.init([(0, 0), (1, 1)], label: "perfectly reliable")])
      })
  }

  // MARK: Maps

  private func cases() throws -> [any HTMLConvertible] {
    guard let threshold = evaluation.mainThreshold, !evaluation.cases.isEmpty else {
      return [
        Paragraph(
          "There are no maps: frames are not part of added-up reports, and start times without rain are not shown.",
          isNote: true)
      ]
    }
    var parts: [any HTMLConvertible] = [
      Paragraph(
        "Start times by the CSI at \(threshold.short) mm/h over all lead times. Rain rate in mm/h, north up.",
        isNote: true)
    ]
    for one in evaluation.cases {
      let map = RainMap(one.grid, side: 256)
      func picture(_ frame: Tensor, _ what: String, _ lead: Double) throws -> MapTable.Map {
        let (wet, most, count) = frame.withUnsafeBufferPointer { pixels in
          (pixels.lazy.filter { $0 >= 0.1 }.count, pixels.lazy.filter { !$0.isNaN }.max() ?? 0, pixels.count)
        }
        return MapTable.Map(
          png: try map.png(frame), width: map.width, height: map.height,
          text:
            "\(what) at +\(lead.short) min: rain on \(NumberText.short(100 * Double(wet) / Double(max(count, 1)), digits: 2)) % of "
            + "the map, at most \(NumberText.short(Double(most), digits: 2)) mm/h")
      }
      let methods = book.methods.filter { method in one.leads.contains { $0.forecasts.contains { $0.method == method } }
      }
      parts.append(
        MapTable(
          "\(one.title): \(ScoreSummary.time(one.startTime))", note: "CSI \(NumberText.short(one.csi))",
          columns: one.leads.map { "+\($0.leadMinutes.short) min" },
          rows: [("observed", try one.leads.map { try picture($0.observation, "observed", $0.leadMinutes) })]
            + (try methods.map { method in
              (
                method,
                try one.leads.map { lead in
                  try lead.forecasts.first { $0.method == method }.map {
                    try picture($0.field, method, lead.leadMinutes)
                  }
                }
              )
            })))
    }
    parts.append(
      ColourKey(
        unit: "mm/h", classes: RainMap.classes,
        others: [("dry", "var(--map)"), ("not measured", RainMap.missingColour)]))
    return parts
  }

  // MARK: Tables

  private var tables: [any HTMLConvertible] {
    let leads = book.leadMinutes().map(Optional.some) + [nil]
    func rows(_ names: [ScoreName]) -> [[String]] {
      leads.flatMap { lead in
        book.methods.compactMap { method -> [String]? in
          let known = values(method, lead)
          guard !known.isEmpty else { return nil }
          return [lead.map { "+\($0.short)" } ?? "all", method]
            + names.map { known[$0].map { NumberText.short($0, digits: 4) } ?? "–" }
        }
      }
    }
    func table(_ title: String, _ names: [ScoreName], _ heads: [String]) -> Disclosure {
      Disclosure(
        title, DataTable(caption: title, columns: ["minutes", "method"] + heads, rows: rows(names), textColumns: [1]))
    }
    let events: [Metric] = [.csi, .pod, .far, .successRatio, .bias, .hss, .ets]
    var parts: [any HTMLConvertible] = thresholds.map { threshold in
      table(
        "Events \(comparison)\(threshold.short) mm/h", events.map { ScoreName($0, threshold: threshold) },
        events.map(\.rawValue))
    }
    let errors: [Metric] = [.mse, .rmse, .mae, .me, .bmse, .bmae, .correlation, .uncentredCorrelation, .ssim]
    parts.append(table("Errors and similarity", errors.map { ScoreName($0) }, errors.map(\.rawValue)))
    for threshold in shownThresholds where !book.settings.windows.isEmpty {
      parts.append(
        table(
          "Fractions skill score \(comparison)\(threshold.short) mm/h by width in pixels",
          book.settings.windows.map { ScoreName(.fss, threshold: threshold, scale: $0) } + [
            ScoreName(.usefulFSS, threshold: threshold)
          ], book.settings.windows.map { "fss \($0)" } + ["fss_useful"]))
    }
    for pool in book.settings.pools {
      parts.append(
        table(
          "CSI of the largest rates of \(pool) × \(pool) pixels",
          thresholds.map { ScoreName(.pooledCSI, threshold: $0, scale: pool) },
          thresholds.map { "csi_pooled \(comparison)\($0.short)" }))
    }
    return parts
  }

  private var method: [any HTMLConvertible] {
    let settings = book.settings
    return [
      Paragraph("Definition “\(settings.definition.rawValue)”. \(settings.definition.summary)"),
      Paragraph(
        "An undefined score (no event at all) is shown as – and counts as neither good nor bad. Intervals: block bootstrap over "
          + "stretches of \(book.blockSeconds / 60) minutes of start times, percentiles 2.5 and 97.5 of 1000 draws, the same draws for all "
          + "methods. Spectra: |FFT|²/(pixels), averaged over rings, bands of half an octave, missing pixels as zero."),
      DataTable(
        columns: ["event", "start times", "first", "last", "grid"],
        rows: evaluation.events.map { event in
          [
            event.name, "\(event.startTimes.count)", event.startTimes.first.map(ScoreSummary.time) ?? "–",
            event.startTimes.last.map(ScoreSummary.time) ?? "–", event.grid,
          ]
        }, textColumns: [2, 3, 4]),
      Paragraph(
        "Forecasts: \(evaluation.subjects.prefix(20).joined(separator: ", "))\(evaluation.subjects.count > 20 ? ", …" : "")."
      ),
    ]
  }
}
