#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Large pieces of memory from the system, of which those given back are kept for the next buffer of the same size.
///
/// A forecast or a training step takes the same pieces each time, and the system has to find and clear fresh pages
/// whenever they are first touched, which can take as long as a quarter of the work. What is kept never makes the process
/// larger than it has been: pieces go back to the system before a new one is mapped that would.
///
/// A mutex of the C library, not that of `Synchronization`: the thread sanitizer does not see what the latter orders.
final class MappedMemory: @unchecked Sendable {
  static let shared = MappedMemory()

  /// Pages of 2 MB where the system has them: a fault for every 4 KB takes longer than to write them, and kernels that jump
  /// from row to row would often wait for the translation of addresses.
  static let page = 2 << 20

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Pieces that nobody uses, the one given back first at the front.
  private var kept: [UnsafeMutableRawBufferPointer] = []
  private var keptBytes = 0
  private var usedBytes = 0
  private var mostBytes = 0

  private init() { pthread_mutex_init(mutex, nil) }

  /// Memory for at least `bytes` bytes, aligned to ``page``, and whether it is known to hold zeros; `nil` where the system
  /// has none. It is longer than asked for and goes back as it came.
  func take(_ bytes: Int) -> (memory: UnsafeMutableRawBufferPointer, isZero: Bool)? {
    let size = (bytes + Self.page - 1) / Self.page * Self.page
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let index = kept.lastIndex(where: { $0.count == size }) {
      let memory = kept.remove(at: index)
      keptBytes -= size
      usedBytes += size
      return (memory, false)
    }
    while !kept.isEmpty && usedBytes + keptBytes + size > mostBytes { release(kept.removeFirst()) }
    guard let memory = Self.map(size) else { return nil }
    usedBytes += size
    mostBytes = max(mostBytes, usedBytes + keptBytes)
    return (memory, true)
  }

  /// Takes back what ``take(_:)`` gave.
  func giveBack(_ memory: UnsafeMutableRawBufferPointer) {
    pthread_mutex_lock(mutex)
    kept.append(memory)
    keptBytes += memory.count
    usedBytes -= memory.count
    pthread_mutex_unlock(mutex)
  }

  /// Gives all that nobody uses back to the system, for a process that will not need as much again.
  func giveBackAll() {
    pthread_mutex_lock(mutex)
    while !kept.isEmpty { release(kept.removeFirst()) }
    mostBytes = usedBytes
    pthread_mutex_unlock(mutex)
  }

  private func release(_ memory: UnsafeMutableRawBufferPointer) {
    keptBytes -= memory.count
    munmap(memory.baseAddress, memory.count)
  }

  /// Maps whole pages, aligned to their size.
  private static func map(_ size: Int) -> UnsafeMutableRawBufferPointer? {
    let all = mmap(nil, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let all, all != MAP_FAILED else { return nil }
    let start = all.alignedUp(toMultipleOf: page)
    if start > all { munmap(all, start - all) }
    munmap(start + size, page - (start - all))
    #if canImport(Glibc)
      madvise(start, size, MADV_HUGEPAGE)
    #endif
    return UnsafeMutableRawBufferPointer(start: start, count: size)
  }
}
