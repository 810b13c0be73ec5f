/// An attribute exactly as a file holds it: type, length and bytes, so that it can be copied without loss.
struct CFAttribute: Sendable, Equatable {
  var name: String
  var type: NetCDFType
  /// The values in the machine's byte order; empty for strings.
  var bytes: [UInt8]
  /// The values of an attribute of type string.
  var strings: [String] = []

  init(name: String, type: NetCDFType, bytes: [UInt8]) {
    self.name = name
    self.type = type
    self.bytes = bytes
  }

  init(name: String, strings: [String]) {
    self.name = name
    type = .string
    bytes = []
    self.strings = strings
  }

  /// An attribute of characters.
  init(_ name: String, _ text: String) { self.init(name: name, type: .char, bytes: Array(text.utf8)) }

  /// An attribute of doubles.
  init(_ name: String, _ values: [Double]) {
    self.init(name: name, type: .double, bytes: values.withUnsafeBytes { Array($0) })
  }

  /// The number of values.
  var count: Int { type == .string ? strings.count : bytes.count / type.size }

  /// The text, without trailing NULs and blanks; `nil` when the attribute holds numbers.
  var text: String? {
    let raw: [UInt8]
    switch type {
    case .char: raw = bytes
    case .string: raw = Array(strings.joined(separator: " ").utf8)
    default: return nil
    }
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    let trimmed = raw.prefix { $0 != 0 }.drop(while: isBlank)
    return String(
      decoding: trimmed.prefix(trimmed.lastIndex { !isBlank($0) }.map { $0 + 1 - trimmed.startIndex } ?? 0),
      as: UTF8.self)
  }

  /// The values as numbers, read as if they had `type` (for `_Unsigned`); text holds none.
  func numbers(as type: NetCDFType? = nil) -> [Double] {
    CFAttribute.numbers(in: bytes, type: type ?? self.type)
  }

  /// The numbers in a row of bytes.
  static func numbers(in bytes: [UInt8], type: NetCDFType) -> [Double] {
    func decode<T>(_: T.Type, _ convert: (T) -> Double) -> [Double] {
      bytes.withUnsafeBytes { raw in
        (0..<raw.count / MemoryLayout<T>.size).map {
          convert(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
        }
      }
    }
    // Not `Double.init`: for `UInt64` that means the bit pattern.
    switch type {
    case .byte: return decode(Int8.self) { Double($0) }
    case .ubyte: return decode(UInt8.self) { Double($0) }
    case .short: return decode(Int16.self) { Double($0) }
    case .ushort: return decode(UInt16.self) { Double($0) }
    case .int: return decode(Int32.self) { Double($0) }
    case .uint: return decode(UInt32.self) { Double($0) }
    case .int64: return decode(Int64.self) { Double($0) }
    case .uint64: return decode(UInt64.self) { Double($0) }
    case .float: return decode(Float.self) { Double($0) }
    case .double: return decode(Double.self) { $0 }
    case .char, .string: return []
    }
  }
}

extension [CFAttribute] {
  /// The attribute of that name.
  subscript(name: String) -> CFAttribute? { first { $0.name == name } }

  /// The attribute that holds the units; some write `Units` or `unit`.
  var units: CFAttribute? { self["units"] ?? first { ["units", "unit"].contains($0.name.lowercased()) } }

  /// The text of the attribute of that name; `nil` when there is none or it is empty or holds numbers.
  func text(_ name: String) -> String? {
    guard let text = self[name]?.text, !text.isEmpty else { return nil }
    return text
  }

  /// The words of the attribute of that name.
  func words(_ name: String) -> [String] { text(name)?.split(whereSeparator: \.isWhitespace).map(String.init) ?? [] }

  /// The first number of the attribute of that name.
  func number(_ name: String) -> Double? { self[name]?.numbers().first }
}
