import Foundation

/// Maps in rows (what was observed, what was forecast) and columns (times), which scrolls sideways where it is too wide.
public struct MapTable: HTMLConvertible {
  /// A map.
  public struct Map: Sendable {
    fileprivate let png: Data
    fileprivate let width: Int
    fileprivate let height: Int
    fileprivate let text: String

    /// - Parameter text: what is on it, for those who do not see it.
    public init(png: Data, width: Int, height: Int, text: String) {
      (self.png, self.width, self.height, self.text) = (png, width, height, text)
    }
  }

  private let title: String
  private let note: String?
  private let columns: [String]
  private let rows: [(name: String, maps: [Map?])]

  /// - Parameter rows: a map, or a blank, for each column.
  /// - Precondition: every row has a place for each column.
  public init(_ title: String, note: String? = nil, columns: [String], rows: [(name: String, maps: [Map?])]) {
    precondition(rows.allSatisfy { $0.maps.count == columns.count }, "a row of another length than the header")
    (self.title, self.note, self.columns, self.rows) = (title, note, columns, rows)
  }

  /// The figure.
  public var html: String {
    let head = columns.map { "<th scope=\"col\">\($0.htmlEscaped)</th>" }.joined()
    let body = rows.map { row in
      "<tr><th scope=\"row\">\(row.name.htmlEscaped)</th>"
        + row.maps.map { "<td>\($0.map(Self.image) ?? "")</td>" }.joined()
        + "</tr>"
    }
    let note = note.map { "<p>\($0.htmlEscaped)</p>" } ?? ""
    return """
      <figure><figcaption>\(title.htmlEscaped)\(note)</figcaption>
      <div class="maps" tabindex="0"><table><thead><tr><td></td>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody></table></div></figure>
      """
  }

  private static func image(_ map: Map) -> String {
    "<img src=\"data:image/png;base64,\(map.png.base64EncodedString())\" width=\"\(map.width)\" height=\"\(map.height)\" "
      + "alt=\"\(map.text.htmlEscaped)\">"
  }
}

/// What the colours of maps mean.
public struct ColourKey: HTMLConvertible {
  private let unit: String
  private let classes: [(label: String, colour: String)]
  private let others: [(label: String, colour: String)]

  /// - Parameters:
  ///   - unit: that of the classes.
  ///   - classes: the value at which each begins, rising, and its colour in CSS.
  ///   - others: what else there is.
  public init(unit: String, classes: [(label: String, colour: String)], others: [(label: String, colour: String)]) {
    (self.unit, self.classes, self.others) = (unit, classes, others)
  }

  /// A list of colours.
  public var html: String {
    func item(_ entry: (label: String, colour: String), _ style: String) -> String {
      "<li\(style)><span style=\"background:\(entry.colour)\"></span>\(entry.label.htmlEscaped)</li>"
    }
    let first = classes.enumerated().map { index, entry in
      item((index == 0 ? "≥ \(entry.label)" : entry.label, entry.colour), "")
    }
    let rest = others.map { item($0, " class=\"apart\"") }
    return "<ul class=\"colours\" aria-label=\"Colours by \(unit.htmlEscaped)\">\((first + rest).joined())"
      + "<li class=\"apart\">\(unit.htmlEscaped)</li></ul>"
  }
}
