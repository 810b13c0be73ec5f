import Foundation
import Testing

@testable import Report

/// Whether a text is well-formed XML: tags closed in order, everything escaped. What this module writes is, but for the
/// few tags that HTML leaves open.
private func isWellFormed(_ html: String) throws -> Bool {
  var text = html
  for tag in ["<!DOCTYPE html>\n", "<meta charset=\"utf-8\">"] { text = text.replacingOccurrences(of: tag, with: "") }
  for tag in ["meta", "img", "input"] {
    text = text.replacing(try Regex("<\(tag) ([^>]*)>")) { "<\(tag) \($0.output[1].substring ?? "")/>" }
  }
  return XMLCheck(text).passes
}

/// Looks at the tags of a text: whether each that is opened is closed, in order.
private struct XMLCheck {
  let passes: Bool

  init(_ text: String) {
    var open: [Substring] = []
    var isFine = true
    var rest = Substring(text)
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { break }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("/") {
        isFine = isFine && open.popLast() == tag.dropFirst()
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { !$0.isWhitespace })
      }
      isFine = isFine && !tag.contains("<") && tag.count { $0 == "\"" } % 2 == 0
    }
    passes = isFine && open.isEmpty
  }
}

@Suite struct ReportTests {
  private func chart(_ points: [(x: Double, y: Double?)], scale: ChartAxis.Scale = .linear) -> LineChart {
    LineChart(
      "Loss <of> \"all\"", note: "a & b", x: ChartAxis("epoch"), y: ChartAxis("loss", scale: scale),
      series: [
        LineChart.Series("training", points, colour: 0), LineChart.Series("base", points, colour: 7, isDashed: true),
      ], mark: (x: points.first?.x ?? 0, label: "best"))
  }

  @Test func aPageIsWellFormedWhateverItsTexts() throws {
    let hostile = "</section><script>alert('x')</script>\" & <img src=x onerror=alert(1)>"
    let page = Page(
      title: hostile, subtitle: hostile,
      sections: [
        Page.Section(
          hostile,
          [
            Paragraph(hostile), Facts([Facts.Fact(hostile, hostile, detail: hostile)]),
            DataTable(caption: hostile, columns: [hostile, "b"], rows: [[hostile, "1"], ["r", hostile]]),
            ChartGrid([chart([(1, 0.5), (2, nil), (3, 0.25)]), chart([], scale: .logarithmic)]),
            MapTable(
              hostile, note: hostile, columns: ["+5 min"],
              rows: [
                (hostile, [MapTable.Map(png: Data([1, 2, 3]), width: 4, height: 5, text: hostile)]), ("x", [nil]),
              ]),
            ColourKey(unit: hostile, classes: [(hostile, "#ffffff")], others: [("dry", "var(--map)")]),
            Disclosure(hostile, Paragraph("inside")),
            FrameStepper(
              hostile, note: hostile,
              frames: (0..<2).map { _ in
                .init(
                  png: Data([1, 2, 3]), width: 4, height: 5, label: hostile, caption: hostile, text: hostile,
                  isPast: true)
              }, seconds: 0.4),
          ])
      ], footer: hostile
    ).html
    #expect(try isWellFormed(page))
    #expect(!page.contains("<script") && !page.contains("<img src=x"))
    #expect(page.contains("src=\"data:image/png;base64,AQID\""))
    // Nothing is fetched: no address but what begins with data:.
    #expect(!page.contains("http") && !page.contains("url("))
  }

