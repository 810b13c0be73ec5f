import Foundation
import Quicklook
import RadarIO
import Report
import Tensor

/// A training run as a page: how loss and learning rate went, and what the network forecasts now.
///
/// Without times of day or durations: the same run gives the same page.
struct TrainingPage {
  let configuration: ModelConfiguration
  let options: TrainingOptions
  let history: TrainingHistory
  let data: TrainingData
  let weights: Int
  let cases: [TrainingExamples.Case]

  /// The file.
  ///
  /// - Throws: `RadarError` `internalError` when a picture cannot be made.
  func html() throws -> String {
    let layers = configuration.architecture.hidden.map(String.init).joined(separator: "-")
    return Page(
      title: "Training run",
      subtitle: "ConvLSTM encoder–forecaster \(layers), patch \(configuration.architecture.patch): "
        + "\(configuration.inputFrames) frames in, \(configuration.leadFrames) out, one every "
        + "\(Self.minutes(configuration.timeStepSeconds))",
      sections: [
        Page.Section("At a glance", [facts]), Page.Section("Course of training", [charts, table]),
        Page.Section("Forecasts after the last epoch", try examples()), Page.Section("Settings", [settings]),
      ], footer: "Made by nowcast \(nowcastVersion). All numbers are in history.csv and config.json beside this page."
    ).html
  }

  private var last: TrainingRecord? { history.records.last }

  /// The epoch whose model is kept.
  private var best: TrainingRecord? { history.records.first { $0.step == configuration.stepsTrained } }

  private var facts: Facts {
    var facts: [Facts.Fact] = []
    if let validation = configuration.validation {
      let epoch = best.map { "epoch \($0.epoch), step \($0.step)" }
      facts.append(.init("Best validation loss", NumberText.short(validation.loss, digits: 4), detail: epoch))
      if let persistence = validation.persistenceLoss, persistence > 0 {
        let share = 100 * (1 - validation.loss / persistence)
        let words = share >= 0 ? "the model is \(Int(share.rounded())) % lower" : "lower than the model's"
        facts.append(.init("Persistence", NumberText.short(persistence, digits: 4), detail: words))
      }
    }
    if let last {
      facts.append(
        .init("Training loss", NumberText.short(last.trainLoss, digits: 4), detail: "mean of epoch \(last.epoch)"))
      facts.append(.init("Steps", "\(last.step)", detail: "epoch \(last.epoch) of \(options.epochs)"))
    }
    facts.append(
      .init(
        "Windows", "\(data.trainingWindows)",
        detail: data.validationWindows > 0 ? "\(data.validationWindows) held out" : nil))
    facts.append(.init("Weights", "\(weights)"))
    return Facts(facts)
  }

  private var charts: ChartGrid {
    let records = history.records
    func points(_ value: (TrainingRecord) -> Double?) -> [(x: Double, y: Double?)] {
      records.map { (Double($0.epoch), value($0)) }
    }
    let epochs = ChartAxis("epoch")
    var losses = [LineChart.Series("training", points(\.trainLoss), colour: 0)]
    if records.contains(where: { $0.validationLoss != nil }) {
      losses.append(.init("validation", points(\.validationLoss), colour: 1))
    }
    if let persistence = configuration.validation?.persistenceLoss {
      losses.append(.init("persistence (validation)", points { _ in persistence }, colour: 4, isDashed: true))
    }
    let mark = best.flatMap { $0.validationLoss == nil ? nil : (x: Double($0.epoch), label: "model kept") }
    return ChartGrid([
      LineChart(
        "Loss", x: epochs, y: ChartAxis(configuration.loss.rawValue, scale: .logarithmic), series: losses,
        mark: mark),
      LineChart(
        "Learning rate", x: epochs, y: ChartAxis("of an epoch's last step", limits: 0...0),
        series: [.init("learning rate", points(\.learningRate), colour: 2)]),
      LineChart(
        "Gradient norm", note: "Gradients above \(NumberText.short(options.clipNorm)) are shrunk to it.", x: epochs,
        y: ChartAxis("largest of an epoch", scale: .logarithmic),
        series: [.init("gradient norm", points(\.gradientNorm), colour: 3)]),
    ])
  }

