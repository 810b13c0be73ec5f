/// A file and its size in bytes.
struct HDF5FileName {
  var path: String
  var byteCount: Int
}

/// A group of an HDF5 file with what is in it, down to three groups below the root.
final class HDF5Group {
  /// The value of an attribute.
  enum Attribute: Equatable {
    case numbers([Double])
    case text(String)
    /// Neither numbers nor text, or too much of them, or damaged.
    case other
  }

  let file: HDF5FileName
  /// Where it is in the file, such as `dataset1/data1`; empty for the root.
  let path: String
  fileprivate(set) var attributes: [String: Attribute] = [:]
  fileprivate(set) var groups: [String: HDF5Group] = [:]
  fileprivate(set) var datasets: [String: HDF5Dataset] = [:]
  /// The number of members, where they are too many to be described.
  fileprivate(set) var excess: UInt64?

  fileprivate init(file: HDF5FileName, path: String) {
    self.file = file
    self.path = path
  }

  /// The groups whose names are a word and a number, such as `dataset1`, `dataset2`, …, in the order of the numbers.
  ///
  /// - Throws: ``RadarError`` `unusable` when the members are too many for a radar file.
  func numberedGroups(_ word: String) throws -> [HDF5Group] {
    if let excess {
      throw RadarError(
        .unusable, "the group '/\(path)' has \(excess) members, which no radar file has.", path: file.path)
    }
    let numbers = groups.keys.compactMap { name in
      name.hasPrefix(word) ? Int(name.dropFirst(word.count)).flatMap { name == "\(word)\($0)" ? $0 : nil } : nil
    }
    return numbers.sorted().compactMap { groups["\(word)\($0)"] }
  }
}

/// The row of bytes in which the reading process describes a file with images (see hdf5_images.c).
struct HDF5Description {
  private var bytes: DescriptionBytes
  private let file: HDF5FileName

  init(_ bytes: UnsafeRawBufferPointer, of file: HDF5FileName) {
    self.bytes = DescriptionBytes(bytes)
    self.file = file
  }

  /// The root of the file; `nil` when the bytes are not as they should be.
  mutating func root() -> HDF5Group? {
    guard bytes.next(UInt8.self) == UInt8(ascii: "G"), bytes.name() == "" else { return nil }
    let root = HDF5Group(file: file, path: "")
    return fill(root, depth: 0) ? root : nil
  }

  private mutating func fill(_ group: HDF5Group, depth: Int) -> Bool {
    while let tag = bytes.next(UInt8.self) {
      switch tag {
      case UInt8(ascii: "E"): return true
      case UInt8(ascii: "X"): group.excess = bytes.next(UInt64.self)
      case UInt8(ascii: "A"):
        guard let name = bytes.name(), let value = attribute() else { return false }
        group.attributes[name] = value
      case UInt8(ascii: "D"):
        guard let name = bytes.name(), let dataset = dataset(path(of: name, in: group)) else { return false }
        group.datasets[name] = dataset
      case UInt8(ascii: "G"):
        guard depth < 8, let name = bytes.name() else { return false }
        let child = HDF5Group(file: file, path: path(of: name, in: group))
        guard fill(child, depth: depth + 1) else { return false }
        group.groups[name] = child
      default: return false
      }
    }
    return false
  }

  private func path(of name: String, in group: HDF5Group) -> String {
    group.path.isEmpty ? name : "\(group.path)/\(name)"
  }

  private mutating func attribute() -> HDF5Group.Attribute? {
    switch bytes.next(UInt8.self) {
    case UInt8(ascii: "n"):
      guard let count = bytes.next(UInt32.self), count > 0, Int(count) <= bytes.rest else { return nil }
      let numbers = (0..<count).compactMap { _ in bytes.next(Double.self) }
      return numbers.count == Int(count) ? .numbers(numbers) : nil
    case UInt8(ascii: "s"):
      guard let length = bytes.next(UInt32.self), let characters = bytes.next(count: Int(length)) else { return nil }
      return .text(HDF5Description.trimmed(characters))
    case UInt8(ascii: "o"): return .other
    default: return nil
    }
  }

  private mutating func dataset(_ path: String) -> HDF5Dataset? {
    guard let type = bytes.next(UInt8.self), let storage = bytes.next(UInt8.self).flatMap(HDF5Dataset.Storage.init),
      let rank = bytes.next(UInt8.self)
    else { return nil }
    let shape = (0..<rank).compactMap { _ in bytes.next(UInt64.self) }
    guard shape.count == Int(rank) else { return nil }
    return HDF5Dataset(
      file: file, path: path, type: NetCDFType(rawValue: Int32(type)), storage: storage, lengths: shape)
  }

  /// Text without the NULs and blanks that fill up strings of fixed length.
  private static func trimmed(_ characters: UnsafeRawBufferPointer) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    let text = characters.prefix { $0 != 0 }.drop(while: isBlank)
    guard let last = text.lastIndex(where: { !isBlank($0) }) else { return "" }
    return String(decoding: text[...last], as: UTF8.self)
  }
}
