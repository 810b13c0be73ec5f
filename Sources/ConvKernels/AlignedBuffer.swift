/// Zeroed memory for `count` floats, aligned to a cache line, that lives as long as this object.
///
/// Kernels take its ``pointer``; nothing checks bounds. `@unchecked Sendable`: who writes which part is settled by the
/// operators, which split the work by output.
public final class AlignedBuffer: @unchecked Sendable {
  /// The number of floats.
  public let count: Int
  /// The first of them.
  public let pointer: UnsafeMutablePointer<Float>

  /// Allocates `count` zeros.
  ///
  /// - Precondition: `count` is not negative.
  public init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: max(count, 1))
    pointer.update(repeating: 0, count: count)
  }

  deinit { pointer.deallocate() }

  /// Sets every float to zero.
  public func clear() { pointer.update(repeating: 0, count: count) }
}