  private static let mostRows = 100

  private var table: Disclosure {
    let records = history.records
    let every = (records.count + Self.mostRows - 1) / Self.mostRows
    let shown = records.indices.filter { ($0 + 1) % max(every, 1) == 0 || $0 == records.count - 1 }.map { records[$0] }
    let rows = shown.map { record in
      [
        "\(record.epoch)", "\(record.step)", NumberText.short(record.trainLoss, digits: 4),
        record.validationLoss.map { NumberText.short($0, digits: 4) } ?? "–", NumberText.short(record.gradientNorm),
        NumberText.short(record.learningRate),
      ]
    }
    return Disclosure(
      "The numbers",
      DataTable(
        caption: every > 1 ? "Every \(every)th epoch; all are in history.csv." : nil,
        columns: ["epoch", "step", "training loss", "validation loss", "gradient norm", "learning rate"], rows: rows))
  }

  private var settings: DataTable {
    let used = TrainingSetting.all.filter { $0.applies(to: options) && $0.get(options) != .none }
    return DataTable(
      columns: ["setting", "value"],
      rows: used.map { [$0.name, $0.get(options).json.replacingOccurrences(of: "\"", with: "")] }, textColumns: [1])
  }

  // MARK: Maps

  /// Lead times that are shown of each case.
  private static let mostLeads = 5

  private func examples() throws -> [any HTMLConvertible] {
    let which =
      data.validationWindows > 0 ? "the wettest of the held-out crops" : "crops of the training data: none is held out"
    let step = last.map { "of step \($0.step)" } ?? "as it is"
    var parts: [any HTMLConvertible] = [
      Paragraph("By the network \(step), for \(which). Rain rate in mm/h, north up.", isNote: true)
    ]
    parts += try cases.map(figure)
    parts.append(
      ColourKey(
        unit: "mm/h", classes: RainMap.classes,
        others: [("dry", "var(--map)"), ("not measured", RainMap.missingColour)]))
    return parts
  }

  private func figure(_ example: TrainingExamples.Case) throws -> MapTable {
    let map = RainMap(example.grid)
    let count = example.observed.shape[0]
    let shown = min(count, Self.mostLeads)
    let leads = (1...shown).map { $0 * count / shown }
    func picture(_ frame: Tensor, _ what: String, _ lead: Int) throws -> MapTable.Map {
      let wet = frame.withUnsafeBufferPointer { pixels in pixels.lazy.filter { $0 >= 0.1 }.count }
      let most = frame.withUnsafeBufferPointer { pixels in pixels.lazy.filter { !$0.isNaN }.max() ?? 0 }
      let share = NumberText.short(100 * Double(wet) / Double(max(frame.count, 1)), digits: 2)
      return MapTable.Map(
        png: try map.png(frame), width: map.width, height: map.height,
        text:
          "\(what) at \(leadText(lead)): rain on \(share) % of the map, at most \(NumberText.short(Double(most), digits: 2)) mm/h"
      )
    }
    let size = "\(example.grid.height) × \(example.grid.width) pixels"
    let wide = example.grid.spacingMetres.map {
      " (\(NumberText.short($0 * Double(example.grid.height) / 1000)) × \(NumberText.short($0 * Double(example.grid.width) / 1000)) km)"
    }
    return MapTable(
      TimeAxis.text(example.referenceTime).dropLast().replacingOccurrences(of: "T", with: " ") + " UTC",
      note: size + (wide ?? ""), columns: [leadText(0)] + leads.map(leadText),
      rows: [
        (
          "observed",
          [try picture(example.last, "observed", 0)]
            + (try leads.map { try picture(example.observed.part($0 - 1), "observed", $0) })
        ),
        ("forecast", [nil] + (try leads.map { try picture(example.forecast.part($0 - 1), "forecast", $0) })),
      ])
  }

  private func leadText(_ lead: Int) -> String {
    lead == 0 ? "last seen" : "+" + Self.minutes(Double(lead) * configuration.timeStepSeconds)
  }

  private static func minutes(_ seconds: Double) -> String { NumberText.short(seconds / 60, digits: 4) + " min" }
}
