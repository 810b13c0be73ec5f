import Foundation
import Quicklook
import RadarIO
import Report
import Tensor

/// Frames as a page in one file: a map for each time to step through, and their numbers in a table.
public struct FramesPage {
  /// The frames: a forecast, or any others.
  private let sequences: [FrameSequence]
  /// What was observed before.
  private let observed: [FrameSequence]
  private let seconds: Double

  /// The most maps of a page.
  public static let mostMaps = 500

  /// A page of frames of one grid.
  ///
  /// - Parameters:
  ///   - observed: frames observed before a forecast; later ones are left out.
  ///   - seconds: how long each map is shown when they play.
  /// - Precondition: there is at least one sequence.
  public init(_ sequences: [FrameSequence], observed: [FrameSequence] = [], seconds: Double) {
    (self.sequences, self.observed, self.seconds) = (sequences, observed, seconds)
  }

  /// A frame with what is told of it.
  private struct Entry {
    var time: Double
    var lead: Double?
    var isObserved: Bool
    var isInterpolated: Bool
    var png: Data
    var wet: Double?
    var missing: Double
    var largest: Float?
    var mean: Double?
  }

  /// The file.
  ///
  /// - Throws: `RadarError` when a frame cannot be read any more, or a picture cannot be made.
  public func html() throws -> String {
    let map = RainMap(sequences[0].grid)
    let latest = sequences.compactMap(\.referenceTime).max() ?? sequences.map { $0.times[0] }.min() ?? 0
    let before = try observed.flatMap { try self.entries(of: $0, map, isObserved: true) }.filter { $0.time <= latest }
    let entries = try before + sequences.flatMap { try self.entries(of: $0, map, isObserved: false) }
    let first = entries.firstIndex { $0.lead != nil } ?? 0
    let frames = entries.map { entry in
      FrameStepper.Frame(
        png: entry.png, width: map.width, height: map.height, label: label(entry), caption: caption(entry),
        text: text(entry), isPast: entry.isObserved)
    }
    let key = ColourKey(
      unit: "mm/h", classes: RainMap.classes, others: [("dry", "var(--map)"), ("not measured", RainMap.missingColour)])
    let stepper = FrameStepper(
      "Rain rate in mm/h, north up", note: reduction(map), frames: frames, first: first, seconds: seconds)
    return Page(
      title: reference.map { "Rain forecast from \(Self.words($0)) UTC" } ?? "Rain rate",
      subtitle: subtitle(entries),
      sections: [
        Page.Section("Maps", [stepper, key]), Page.Section("Numbers", [facts(entries), table(entries)]),
      ], footer: "Made by nowcast \(nowcastVersion)."
    ).html
  }

  private func entries(of sequence: FrameSequence, _ map: RainMap, isObserved: Bool) throws -> [Entry] {
    try sequence.times.enumerated().map { index, time in
      let frame = try sequence.rainRate(at: index)
      let lead = sequence.referenceTime.flatMap { time > $0 ? time - $0 : nil }
      var entry = Entry(
        time: time, lead: lead, isObserved: isObserved, isInterpolated: sequence.bridged.contains(index),
        png: try map.png(frame), missing: 0)
      frame.withUnsafeBufferPointer { rates in
        var (count, wet, sum) = (0, 0, 0.0)
        for rate in rates where !rate.isNaN {
          count += 1
          sum += Double(rate)
          if rate >= 0.1 { wet += 1 }
          entry.largest = max(entry.largest ?? rate, rate)
        }
        entry.missing = 1 - Double(count) / Double(max(rates.count, 1))
        entry.wet = count > 0 ? Double(wet) / Double(count) : nil
        entry.mean = count > 0 ? sum / Double(count) : nil
      }
      return entry
    }
  }

  /// The moment the forecast starts from; `nil` for what is none, or more than one.
  private var reference: Double? {
    let found = Set(sequences.map(\.referenceTime))
    return found.count == 1 ? found.first ?? nil : nil
  }

