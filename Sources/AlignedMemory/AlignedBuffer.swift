/// Memory for `count` floats, aligned to a cache line, that lives as long as this object.
///
/// What tensors and the kernels' images lie in. Nothing checks bounds. `@unchecked Sendable`: who writes which part is
/// settled by the owner: a tensor writes only while it alone refers to its buffer, operators split the work by output.
public final class AlignedBuffer: @unchecked Sendable {
  /// The number of floats.
  public let count: Int
  /// The first of them.
  public let pointer: UnsafeMutablePointer<Float>
  /// Whether all floats were zero when the buffer was made.
  public let wasZero: Bool
  /// What the buffer lies in.
  private let memory: Memory

  private enum Memory {
    case mapped(UnsafeMutableRawBufferPointer)
    case heap(UnsafeMutableRawPointer)
  }

  /// What the floats begin at a multiple of, in bytes.
  private static let alignment = 64

  /// Allocates `count` zeros.
  ///
  /// - Precondition: `count` is not negative.
  public convenience init(count: Int) { self.init(count: count, zeros: true) }

  /// Allocates `count` floats of any content, for an owner who writes all of them before anybody reads one.
  ///
  /// - Precondition: `count` is not negative.
  public convenience init(uninitialized count: Int) { self.init(count: count, zeros: false) }

  private init(count: Int, zeros: Bool) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    if bytes >= MappedMemory.page, let (mapping, isZero) = MappedMemory.shared.take(bytes) {
      memory = .mapped(mapping)
      wasZero = zeros || isZero
      pointer = mapping.baseAddress.unsafelyUnwrapped.bindMemory(to: Float.self, capacity: count)
      if zeros && !isZero { clear() }
    } else {
      // Aligned here rather than by the heap: the C library does not put an aligned piece into the gap that another of its
      // size has left, so that thousands of frames, each made from another, would take half as much again.
      let heap = UnsafeMutableRawPointer.allocate(byteCount: bytes + Self.alignment, alignment: 16)
      memory = .heap(heap)
      wasZero = true
      pointer = heap.alignedUp(toMultipleOf: Self.alignment).bindMemory(to: Float.self, capacity: max(count, 1))
      clear()
    }
  }

  /// Gives memory of earlier buffers, which waits for others of the same sizes, back to the system.
  public static func giveBackUnused() { MappedMemory.shared.giveBackAll() }

  /// The floats that a buffer of `count` takes from the system: a large one has whole pages.
  ///
  /// A double, since sizes without sense may need more than an integer can count.
  public static func floatsTaken(_ count: Double) -> Double {
    let page = Double(MappedMemory.page / MemoryLayout<Float>.stride)
    return count < page ? count : (count / page).rounded(.up) * page
  }

  deinit {
    switch memory {
    case .mapped(let mapping): MappedMemory.shared.giveBack(mapping)
    case .heap(let heap): heap.deallocate()
    }
  }

  /// Sets every float to zero.
  public func clear() { pointer.update(repeating: 0, count: count) }
}
