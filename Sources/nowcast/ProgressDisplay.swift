import Foundation

/// Tells how far a long work is: some lines that are rewritten in place on a terminal, a plain line every ten seconds
/// elsewhere.
struct ProgressDisplay {
  private let terminal = Terminal.standardError
  private let isQuiet: Bool
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant?
  /// The lines that are on the terminal.
  private var height = 0

  init(quiet: Bool) { isQuiet = quiet }

  /// Shows where the work stands if it is time to. `isLast` is always shown.
  ///
  /// - Parameters:
  ///   - plain: one line for a log.
  ///   - lines: the lines for a terminal of so many columns; the plain one if left out.
  mutating func show(isLast: Bool = false, plain: () -> String, lines: ((Terminal) -> [String])? = nil) {
    guard !isQuiet else { return }
    let now = clock.now
    if !isLast, let last, now - last < (terminal == nil ? .seconds(10) : .milliseconds(200)) { return }
    last = now
    guard let terminal else { return Console.note(plain()) }
    // A line that is too long would be wrapped, and then there would be more of them than are counted.
    let texts = (lines?(terminal) ?? [plain()]).map { String($0.prefix(terminal.columns - 1)) }
    let back = height > 1 ? "\u{1B}[\(height - 1)A" : ""
    // Back to the first column of the first line; what an earlier, longer text left behind is erased.
    Console.write("\r\(back)\(texts.joined(separator: "\u{1B}[K\n"))\u{1B}[J", to: .standardError)
    height = texts.count
  }

  /// Leaves the lines, so that what follows begins a new one.
  mutating func end() {
    if height > 0 { Console.write("\n", to: .standardError) }
    height = 0
  }
}

/// What a terminal can show.
struct Terminal {
  /// Its width now.
  let columns: Int
  /// Whether letters beyond ASCII can be shown.
  let isUnicode: Bool

  /// The terminal that standard error goes to; `nil` where it goes elsewhere, or to one that cannot move back.
  static var standardError: Terminal? {
    let environment = ProcessInfo.processInfo.environment
    guard isatty(STDERR_FILENO) == 1, environment["TERM"] != "dumb" else { return nil }
    var size = winsize()
    let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    // The first of them that is set and not empty counts (locale(7)).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let name = locale.lowercased()
    return Terminal(
      columns: isKnown ? max(Int(size.ws_col), 20) : 80, isUnicode: name.contains("utf-8") || name.contains("utf8"))
  }

  /// A bar of `width` columns, filled to `share`.
  func bar(_ share: Double, width: Int) -> String {
    let share = min(max(share, 0), 1)
    guard isUnicode else {
      let marks = String(repeating: "#", count: Int(share * Double(width - 2)))
      return "[" + marks.padding(toLength: width - 2, withPad: ".", startingAt: 0) + "]"
    }
    let filled = share * Double(width)
    let whole = Int(filled)
    let half = whole < width && filled - Double(whole) >= 0.5
    return String(repeating: "━", count: whole) + (half ? "╸" : "")
      + String(repeating: "┄", count: width - whole - (half ? 1 : 0))
  }

  /// Fields in lines no wider than the terminal, two spaces between them.
  func wrapped(_ fields: [String]) -> [String] {
    fields.reduce(into: [String]()) { lines, field in
      if let line = lines.last, line.count + 2 + field.count < columns {
        lines[lines.count - 1] = line + "  " + field
      } else {
        lines.append(field)
      }
    }
  }
}
