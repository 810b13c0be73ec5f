import Foundation

/// Memory that a computation will take, compared with what the machine has before it starts.
enum MemoryNeed {
  /// What the machine has.
  static var machineBytes: Double { Double(ProcessInfo.processInfo.physicalMemory) }

  /// Whether a machine has that much, with something left for the system.
  static func fits(_ bytes: Double, machine: Double = machineBytes) -> Bool { bytes <= 0.95 * machine }

  /// - Throws: ``NowcastError`` `usage` when the machine has less.
  static func require(_ bytes: Double, for purpose: String, remedy: String, machine: Double = machineBytes) throws {
    guard fits(bytes, machine: machine) else {
      throw NowcastError(
        .usage,
        "\(purpose) would take about \(text(bytes)) of memory, and this machine has \(text(machine)); \(remedy).")
    }
  }

  /// A number of bytes in the unit that suits it.
  static func text(_ bytes: Double) -> String {
    bytes < 1e9 ? String(format: "%.0f MB", bytes / 1e6) : String(format: "%.1f GB", bytes / 1e9)
  }
}
