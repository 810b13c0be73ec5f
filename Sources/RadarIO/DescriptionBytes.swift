/// A row of bytes from the reading process, which a file may have damaged: nothing in them is taken for granted.
struct DescriptionBytes {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The bytes that were not taken yet.
  var rest: Int { bytes.count - position }

  /// The next value; `nil` at the end.
  mutating func next<T: BitwiseCopyable>(_ type: T.Type) -> T? {
    next(count: MemoryLayout<T>.size)?.loadUnaligned(as: T.self)
  }

  /// So many bytes; `nil` when there are fewer.
  mutating func next(count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= rest else { return nil }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  /// A name: its length and its characters.
  mutating func name() -> String? {
    guard let length = next(UInt16.self), let characters = next(count: Int(length)) else { return nil }
    return String(decoding: characters, as: UTF8.self)
  }

  /// A text: its length and its characters.
  mutating func text() -> String? {
    guard let length = next(UInt32.self), let characters = next(count: Int(length)) else { return nil }
    return String(decoding: characters, as: UTF8.self)
  }
}
