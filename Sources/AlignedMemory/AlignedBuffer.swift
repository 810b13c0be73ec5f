#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Zeroed memory for `count` floats, aligned to a cache line, that lives as long as this object.
///
/// What tensors and the kernels' images lie in. Nothing checks bounds. `@unchecked Sendable`: who writes which part is
/// settled by the owner: a tensor writes only while it alone refers to its buffer, operators split the work by output.
public final class AlignedBuffer: @unchecked Sendable {
  /// The number of floats.
  public let count: Int
  /// The first of them.
  public let pointer: UnsafeMutablePointer<Float>
  /// What was mapped for a large buffer; `nil` for a small one, which comes from the heap.
  private let mapping: UnsafeMutableRawBufferPointer?

  /// Allocates `count` zeros.
  ///
  /// Large buffers come from the system page by page, as they are first touched, zeroed, and where it can be in pages of
  /// 2 MB: a fault for every 4 KB takes longer than to write them, and kernels that jump from row to row would often wait
  /// for the translation of addresses. They go back to the system, where the heap would keep what lies in between.
  ///
  /// - Precondition: `count` is not negative.
  public init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let page = 2 << 20
    if bytes >= page, let mapping = Self.map(bytes + page) {
      self.mapping = mapping
      let start = mapping.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: page)
      #if canImport(Glibc)
        madvise(start, bytes, MADV_HUGEPAGE)
      #endif
      pointer = start.bindMemory(to: Float.self, capacity: count)
    } else {
      mapping = nil
      pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        .bindMemory(to: Float.self, capacity: max(count, 1))
      pointer.update(repeating: 0, count: count)
    }
  }

  deinit {
    if let mapping {
      munmap(mapping.baseAddress, mapping.count)
    } else {
      pointer.deallocate()
    }
  }

  /// Sets every float to zero.
  public func clear() { pointer.update(repeating: 0, count: count) }

  private static func map(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
    let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    return UnsafeMutableRawBufferPointer(start: start, count: bytes)
  }
}
