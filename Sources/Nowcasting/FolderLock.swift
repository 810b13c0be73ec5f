import Foundation

/// A folder in the hands of one process, until that ends or lets go.
final class FolderLock {
  private let descriptor: Int32

  /// Takes a folder; `nil` when another process has it.
  ///
  /// A file system that knows no locks is no reason not to work.
  init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(descriptor)
      return nil
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
