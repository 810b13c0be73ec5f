import AlignedMemory

/// A dense, contiguous, row-major array of `Float` with a shape, such as `[b, t, c, h, w]`.
///
/// A tensor is a value: copies share storage until one of them is written to. Storage is aligned to 64 bytes, a cache
/// line and the widest vector. A shape may hold zeros (the tensor is then empty); an empty shape is a scalar.
public struct Tensor: Sendable {
  /// The extent of each dimension, outermost first.
  public let shape: [Int]
  /// The number of elements: the product of the shape.
  public let count: Int
  private var storage: AlignedBuffer
  private var offset: Int

  /// Makes a tensor with every element equal to `value`.
  ///
  /// - Precondition: no extent is negative and their product fits in memory.
  public init(shape: [Int], repeating value: Float = 0) {
    let count = Tensor.elementCount(of: shape)
    if value.bitPattern == 0 {
      self.init(shape: shape, storage: AlignedBuffer(count: count), offset: 0)
    } else {
      self.init(uninitialized: shape)
      storage.pointer.update(repeating: value, count: count)
    }
  }

  /// Makes a tensor from its elements in row-major order.
  ///
  /// - Precondition: `elements.count` is the product of `shape`.
  public init(shape: [Int], _ elements: some Collection<Float>) {
    self.init(uninitialized: shape)
    precondition(elements.count == count, "a tensor of shape \(shape) needs \(count) elements, not \(elements.count)")
    _ = UnsafeMutableBufferPointer(start: storage.pointer, count: count).update(fromContentsOf: elements)
  }

  /// Makes a tensor of any content, for an owner who writes all elements before anybody reads one.
  ///
  /// - Precondition: no extent is negative and their product fits in memory.
  public init(uninitialized shape: [Int]) {
    self.shape = shape
    count = Tensor.elementCount(of: shape)
    storage = AlignedBuffer(uninitialized: count)
    offset = 0
  }

  private init(shape: [Int], storage: AlignedBuffer, offset: Int) {
    self.shape = shape
    count = Tensor.elementCount(of: shape)
    self.storage = storage
    self.offset = offset
  }

  /// The product of a shape.
  ///
  /// - Precondition: no extent is negative, and the product does not overflow.
  public static func elementCount(of shape: [Int]) -> Int {
    shape.reduce(1) { product, extent in
      precondition(extent >= 0, "shape \(shape) has a negative extent")
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      precondition(!overflow, "shape \(shape) has more elements than an Int can count")
      return next
    }
  }

  /// The number of dimensions.
  public var rank: Int { shape.count }

  /// The elements in row-major order, as an array (a copy).
  public var elements: [Float] { withUnsafeBufferPointer(Array.init) }

  /// One element, by its index in every dimension.
  public subscript(indices: Int...) -> Float {
    get { storage.pointer[offset + flatIndex(indices)] }
    set {
      let index = flatIndex(indices)
      withUnsafeMutableBufferPointer { $0[index] = newValue }
    }
  }

  /// The part at `index` of the outermost dimension, of one rank less. Shares storage; nothing is copied.
  public func part(_ index: Int) -> Tensor {
    precondition(rank > 0 && index >= 0 && index < shape[0], "index \(index) is outside of shape \(shape)")
    let inner = Array(shape.dropFirst())
    return Tensor(shape: inner, storage: storage, offset: offset + index * Tensor.elementCount(of: inner))
  }

  /// The parts in `range` of the outermost dimension. Shares storage; nothing is copied.
  public func parts(_ range: Range<Int>) -> Tensor {
    precondition(
      rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0], "range \(range) is outside of shape \(shape)")
    let inner = Array(shape.dropFirst())
    return Tensor(
      shape: [range.count] + inner, storage: storage,
      offset: offset + range.lowerBound * Tensor.elementCount(of: inner))
  }

  /// The same elements under another shape. Shares storage; nothing is copied.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(Tensor.elementCount(of: shape) == count, "\(self.shape) does not reshape to \(shape)")
    return Tensor(shape: shape, storage: storage, offset: offset)
  }

  /// The first two dimensions exchanged, `[a, b, …]` to `[b, a, …]`, as a copy: time first from batch first and back.
  public func swappingFirstTwoDimensions() -> Tensor {
    precondition(rank >= 2, "shape \(shape) has no two dimensions to exchange")
    let (a, b) = (shape[0], shape[1])
    let inner = Tensor.elementCount(of: Array(shape.dropFirst(2)))
    var result = Tensor(uninitialized: [b, a] + shape.dropFirst(2))
    withUnsafeBufferPointer { source in
      result.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        for i in 0..<a {
          for j in 0..<b {
            (to + (j * a + i) * inner).update(from: from + (i * b + j) * inner, count: inner)
          }
        }
      }
    }
    return result
  }

  /// Calls `body` with the elements in row-major order.
  public func withUnsafeBufferPointer<R, E: Error>(
    _ body: (UnsafeBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeBufferPointer(start: storage.pointer + offset, count: count))
  }

  /// Calls `body` with the elements in row-major order, for writing. Shared storage is copied first.
  public mutating func withUnsafeMutableBufferPointer<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(E) -> R
  ) throws(E) -> R {
    if !isKnownUniquelyReferenced(&storage) {
      let copy = AlignedBuffer(uninitialized: count)
      copy.pointer.update(from: storage.pointer + offset, count: count)
      storage = copy
      offset = 0
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeMutableBufferPointer(start: storage.pointer + offset, count: count))
  }

  private func flatIndex(_ indices: [Int]) -> Int {
    precondition(indices.count == rank, "\(indices.count) indices for shape \(shape)")
    var flat = 0
    for (index, extent) in zip(indices, shape) {
      precondition(index >= 0 && index < extent, "index \(indices) is outside of shape \(shape)")
      flat = flat * extent + index
    }
    return flat
  }
}

extension Tensor: Equatable {
  /// Whether shape and every element are equal; as for `Float`, a NaN equals nothing.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape
      && a.withUnsafeBufferPointer { x in b.withUnsafeBufferPointer { y in x.elementsEqual(y) } }
  }
}
