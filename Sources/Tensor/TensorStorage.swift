#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The memory behind a tensor.
///
/// `@unchecked Sendable` because it is written to only while uniquely referenced, as ``Tensor`` sees to.
final class TensorStorage: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Float>
  /// What was mapped for large storage; `nil` for small storage, which comes from the heap.
  private let mapping: UnsafeMutableRawBufferPointer?

  /// Large storage comes from the system, which zeroes its pages when they are first touched, and where it can be in
  /// pages of 2 MB: a fault for every 4 KB takes longer than to write them. And it goes back to the system, where the heap
  /// would keep what lies between other blocks.
  init(count: Int) {
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
      pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64).bindMemory(
        to: Float.self, capacity: max(count, 1))
    }
  }

  /// Whether fresh storage holds zeros.
  var isZeroed: Bool { mapping != nil }

  deinit {
    if let mapping {
      munmap(mapping.baseAddress, mapping.count)
    } else {
      pointer.deallocate()
    }
  }

  private static func map(_ bytes: Int) -> UnsafeMutableRawBufferPointer? {
    let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    return UnsafeMutableRawBufferPointer(start: start, count: bytes)
  }
}
