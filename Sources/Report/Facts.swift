/// The few numbers that say most, each with its name.
public struct Facts: HTMLConvertible {
  /// One of them.
  public struct Fact: Sendable {
    fileprivate let name: String
    fileprivate let value: String
    fileprivate let detail: String?

    /// - Parameter detail: what the value is to be seen beside.
    public init(_ name: String, _ value: String, detail: String? = nil) {
      (self.name, self.value, self.detail) = (name, value, detail)
    }
  }

  private let facts: [Fact]

  /// Some facts, the most important one first.
  public init(_ facts: [Fact]) { self.facts = facts }

  /// A description list.
  public var html: String {
    let items = facts.map { fact in
      let detail = fact.detail.map { "<small>\($0.htmlEscaped)</small>" } ?? ""
      return "<div><dt>\(fact.name.htmlEscaped)</dt><dd>\(fact.value.htmlEscaped)\(detail)</dd></div>"
    }
    return "<dl class=\"facts\">\n" + items.joined(separator: "\n") + "\n</dl>"
  }
}
