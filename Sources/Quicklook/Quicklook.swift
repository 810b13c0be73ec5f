import Foundation
import RadarIO
import Tensor

/// Maps of frames for people to look at: of the last input frames and a forecast, or of any frames.
public struct Quicklook {
  /// One map: the frame, and what it is.
  struct Panel {
    /// Reads the frame, `[h, w]` in mm/h.
    var frame: () throws -> Tensor
    var time: Double
    /// The minutes since the reference time; `nil` for what is no forecast.
    var lead: Double?
    /// A word for what is no forecast.
    var kind = ""
    var isInterpolated = false
  }

  let panels: [Panel]
  private let grid: Grid
  private let heading: String
  private let subheading: String

  /// The number of maps.
  public var count: Int { panels.count }

  /// The maps of at most `mostInputs` last input frames and of all forecast frames.
  ///
  /// - Parameter input: the frames the forecast was made from.
  public init(input: FrameSequence, forecast: ForecastFile, mostInputs: Int = 4) {
    grid = input.grid
    let observed = Quicklook.panels(of: input, kind: "observed").suffix(mostInputs)
    panels =
      observed
      + forecast.times.enumerated().map { index, time in
        Panel(
          frame: { forecast.rainRate.part(index) }, time: time, lead: (time - forecast.referenceTime) / 60)
      }
    heading = Quicklook.heading(forecast.referenceTime)
    subheading = Quicklook.subheading(forecast.institution, forecast.intervalSeconds)
  }

  /// The maps of all frames of sequences, behind those of what was observed before them.
  ///
  /// Frames behind a reference time are a forecast. Frames observed later than all reference times are left out.
  ///
  /// - Precondition: there is at least one sequence, and all are of one grid.
  public init(_ sequences: [FrameSequence], observed: [FrameSequence] = []) {
    let first = sequences[0]
    grid = first.grid
    let references = sequences.map(\.referenceTime)
    let latest = references.compactMap(\.self).max() ?? sequences.map { $0.times[0] }.min() ?? 0
    panels =
      observed.flatMap { Quicklook.panels(of: $0, kind: "observed") }.filter { $0.time <= latest }
      + sequences.flatMap { Quicklook.panels(of: $0, kind: "") }
    let reference = Set(references).count == 1 ? references[0] : nil
    heading = Quicklook.heading(reference)
    let intervals = Set(sequences.flatMap { $0.intervalSeconds ?? [-1] })
    let interval = intervals.count == 1 ? intervals.first.flatMap { $0 > 0 ? $0 : nil } : nil
    subheading = Quicklook.subheading(first.source.provenance.institution, interval)
  }

  private static func panels(of sequence: FrameSequence, kind: String) -> [Panel] {
    sequence.times.enumerated().map { index, time in
      let lead = sequence.referenceTime.flatMap { time > $0 ? (time - $0) / 60 : nil }
      return Panel(
        frame: { try sequence.rainRate(at: index) }, time: time, lead: lead, kind: kind,
        isInterpolated: sequence.bridged.contains(index))
    }
  }

  private static func heading(_ reference: Double?) -> String {
    "Rain rate" + (reference.map { ", forecast from \(text($0)) UTC" } ?? "")
  }

  private static func subheading(_ institution: String?, _ intervalSeconds: Double?) -> String {
    let mean = intervalSeconds.map { "means over \(short($0 / 60)) min up to the time" }
    return [institution, mean].compactMap(\.self).joined(separator: ", ")
  }

  // MARK: Files

