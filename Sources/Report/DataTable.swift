/// A table of texts and numbers, which scrolls sideways where it is too wide. The first column names the rows.
public struct DataTable: HTMLConvertible {
  private let caption: String?
  private let columns: [String]
  private let rows: [[String]]
  private let textColumns: Set<Int>

  /// - Parameters:
  ///   - rows: as many texts each as there are columns.
  ///   - textColumns: the columns that are words, not numbers, and so begin at the left.
  /// - Precondition: every row has a text for each column.
  public init(caption: String? = nil, columns: [String], rows: [[String]], textColumns: Set<Int> = []) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "a row of another length than the header")
    (self.caption, self.columns, self.rows, self.textColumns) = (caption, columns, rows, textColumns)
  }

  /// The table.
  public var html: String {
    func style(_ column: Int) -> String { textColumns.contains(column) ? " class=\"text\"" : "" }
    let head = columns.enumerated().map { "<th scope=\"col\"\(style($0))>\($1.htmlEscaped)</th>" }.joined()
    let body = rows.map { row in
      "<tr>"
        + row.enumerated().map { column, text in
          column == 0
            ? "<th scope=\"row\">\(text.htmlEscaped)</th>" : "<td\(style(column))>\(text.htmlEscaped)</td>"
        }.joined() + "</tr>"
    }
    let caption = caption.map { "<caption>\($0.htmlEscaped)</caption>" } ?? ""
    return """
      <div class="scroll" tabindex="0"><table>\(caption)<thead><tr>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody></table></div>
      """
  }
}

/// Something that is shown when the reader asks for it.
public struct Disclosure: HTMLConvertible {
  private let summary: String
  private let content: any HTMLConvertible

  /// - Parameter summary: what is always shown.
  public init(_ summary: String, _ content: any HTMLConvertible) { (self.summary, self.content) = (summary, content) }

  /// The summary and what is behind it.
  public var html: String { "<details><summary>\(summary.htmlEscaped)</summary>\n\(content.html)\n</details>" }
}
