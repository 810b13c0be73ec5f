import Foundation
import Synchronization

/// The user's wish to stop: Ctrl-C, SIGTERM, or the end of the terminal (SIGHUP, unless `nohup` has it ignored).
///
/// The first signal only sets a flag that long work looks at between its steps; the second one ends the program at once.
public enum Interruption {
  private static let flag = Atomic<Bool>(false)
  private static let reloadFlag = Atomic<Bool>(false)
  /// Whether there was a terminal when signals began to be caught.
  private static let terminalFlag = Atomic<Bool>(false)

  /// Whether a stop was asked for.
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Whether a service was asked to read its files again since this was asked last.
  ///
  /// The same signal also tells that a terminal was closed, and then it is a wish to stop.
  static func takeReload() -> Bool {
    guard reloadFlag.exchange(false, ordering: .relaxed) else { return false }
    guard terminalFlag.load(ordering: .relaxed), isatty(STDIN_FILENO) == 0 else { return true }
    flag.store(true, ordering: .relaxed)
    return false
  }

  /// Catches the signals from now on.
  ///
  /// - Parameter isService: whether SIGHUP does not mean a stop but ``takeReload()``, as for programs that have no terminal.
  public static func catchSignals(isService: Bool = false) {
    let isDetached =
      signal(SIGHUP, SIG_IGN).map { unsafeBitCast($0, to: Int.self) } == unsafeBitCast(SIG_IGN, to: Int.self)
    for number in isDetached || isService ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { number in
        Interruption.flag.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    terminalFlag.store(isatty(STDIN_FILENO) == 1, ordering: .relaxed)
    if isService { signal(SIGHUP) { _ in Interruption.reloadFlag.store(true, ordering: .relaxed) } }
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    // A program that was started from a thread with blocked signals inherits the block and would never hear of them.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
