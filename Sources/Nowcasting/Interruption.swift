import Foundation
import Synchronization

/// The user's wish to stop: Ctrl-C, SIGTERM, or the end of the terminal (SIGHUP, unless `nohup` has it ignored).
///
/// The first signal only sets a flag that long work looks at between its steps; the second one ends the program at once.
public enum Interruption {
  private static let flag = Atomic<Bool>(false)

  /// Whether a stop was asked for.
  public static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Catches the signals from now on.
  public static func catchSignals() {
    var signals = sigset_t()
    sigemptyset(&signals)
    let isDetached =
      signal(SIGHUP, SIG_IGN).map { unsafeBitCast($0, to: Int.self) } == unsafeBitCast(SIG_IGN, to: Int.self)
    for number in isDetached ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&signals, number)
      signal(number) { number in
        Interruption.flag.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
    // A program that was started from a thread with blocked signals inherits the block and would never hear of them.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}
