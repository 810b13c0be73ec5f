import Foundation

/// Curves over a common axis, as SVG within the page.
public struct LineChart: HTMLConvertible {
  /// One curve.
  public struct Series: Sendable {
    let name: String
    let points: [(x: Double, y: Double?)]
    let colour: Int
    let isDashed: Bool
    let band: [(x: Double, low: Double, high: Double)]

    /// - Parameters:
    ///   - points: from left to right; the curve is interrupted where there is no value.
    ///   - colour: from 0; what is the same thing should have the same colour in all charts.
    ///   - isDashed: for what others are compared with.
    ///   - band: how far the values may be off.
    public init(
      _ name: String, _ points: [(x: Double, y: Double?)], colour: Int, isDashed: Bool = false,
      band: [(x: Double, low: Double, high: Double)] = []
    ) {
      (self.name, self.points, self.colour, self.isDashed) = (name, points, colour % 6, isDashed)
      self.band = band
    }
  }

  /// A line that helps to read the chart.
  public struct Guide: Sendable {
    let points: [(x: Double, y: Double)]
    let label: String
    let isDashed: Bool

    /// - Parameter label: stands at its end.
    public init(_ points: [(x: Double, y: Double)], label: String, isDashed: Bool = true) {
      (self.points, self.label, self.isDashed) = (points, label, isDashed)
    }
  }

  private let title: String
  private let note: String?
  private let x: ChartAxis
  private let y: ChartAxis
  private let series: [Series]
  private let mark: (x: Double, label: String)?
  private let guides: [Guide]

  /// - Parameters:
  ///   - note: a sentence on how to read it.
  ///   - mark: a place on the horizontal axis to point out.
  ///   - guides: lines that help to read it.
  public init(
    _ title: String, note: String? = nil, x: ChartAxis, y: ChartAxis, series: [Series],
    mark: (x: Double, label: String)? = nil, guides: [Guide] = []
  ) {
    (self.title, self.note, self.x, self.y, self.series, self.mark) = (title, note, x, y, series, mark)
    self.guides = guides
  }

  // The drawing is narrow, so that its letters stay legible where it is scaled down to the width of a phone.
  private static let (width, height) = (380.0, 250.0)
  private static let (left, right, top, bottom) = (52.0, 12.0, 26.0, 40.0)
  /// More points than these are not marked one by one.
  private static let mostMarkers = 40

  /// A figure: title, what the curves are, the curves.
  public var html: String {
    let items = series.map {
      "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\"><path d=\"M1 5H27\" \(Self.stroke($0))/></svg>"
        + "\($0.name.htmlEscaped)</li>"
    }
    let legend = series.count > 1 ? "<ul class=\"legend\">\(items.joined())</ul>" : ""
    let note = note.map { "<p>\($0.htmlEscaped)</p>" } ?? ""
    return "<figure><figcaption>\(title.htmlEscaped)\(note)</figcaption>\(legend)\n\(svg)</figure>"
  }

  private static func stroke(_ series: Series) -> String {
    let dashes = series.isDashed ? " stroke-dasharray=\"6 5\"" : ""
    return "class=\"curve\" stroke=\"var(--series-\(series.colour))\"\(dashes)"
  }

