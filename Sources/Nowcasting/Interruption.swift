import Foundation
import Synchronization

/// The user's wish to stop: Ctrl-C or SIGTERM.
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
    for number in [SIGINT, SIGTERM] {
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
