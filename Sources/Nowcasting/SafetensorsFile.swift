import Foundation
import RadarIO
import Tensor

/// A file of named tensors in the safetensors format, with free texts beside them.
///
/// The format (https://huggingface.co/docs/safetensors): eight bytes, the little-endian length of the header; the
/// header, a JSON object that gives for each name `dtype`, `shape` and `data_offsets`, and texts under `__metadata__`;
/// then the data, row-major and little-endian, without gaps. Nothing in it is executed, and the reader trusts nothing in
/// it.
public struct SafetensorsFile: Sendable {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// The texts under `__metadata__`.
  public var metadata: [String: String]

  /// Makes the content of a file.
  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file. `F32` is taken as it is; `F64`, `F16` and `BF16` become `Float`.
  ///
  /// - Parameter isWanted: tells by their names which tensors are wanted. Others are left out, and may be of any type.
  /// - Throws: ``NowcastError`` `notFound` when the file is missing or may not be read; `unusable` when it is not a
  ///   safetensors file, is damaged, or holds another type of number.
  public init(contentsOf path: String, where isWanted: (String) -> Bool = { _ in true }) throws {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw NowcastError(.notFound, "the file cannot be opened (\(String(cString: strerror(errno)))).", path: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw NowcastError(.unusable, "this is not an ordinary file, so it cannot be a safetensors file.", path: path)
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw NowcastError(.notFound, "the file may not be read.", path: path)
    }
    defer { try? handle.close() }
    let bytes: Data
    do {
      // The first eight bytes tell nearly every other file apart, before a large one is read as a whole.
      let start = try handle.read(upToCount: 8) ?? Data()
      _ = try SafetensorsHeader.length(start, fileSize: Int(status.st_size), path: path)
      bytes = start + (try handle.readToEnd() ?? Data())
    } catch let error as NowcastError {
      throw error
    } catch {
      throw NowcastError(.unusable, "the file cannot be read (\(error.localizedDescription)).", path: path)
    }
    try self.init(bytes: bytes, path: path, where: isWanted)
  }

  /// Reads the content of a file from memory. `path` is only named in errors.
  ///
  /// - Throws: ``NowcastError`` `unusable`, as ``init(contentsOf:)``.
  public init(bytes: Data, path: String? = nil, where isWanted: (String) -> Bool = { _ in true }) throws {
    let header = try SafetensorsHeader(bytes: bytes, path: path, where: isWanted)
    metadata = header.metadata
    tensors = [:]
    bytes.withUnsafeBytes { raw in
      let data = UnsafeRawBufferPointer(rebasing: raw[header.dataStart...])
      for (name, entry) in header.entries {
        var tensor = Tensor(shape: entry.shape)
        tensor.withUnsafeMutableBufferPointer { entry.type.decode(data, from: entry.range.lowerBound, into: $0) }
        tensors[name] = tensor
      }
    }
  }

  /// The bytes of the file: equal content gives equal bytes.
  ///
  /// `__metadata__` comes first, then the tensors as `F32` in the order of their names' bytes; the header is padded
  /// with spaces so that the data starts at a multiple of eight. Python's `safetensors` writes the same bytes, but for
  /// the order of several texts of metadata, which it leaves to chance.
  ///
  /// - Precondition: no tensor is named `__metadata__`.
  public func encoded() -> Data {
    precondition(tensors[SafetensorsHeader.metadataKey] == nil, "a tensor cannot be named __metadata__")
    let sorted = tensors.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    var fields: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      let pairs = texts.map { "\(jsonString($0.key)):\(jsonString($0.value))" }.joined(separator: ",")
      fields.append("\"\(SafetensorsHeader.metadataKey)\":{\(pairs)}")
    }
    var end = 0
    for (name, tensor) in sorted {
      let start = end
      end += tensor.count * 4
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append("\(jsonString(name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)

    var data = Data(capacity: 8 + header.count + end)
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: header)
    for (_, tensor) in sorted {
      tensor.withUnsafeBufferPointer { elements in
        #if _endian(little)
          data.append(elements)
        #else
          for x in elements { withUnsafeBytes(of: x.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
        #endif
      }
    }
    return data
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: `RadarError` `cannotCreate` or `writeFailed`, as `AtomicOutput`.
  public func write(to path: String, overwrite: Bool) throws {
    try AtomicOutput.write(encoded(), to: path, overwrite: overwrite)
  }
}

extension SafetensorsFile {
  /// The key of a text that holds ``checksum``.
  static let checksumKey = "checksum"

  /// A hash of all tensors and texts, but for the checksum among them.
  var checksum: String {
    var hash = ContentHash()
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) where key != Self.checksumKey {
      hash.add(key)
      hash.add(text)
    }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      hash.add(name)
      for extent in tensor.shape { hash.add(UInt64(extent)) }
      tensor.withUnsafeBufferPointer { hash.add(UnsafeRawBufferPointer($0)) }
    }
    return hash.text
  }
}

/// A text as a JSON string, with nothing escaped that need not be.
private func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{8}": result += "\\b"
    case "\u{c}": result += "\\f"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
