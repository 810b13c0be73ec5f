import Foundation
import Logging

/// What goes to the terminal: results to standard output, everything else to standard error.
enum Console {
  /// A sentence about what went wrong.
  static func complain(_ message: String) { write("nowcast: \(message)\n", to: .standardError) }

  /// A result.
  static func print(_ text: String) { write(text + "\n", to: .standardOutput) }

  /// Something to know meanwhile.
  static func note(_ text: String) { write(text + "\n", to: .standardError) }

  static func write(_ text: String, to handle: FileHandle) {
    // A closed pipe is nobody's loss: whoever reads has seen enough.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}

/// Log lines for people: `nowcast: warning: …` on standard error, notes without a level.
struct ConsoleLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level = event.level >= .warning ? "\(event.level.rawValue): " : ""
    Console.note("nowcast: \(level)\(event.message)")
  }
}

/// A line that tells how far a long work is: rewritten in place on a terminal, a plain line every ten seconds elsewhere.
struct ProgressLine {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let isQuiet: Bool
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant?
  private var isOpen = false

  init(quiet: Bool) { isQuiet = quiet }

  /// Shows `text` if it is time to. `isLast` is always shown.
  mutating func show(isLast: Bool = false, _ text: () -> String) {
    guard !isQuiet else { return }
    let now = clock.now
    if !isLast, let last, now - last < (isTerminal ? .milliseconds(200) : .seconds(10)) { return }
    last = now
    if isTerminal {
      // Back to the first column; what an earlier, longer text left behind is erased.
      Console.write("\r\(text())\u{1B}[K", to: .standardError)
      isOpen = true
    } else {
      Console.note(text())
    }
  }

  /// Leaves the line, so that what follows begins a new one.
  mutating func end() {
    if isOpen { Console.write("\n", to: .standardError) }
    isOpen = false
  }
}

/// A duration in the largest units that tell something: `1 h 02 min`, `3 min 20 s`, `12 s`.
func durationText(_ seconds: Double) -> String {
  guard seconds.magnitude < 1e12 else { return "\(seconds) s" }
  let whole = Int(seconds.rounded())
  if whole >= 3600 { return String(format: "%d h %02d min", whole / 3600, whole / 60 % 60) }
  if whole >= 60 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
  return "\(whole) s"
}
