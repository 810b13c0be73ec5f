import Foundation

/// Memory that a computation will take, compared with what the machine has before it starts.
enum MemoryNeed {
  /// - Throws: ``NowcastError`` `usage` when the machine has less.
  static func require(_ bytes: Double, for purpose: String, remedy: String) throws {
    let present = Double(ProcessInfo.processInfo.physicalMemory)
    guard bytes <= 0.95 * present else {
      throw NowcastError(
        .usage,
        "\(purpose) would take about \(text(bytes)) of memory, and this machine has \(text(present)); \(remedy).")
    }
  }

  /// A number of bytes in the unit that suits it.
  static func text(_ bytes: Double) -> String {
    bytes < 1e9 ? String(format: "%.0f MB", bytes / 1e6) : String(format: "%.1f GB", bytes / 1e9)
  }
}