  // MARK: Words

  private func subtitle(_ entries: [Entry]) -> String {
    let source = sequences[0].source.provenance
    let span = entries.first.flatMap { first in
      entries.last.map { last in
        "\(entries.count) \(entries.count == 1 ? "map" : "maps"), \(Self.words(first.time)) to \(Self.words(last.time)) UTC"
      }
    }
    let intervals = Set(sequences.flatMap { $0.intervalSeconds ?? [-1] })
    let interval = intervals.count == 1 ? intervals.first.flatMap { $0 > 0 ? $0 : nil } : nil
    let mean = interval.map { "means over \(NumberText.short($0 / 60)) min up to the time" }
    return [source.institution, span, mean].compactMap(\.self).joined(separator: ", ")
  }

  private func reduction(_ map: RainMap) -> String? {
    let grid = sequences[0].grid
    let spacing = grid.spacingMetres.map { ", one every \(NumberText.short($0, digits: 4)) m" } ?? ""
    let size = "\(grid.height) × \(grid.width) pixels\(spacing)"
    return map.height < grid.height || map.width < grid.width
      ? size + "; each point shows the largest rate of its pixels" : size
  }

  private func label(_ entry: Entry) -> String {
    guard let lead = entry.lead else { return String(Self.words(entry.time).suffix(5)) }
    return "+\(NumberText.short(lead / 60, digits: 4)) min"
  }

  private func kind(_ entry: Entry) -> String? {
    if let lead = entry.lead { return "forecast, +\(NumberText.short(lead / 60, digits: 4)) min" }
    if entry.isInterpolated { return "interpolated" }
    return entry.isObserved ? "observed" : nil
  }

  private func caption(_ entry: Entry) -> String {
    ["\(Self.words(entry.time)) UTC", kind(entry)].compactMap(\.self).joined(separator: ", ") + ". "
      + (entry.largest.map { "At most \(Self.rate($0)) mm/h" } ?? "Nothing was measured")
  }

  private func text(_ entry: Entry) -> String {
    let what = ["Map of the rain at \(Self.words(entry.time)) UTC", kind(entry)].compactMap(\.self).joined(
      separator: ", ")
    guard let wet = entry.wet, let largest = entry.largest else { return what + ": nothing was measured" }
    return what + ": rain on \(Self.percent(wet)) of what was measured, at most \(Self.rate(largest)) mm/h"
  }

  private func facts(_ entries: [Entry]) -> Facts {
    var facts: [Facts.Fact] = []
    if let most = entries.max(by: { ($0.largest ?? -1) < ($1.largest ?? -1) }), let largest = most.largest {
      facts.append(.init("Largest rate", "\(Self.rate(largest)) mm/h", detail: "\(Self.words(most.time)) UTC"))
    }
    if let most = entries.max(by: { ($0.wet ?? -1) < ($1.wet ?? -1) }), let wet = most.wet {
      facts.append(.init("Largest rain area", Self.percent(wet), detail: "\(Self.words(most.time)) UTC"))
    }
    if let most = entries.map(\.missing).max() {
      facts.append(.init("Not measured", Self.percent(most), detail: "at most"))
    }
    return Facts(facts)
  }

  private func table(_ entries: [Entry]) -> DataTable {
    DataTable(
      columns: ["time (UTC)", "", "largest, mm/h", "mean, mm/h", "rain", "not measured"],
      rows: entries.map { entry in
        [
          Self.words(entry.time), kind(entry) ?? "", entry.largest.map(Self.rate) ?? "–",
          entry.mean.map { NumberText.short($0) } ?? "–", entry.wet.map(Self.percent) ?? "–",
          Self.percent(entry.missing),
        ]
      }, textColumns: [1])
  }

  private static func words(_ time: Double) -> String {
    TimeAxis.text(time).dropLast().replacingOccurrences(of: "T", with: " ")
  }

  private static func rate(_ rate: Float) -> String { NumberText.short(Double(rate)) }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
}
