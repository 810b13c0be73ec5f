import Foundation
import Synchronization

/// Memory that a computation will take, compared with what there is before it starts.
enum MemoryNeed {
  private static let allBytes = min(
    Double(ProcessInfo.processInfo.physicalMemory), MemoryLimit.ofContainer() ?? .infinity)
  private static let processes = Atomic<Int>(1)

  /// What the machine has, or the container that the process is in allows it; of several ranks on it, this one's share.
  static var machineBytes: Double { allBytes / Double(processes.load(ordering: .relaxed)) }

  /// Has this process take no more than its share, before it has looked at how much there is.
  static func share(among processes: Int) { self.processes.store(processes, ordering: .relaxed) }

  /// Whether so much fits, with something left for the system.
  static func fits(_ bytes: Double, machine: Double = machineBytes) -> Bool { bytes <= 0.95 * machine }

  /// - Throws: ``NowcastError`` `usage` when there is less.
  static func require(_ bytes: Double, for purpose: String, remedy: String, machine: Double = machineBytes) throws {
    guard fits(bytes, machine: machine) else {
      throw NowcastError(
        .usage,
        "\(purpose) would take about \(text(bytes)) of memory, and this machine has \(text(machine))\(shared); "
          + "\(remedy).")
    }
  }

  private static var shared: String { processes.load(ordering: .relaxed) > 1 ? " for each rank" : "" }

  /// A number of bytes in the unit that suits it.
  static func text(_ bytes: Double) -> String {
    bytes < 1e9 ? String(format: "%.0f MB", bytes / 1e6) : String(format: "%.2f GB", bytes / 1e9)
  }

  /// The most that this process has had in memory so far.
  static var peakBytes: Double {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return Double(usage.ru_maxrss) * 1024
    #else
      getrusage(RUSAGE_SELF, &usage)
      return Double(usage.ru_maxrss)
    #endif
  }
}

/// The memory that a Linux container (control group) allows its processes, which the machine's own size does not tell.
enum MemoryLimit {
  /// The least limit of the process's control group and those above it; `nil` where there is none.
  ///
  /// - Parameters:
  ///   - root: where the control groups are mounted.
  ///   - membership: the file that says which ones the process is in (cgroups(7)).
  static func ofContainer(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Double? {
    guard let lines = try? String(contentsOfFile: membership, encoding: .utf8) else { return nil }
    var limits: [Double] = []
    for line in lines.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",")
      let (folder, name): (String, String)
      if controllers.isEmpty {
        (folder, name) = (root, "memory.max")
      } else if controllers.contains("memory") {
        (folder, name) = (root + "/memory", "memory.limit_in_bytes")
      } else {
        continue
      }
      // Within a container its own group is mounted as the root, and the path is that outside: what is not there is
      // passed over on the way up.
      var path = String(parts[2])
      while true {
        let text = try? String(contentsOfFile: folder + path + "/" + name, encoding: .utf8)
        if let limit = text.flatMap({ Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) {
          limits.append(limit)
        }
        guard let cut = path.lastIndex(of: "/") else { break }
        path = String(path[..<cut])
      }
    }
    return limits.min()
  }
}
