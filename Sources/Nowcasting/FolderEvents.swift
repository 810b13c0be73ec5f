import Foundation

/// What the system tells about files in folders, so that nobody has to look all the time: inotify on Linux.
///
/// Elsewhere, and on file systems that other machines write to, nothing is told; who waits has to look now and then, too.
struct FolderEvents {
  /// What was told.
  struct News {
    /// Files that were closed after they had been written, or got their name: as whole as whoever wrote them thinks.
    var complete: Set<String> = []
    /// Whether more may have happened: a folder came or went, or so much that some was lost.
    var isIncomplete = false
  }

  #if os(Linux)
    private let descriptor: Int32
    private var folders: [Int32: String] = [:]

    /// `nil` when the system has no more of them to give (`fs.inotify.max_user_instances`).
    init?() {
      descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
      if descriptor < 0 { return nil }
    }

    func stop() { close(descriptor) }

    /// Asks for news of folders. To be called again and again: one that vanished and came back is another one.
    ///
    /// - Returns: whether all are watched.
    mutating func watch(_ paths: [String]) -> Bool {
      let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)
      var isComplete = true
      for path in paths {
        let watch = inotify_add_watch(descriptor, path, mask)
        if watch >= 0 { folders[watch] = path } else { isComplete = false }
      }
      return isComplete
    }

    /// Waits for news, at most so many seconds; a signal may end the wait early.
    mutating func wait(seconds: Double) -> News {
      var news = News()
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, Int32(max(0, seconds) * 1000)) > 0 else { return news }
      withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
        while true {
          let count = read(descriptor, buffer.baseAddress, buffer.count)
          guard count > 0 else { return }
          take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), &news)
        }
      }
      return news
    }

    /// Events as inotify(7) lays them out: watch, mask, cookie and length of the name, each of four bytes, and the name.
    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ news: inout News) {
      var place = 0
      while place + 16 <= bytes.count {
        let watch = bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)
        let mask = Int(bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
        let length = Int(bytes.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self))
        let name = String(decoding: bytes[place + 16..<place + 16 + length].prefix { $0 != 0 }, as: UTF8.self)
        place += 16 + length
        if mask & Int(IN_IGNORED) != 0 {
          folders[watch] = nil
        } else if mask & (Int(IN_Q_OVERFLOW) | Int(IN_ISDIR) | Int(IN_DELETE_SELF)) != 0 {
          news.isIncomplete = true
        } else if mask & Int(IN_MOVE_SELF) != 0 {
          // The name belongs to another folder from now on, or to none.
          inotify_rm_watch(descriptor, watch)
          news.isIncomplete = true
        } else if mask & (Int(IN_CLOSE_WRITE) | Int(IN_MOVED_TO)) != 0, let folder = folders[watch] {
          news.complete.insert(folder + (folder.hasSuffix("/") ? "" : "/") + name)
        }
      }
    }
  #else
    init?() { nil }
    func stop() {}
    mutating func watch(_ paths: [String]) -> Bool { false }
    mutating func wait(seconds: Double) -> News { News() }
  #endif
}
