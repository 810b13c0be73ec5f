import Foundation
import RadarIO

/// Where a watch says what happens: the log and the status file.
///
/// `@unchecked Sendable`: everything that changes goes through the lock, which is also held while a forecast is written; so
/// whoever ends the process under the lock interrupts no writing.
final class WatchJournal: @unchecked Sendable {
  private let lock = NSLock()
  private let folder: String
  private let report: @Sendable (WatchLine) -> Void
  private var status: WatchStatus
  private var lastWrite = -Double.infinity
  private var hasFailed = false
  private var isEnded = false

  init(_ status: WatchStatus, folder: String, report: @escaping @Sendable (WatchLine) -> Void) {
    (self.status, self.folder, self.report) = (status, folder, report)
  }

  /// Writes a line of the log.
  func tell(_ line: WatchLine) { report(line) }

  /// Does something that must not be interrupted.
  func protect<R>(_ body: () throws -> R) rethrows -> R { try lock.withLock(body) }

  /// Changes the status, and writes it if it is time to.
  func update(now: Double, isDue: Bool, _ change: (inout WatchStatus) -> Void) {
    lock.withLock {
      change(&status)
      guard !isEnded, isDue || now - lastWrite >= 60 else { return }
      lastWrite = now
      write()
    }
  }

  private func write() {
    do {
      try status.write(in: folder)
      hasFailed = false
    } catch {
      // A full disk is told once, and monitoring sees that the file is old.
      if !hasFailed { report(WatchLine(.warning, "the status file: \(error)")) }
      hasFailed = true
    }
  }

  /// Writes the last status and the last line, once.
  func end(_ reason: String) { lock.withLock { writeEnd(reason) } }

  private func writeEnd(_ reason: String) {
    guard !isEnded else { return }
    isEnded = true
    status.state = .ended
    write()
    report(WatchLine(.end, reason))
  }

  /// From now on, ends the process cleanly when a stop is asked for and the work at hand does not end by itself soon:
  /// a forecast of a large grid takes seconds, and nothing is lost with it.
  func limitEnd(seconds: Double) {
    let thread = Thread { [self] in
      while !Interruption.isRequested {
        if protect({ isEnded }) { return }
        usleep(50_000)
      }
      usleep(UInt32(seconds * 1_000_000))
      lock.lock()
      // If it did end meanwhile, the process is about to; this thread goes with it.
      guard !isEnded else { return lock.unlock() }
      writeEnd(WatchJournal.stopped)
      // Not `exit`: other threads are still computing with what would be torn down. What reads files ends by itself.
      _exit(0)
    }
    thread.stackSize = 512 << 10
    thread.start()
  }

  static let stopped = "stopped, as it was told to"
}
