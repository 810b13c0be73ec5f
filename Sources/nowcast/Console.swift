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
    // What is only to know, rank 0 tells for all.
    guard Job.rank == 0 || event.level >= .warning else { return }
    let rank = Job.rank > 0 ? "rank \(Job.rank): " : ""
    let level = event.level >= .warning ? "\(event.level.rawValue): " : ""
    Console.note("nowcast: \(rank)\(level)\(event.message)")
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