  /// Checks that ``write(to:overwrite:)`` could write, to fail before the work rather than after.
  ///
  /// - Throws: ``RadarError`` `cannotCreate`.
  public static func check(_ path: String, overwrite: Bool) throws {
    guard !isFile(path) else { return try AtomicOutput.check(path, overwrite: overwrite) }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
      throw RadarError(
        .cannotCreate, "this is no folder; a quicklook goes to a folder or to a file that ends in .png.", path: path)
    }
  }

  private static func isFile(_ path: String) -> Bool { path.lowercased().hasSuffix(".png") }

  /// Writes one picture with all maps to a file that ends in `.png`, or one picture for each frame to a folder, which is
  /// made if it is not there.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`.
  /// - Returns: the number of pictures.
  @discardableResult
  public func write(to path: String, overwrite: Bool) throws -> Int {
    if Quicklook.isFile(path) {
      try AtomicOutput.write(try sheet().png(), to: path, overwrite: overwrite)
      return 1
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw RadarError(.cannotCreate, "the folder cannot be made; choose another place.", path: path)
    }
    let names = panels.map { path + "/" + name(of: $0) }
    for name in names { try AtomicOutput.check(name, overwrite: overwrite) }
    for (panel, name) in zip(panels, names) {
      try AtomicOutput.write(picture([panel], side: 720).png(), to: name, overwrite: overwrite)
    }
    return panels.count
  }

  /// Such as `observed-20201031T0450Z.png` and `forecast-20201031T0450Z+010min.png`: names in the order of time.
  private func name(of panel: Panel) -> String {
    func compact(_ time: Double) -> String { TimeAxis.text(time).filter { $0 != "-" && $0 != ":" } }
    guard let lead = panel.lead else { return "observed-\(compact(panel.time)).png" }
    let minutes = Quicklook.short(lead)
    let zeros = String(repeating: "0", count: max(0, 3 - minutes.prefix { $0 != "." }.count))
    return "forecast-\(compact(panel.time - lead * 60))+\(zeros)\(minutes)min.png"
  }

  // MARK: Pictures

  /// The rows of a picture that tell what the colours mean.
  static let footer = 64

  /// One picture of all maps.
  ///
  /// - Throws: ``RadarError`` when a frame cannot be read any more.
  func sheet() throws -> Canvas { try picture(panels, side: panels.count > 16 ? 240 : 320) }

  /// A picture of some maps, each no wider and no higher than `side`.
  func picture(_ panels: [Panel], side: Int) throws -> Canvas {
    let map = FrameMap(grid, side: side)
    let (rows, columns) = map.reduction
    let reduction = rows * columns > 1 ? "each point the largest of up to \(rows) x \(columns) pixels" : nil
    let subheading = [subheading, reduction].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
    // Captions need room whatever the shape of the grid.
    let (cellWidth, cellHeight) = (max(map.width, 232), map.height)
    let (margin, gap, caption, header) = (16, 12, 24, subheading.isEmpty ? 40 : 56)
    let observed = panels.contains { $0.lead != nil } ? panels.prefix { $0.lead == nil }.count : 0
    let perRow = min(
      max(observed, panels.count - observed, 1), max(1, 1600 / (cellWidth + gap)),
      max(observed, panels.count > 16 ? 6 : 4))
    // What was observed and what is forecast begin rows of their own.
    let lines = [panels.prefix(observed), panels.dropFirst(observed)].flatMap { part in
      stride(from: part.startIndex, to: part.endIndex, by: perRow).map { part[$0..<min($0 + perRow, part.endIndex)] }
    }
    let mostPanels = lines.map(\.count).max() ?? 1
    let footer = Quicklook.footer
    let needed = max(mostPanels * (cellWidth + gap) - gap, Legend.width)
    let titleWidth = max(Canvas.width(of: heading, scale: 2), Canvas.width(of: subheading))
    let width = max(needed, titleWidth) + 2 * margin
    var canvas = Canvas(
      width: width, height: header + lines.count * (cellHeight + caption + gap) + footer)
    canvas.write(heading, x: margin, y: 12, scale: 2)
    canvas.write(subheading, x: margin, y: 38, .faint)
    for (line, row) in lines.enumerated() {
      let top = header + line * (cellHeight + caption + gap)
      for (place, panel) in row.enumerated() {
        let left = margin + place * (cellWidth + gap)
        try draw(panel, map, left: left, top: top, width: cellWidth, caption: caption, on: &canvas)
      }
    }
    Legend.draw(x: margin, y: canvas.height - footer + 4, on: &canvas)
    return canvas
  }

  private func draw(
    _ panel: Panel, _ map: FrameMap, left: Int, top: Int, width: Int, caption: Int, on canvas: inout Canvas
  ) throws {
    let frame = try panel.frame()
    let kind = panel.lead.map { "+\(Quicklook.short($0)) min" } ?? (panel.isInterpolated ? "interpolated" : panel.kind)
    canvas.write("\(Quicklook.text(panel.time)) UTC", x: left, y: top + 9)
    let end = Canvas.width(of: kind, scale: panel.lead == nil ? 1 : 2)
    canvas.write(
      kind, x: left + width - end, y: top + (panel.lead == nil ? 9 : 2), scale: panel.lead == nil ? 1 : 2,
      panel.isInterpolated ? .warning : .ink)
    let (x, y) = (left + (width - map.width) / 2, top + caption)
    map.draw(frame, on: &canvas, x: x, y: y)
    canvas.frame(x: x - 1, y: y - 1, width: map.width + 2, height: map.height + 2, .faint)
    note(frame, x: x, y: y, map, on: &canvas)
  }

  /// The scale bar and the largest rate, on white so that they can be read over rain.
  private func note(_ frame: Tensor, x: Int, y: Int, _ map: FrameMap, on canvas: inout Canvas) {
    let largest = frame.withUnsafeBufferPointer { $0.lazy.filter { !$0.isNaN }.max() }
    let text = largest.map { "max " + Quicklook.text($0) } ?? "no data"
    let width = Canvas.width(of: text) + 8
    canvas.fill(x: x + map.width - width, y: y + map.height - 15, width: width, height: 15, .white)
    canvas.write(text, x: x + map.width - width + 4, y: y + map.height - 11)
    guard let bar = map.scaleBar else { return }
    let label = "\(Quicklook.short(bar.kilometres)) km"
    let size = max(bar.pixels, Canvas.width(of: label)) + 8
    guard size + width <= map.width else { return }
    canvas.fill(x: x, y: y + map.height - 21, width: size, height: 21, .white)
    canvas.write(label, x: x + 4, y: y + map.height - 18)
    canvas.fill(x: x + 4, y: y + map.height - 6, width: bar.pixels, height: 2, .ink)
    for end in [x + 4, x + 3 + bar.pixels] { canvas.fill(x: end, y: y + map.height - 8, width: 1, height: 4, .ink) }
  }

  // MARK: Texts

  /// A rain rate in mm/h; what has no colour is not called by a rate that has one.
  private static func text(_ rate: Float) -> String {
    if !RainPalette.isRain(rate) { return rate > 0 ? "<\(RainPalette.classes[0].label)" : "0" }
    return String(format: rate < 10 ? "%.1f" : "%.0f", rate)
  }

  /// A time without the letters of ISO 8601.
  private static func text(_ time: Double) -> String {
    TimeAxis.text(time).dropLast().replacingOccurrences(of: "T", with: " ")
  }

  private static func short(_ value: Double) -> String { String(format: "%.6g", value) }
}

/// The colours and what they mean.
private enum Legend {
  private static let (box, gapBeforeMissing) = (36, 24)
  static var width: Int { RainPalette.classes.count * box + 2 * gapBeforeMissing + 3 * box + 60 }

  static func draw(x: Int, y: Int, on canvas: inout Canvas) {
    var left = x
    canvas.write("mm/h", x: left, y: y)
    let top = y + 14
    for (limit, label, colour) in RainPalette.classes {
      canvas.fill(x: left, y: top, width: box, height: 14, colour)
      // A limit stands where its class begins.
      canvas.write(limit == RainPalette.classes.last?.limit ? "≥\(label)" : label, x: left, y: top + 18)
      canvas.fill(x: left, y: top + 14, width: 1, height: 3, .ink)
      left += box
    }
    canvas.frame(x: x, y: top, width: left - x, height: 14, .faint)
    for (label, colour) in [("<0.1", Colour.white), ("not measured", RainPalette.missing)] {
      left += gapBeforeMissing
      canvas.fill(x: left, y: top, width: box, height: 14, colour)
      canvas.frame(x: left, y: top, width: box, height: 14, .faint)
      canvas.write(label, x: left, y: top + 18)
      left += box
    }
  }
}