  /// Without a script a map is chosen by the radio button before it; the style tells how long each one is shown.
  @Test func framesAreSteppedThroughWithoutAScript() {
    let frames = (0..<4).map { index in
      FrameStepper.Frame(
        png: Data([UInt8(index)]), width: 4, height: 5, label: "+\(index)", caption: "c", text: "map \(index)",
        isPast: index == 0)
    }
    let stepper = FrameStepper("Rain", frames: frames, first: 1, seconds: 0.5)
    let parts = stepper.html.components(separatedBy: "<input")
    #expect(parts.count == 6 && parts[1].contains("class=\"play\""))
    #expect(parts.count { $0.contains(" checked>") } == 1 && parts[3].contains(" checked>"))
    #expect(
      parts[3].contains("for=\"frame-1\"") && parts[3].contains("alt=\"map 1\"") && parts[3].contains("--place:1"))
    #expect(parts[2].contains("class=\"past\"") && !parts[3].contains("class=\"past\""))
    #expect(
      stepper.pageStyle.contains("animation: turn 2s")
        && stepper.pageStyle.contains("25%, 100% { visibility: hidden; }"))
    let page = Page(title: "t", subtitle: "s", sections: [.init("h", [stepper])], footer: "f").html
    #expect(page.contains(stepper.pageStyle))
    // What cannot move has no button to play.
    #expect(!FrameStepper("Rain", frames: [frames[0]], seconds: 0.5).html.contains("play"))
  }

  /// The places of points, worked out by hand: the plot is 316 × 184 from (52, 26).
  @Test func pointsLieWhereTheyShould() {
    let html = chart([(0, 0), (5, 0.5), (10, 1)]).html
    #expect(html.contains("d=\"M52 210L210 118L368 26\""))
    let log = chart([(1, 0.01), (3, 1)], scale: .logarithmic).html
    // Room of 4 % above and below on a scale of two decades.
    #expect(log.contains("d=\"M52 203.2L368 32.8\""))
    #expect(log.contains(">0.01</text>") && log.contains(">0.1</text>") && log.contains(">1</text>"))
  }

  @Test func curvesAreInterruptedWhereNothingIsKnown() {
    let html = chart([(0, 0), (1, 1), (2, nil), (3, .nan), (4, 0), (5, 1)]).html
    #expect(html.contains("d=\"M52 210L115.2 26M304.8 210L368 26\""))
    // What has no logarithm is left out.
    let log = chart([(0, 0), (1, 1), (2, -1), (3, 10)], scale: .logarithmic).html
    #expect(log.components(separatedBy: "<circle").count == 3)
  }

  @Test func ticksAreRound() {
    func ticks(_ values: [Double], _ scale: ChartAxis.Scale = .linear) -> [Double] {
      ChartAxis("", scale: scale).layout(values, wanted: 5).ticks
    }
    #expect(ticks([0, 1]) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
    #expect(ticks([3, 97]) == [20, 40, 60, 80])
    #expect(ticks([1e-3, 10], .logarithmic) == [1e-3, 1e-2, 1e-1, 1, 10])
    #expect(ticks([1e-5, 1e2], .logarithmic) == [1e-5, 1e-3, 1e-1, 10])
    #expect(ticks([0.02, 0.06], .logarithmic) == [0.02, 0.03, 0.04, 0.05])
    for values in [[], [0], [5, 5], [-1e300, 1e300], [.nan, .infinity], [1e-300], [1, 1 + 1e-12]] as [[Double]] {
      for scale in [ChartAxis.Scale.linear, .logarithmic] {
        let (range, ticks) = ChartAxis("", scale: scale).layout(values, wanted: 5)
        #expect(range.lowerBound < range.upperBound && range.lowerBound.isFinite && range.upperBound.isFinite)
        #expect(ticks.count < 20 && ticks.allSatisfy(\.isFinite))
      }
    }
  }

  @Test func numbersAreShort() {
    let texts: [(Double, String)] = [
      (0, "0"), (1, "1"), (0.0123456, "0.0123"), (123_456, "123456"), (1.5e-5, "1.5e-5"), (-2.5, "-2.5"),
      (3e9, "3e9"), (.nan, "–"), (99.96, "100"), (1000, "1000"),
    ]
    for (value, text) in texts { #expect(NumberText.short(value) == text) }
  }
}