  private var svg: String {
    let known = series.flatMap { $0.points.compactMap { point in point.y.map { (point.x, $0) } } }
    let ends = series.flatMap { $0.band.flatMap { [($0.x, $0.low), ($0.x, $0.high)] } }
    let shown = (known + ends).filter { y.holds($0.1) && x.holds($0.0) }
    let (xRange, xTicks) = x.layout(shown.map(\.0), wanted: 6)
    let (yRange, yTicks) = y.layout(shown.map(\.1), wanted: 5)
    func place(x value: Double) -> Double {
      Self.left + x.place(value, in: xRange) * (Self.width - Self.left - Self.right)
    }
    func place(y value: Double) -> Double {
      Self.height - Self.bottom - y.place(value, in: yRange) * (Self.height - Self.top - Self.bottom)
    }
    let floor = Self.height - Self.bottom
    var parts: [String] = []
    for tick in yTicks {
      let row = Self.text(place(y: tick))
      parts.append("<path class=\"grid\" d=\"M\(Self.text(Self.left)) \(row)H\(Self.text(Self.width - Self.right))\"/>")
      parts.append(
        "<text x=\"\(Self.text(Self.left - 6))\" y=\"\(row)\" dy=\"4\" text-anchor=\"end\">\(NumberText.short(tick))</text>"
      )
    }
    for tick in xTicks {
      let column = Self.text(place(x: tick))
      parts.append("<path class=\"axis\" d=\"M\(column) \(Self.text(floor))v4\"/>")
      parts.append(
        "<text x=\"\(column)\" y=\"\(Self.text(floor + 17))\" text-anchor=\"middle\">\(NumberText.short(tick, digits: 6))</text>"
      )
    }
    parts.append(
      "<path class=\"axis\" d=\"M\(Self.text(Self.left)) \(Self.text(floor))H\(Self.text(Self.width - Self.right))\"/>")
    parts.append(
      "<text x=\"\(Self.text(Self.width - Self.right))\" y=\"\(Self.text(Self.height - 4))\" text-anchor=\"end\">"
        + "\(x.label.htmlEscaped)</text>")
    parts.append("<text x=\"0\" y=\"10\">\(y.label.htmlEscaped)</text>")
    if let mark, xRange.contains(mark.x) {
      let column = place(x: mark.x)
      let isLeft = column > Self.width * 0.6
      parts.append("<path class=\"mark\" d=\"M\(Self.text(column)) \(Self.text(Self.top))V\(Self.text(floor))\"/>")
      parts.append(
        "<text x=\"\(Self.text(column + (isLeft ? -5 : 5)))\" y=\"\(Self.text(Self.top + 4))\" "
          + "text-anchor=\"\(isLeft ? "end" : "start")\">\(mark.label.htmlEscaped)</text>")
    }
    parts += guides.flatMap { guide in
      let places = guide.points.map { (place(x: $0.x), place(y: $0.y)) }
      guard let last = places.last else { return [String]() }
      let path = places.map { "\(Self.text($0.0)) \(Self.text($0.1))" }.joined(separator: "L")
      let isRight = last.0 > Self.width * 0.8
      return [
        "<path class=\"\(guide.isDashed ? "mark" : "guide")\" d=\"M\(path)\"/>",
        "<text class=\"small\" x=\"\(Self.text(last.0 - (isRight ? 3 : -3)))\" y=\"\(Self.text(last.1 - 3))\" "
          + "text-anchor=\"\(isRight ? "end" : "start")\">\(guide.label.htmlEscaped)</text>",
      ]
    }
    for series in series where series.band.count > 1 {
      let band = series.band.filter { y.holds($0.low) && y.holds($0.high) && x.holds($0.x) }
      let edge = band.map { ($0.x, $0.high) } + band.reversed().map { ($0.x, $0.low) }
      let path = edge.map { "\(Self.text(place(x: $0.0))) \(Self.text(place(y: $0.1)))" }.joined(separator: "L")
      parts.append("<path class=\"band\" fill=\"var(--series-\(series.colour))\" d=\"M\(path)Z\"/>")
    }
    for series in series {
      var path = ""
      var isDown = false
      var markers: [String] = []
      for point in series.points {
        guard let value = point.y, y.holds(value), x.holds(point.x) else {
          isDown = false
          continue
        }
        let (column, row) = (Self.text(place(x: point.x)), Self.text(place(y: value)))
        path += "\(isDown ? "L" : "M")\(column) \(row)"
        isDown = true
        let name =
          "\(series.name), \(x.label) \(NumberText.short(point.x, digits: 6)): \(NumberText.short(value, digits: 4))"
        markers.append(
          "<circle cx=\"\(column)\" cy=\"\(row)\" r=\"2.5\" fill=\"var(--series-\(series.colour))\"><title>"
            + "\(name.htmlEscaped)</title></circle>")
      }
      guard !path.isEmpty else { continue }
      parts.append("<path \(Self.stroke(series)) d=\"\(path)\"/>")
      if markers.count <= Self.mostMarkers && !series.isDashed { parts += markers }
    }
    return "<svg class=\"chart\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
      + "aria-label=\"\(summary.htmlEscaped)\">\n\(parts.joined(separator: "\n"))\n</svg>"
  }

  /// The chart in words, for those who hear the page: where each curve begins and ends.
  private var summary: String {
    let curves = series.compactMap { series -> String? in
      let values = series.points.compactMap { point in point.y.map { (point.x, $0) } }
      guard let first = values.first, let last = values.last else { return nil }
      return "\(series.name): \(NumberText.short(first.1)) at \(NumberText.short(first.0, digits: 6)), "
        + "\(NumberText.short(last.1)) at \(NumberText.short(last.0, digits: 6))"
    }
    return "\(title), \(y.label) over \(x.label). " + curves.joined(separator: "; ")
  }

  private static func text(_ value: Double) -> String {
    let tenths = (value * 10).rounded()
    return tenths.truncatingRemainder(dividingBy: 10) == 0 ? "\(Int(tenths / 10))" : "\(tenths / 10)"
  }
}

/// Charts side by side, as many as the page is wide enough for.
public struct ChartGrid: HTMLConvertible {
  private let charts: [LineChart]

  /// Some charts.
  public init(_ charts: [LineChart]) { self.charts = charts }

  /// The charts.
  public var html: String { "<div class=\"charts\">\n" + charts.map(\.html).joined(separator: "\n") + "\n</div>" }
}
