import Foundation

/// A part of a page.
public protocol HTMLConvertible: Sendable {
  /// The part as HTML; every text that came from outside is escaped.
  var html: String { get }
  /// What the part needs in the style of its page beside what all pages have. Only that of a section's own parts is used.
  var pageStyle: String { get }
}

extension HTMLConvertible {
  /// Nothing: the style that all pages have will do.
  public var pageStyle: String { "" }
}

/// Ready HTML.
public struct RawHTML: HTMLConvertible {
  /// The HTML.
  public let html: String

  /// Takes `html` as it is.
  public init(_ html: String) { self.html = html }
}

/// A paragraph of plain text.
public struct Paragraph: HTMLConvertible {
  private let text: String
  private let style: String

  /// - Parameter isNote: whether it is an aside, set smaller.
  public init(_ text: String, isNote: Bool = false) {
    self.text = text
    style = isNote ? " class=\"note\"" : ""
  }

  /// The paragraph.
  public var html: String { "<p\(style)>\(text.htmlEscaped)</p>" }
}

/// Sentences one below the other, each with a point.
public struct BulletList: HTMLConvertible {
  private let sentences: [String]

  /// Some sentences of plain text.
  public init(_ sentences: [String]) { self.sentences = sentences }

  /// A list; nothing without sentences.
  public var html: String {
    guard !sentences.isEmpty else { return "" }
    return "<ul class=\"points\">\n" + sentences.map { "<li>\($0.htmlEscaped)</li>" }.joined(separator: "\n")
      + "\n</ul>"
  }
}

extension String {
  /// The text with the letters replaced that mean something in HTML and in its attributes.
  public var htmlEscaped: String {
    var result = ""
    for character in unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}

/// Numbers as people read them.
public enum NumberText {
  /// Three significant digits, and an exponent only for what is very large or small: `0.0123`, `4.56`, `1.2e-5`.
  public static func short(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return "–" }
    if value == 0 { return "0" }
    let size = value.magnitude
    guard size >= 1e-4, size < 1e7 else {
      let parts = String(format: "%.\(max(digits - 1, 0))e", value).split(separator: "e")
      return "\(trimmed(String(parts[0])))e\(Int(parts[1]) ?? 0)"
    }
    let places = max(0, digits - 1 - Int(floor(log10(size))))
    return trimmed(String(format: "%.\(places)f", value))
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    let digits = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return String(digits.reversed())
  }
}
