import Foundation

/// The header of a safetensors file, checked so that everything in it can be relied upon.
struct SafetensorsHeader {
  /// A tensor as the header describes it; `range` counts bytes from the start of the data and fits type and shape.
  struct Entry {
    let type: SafetensorsType
    let shape: [Int]
    let range: Range<Int>
  }

  static let metadataKey = "__metadata__"
  /// The limit of the reference implementation; a header of honest size is a few kilobytes.
  static let maximumLength = 100_000_000

  let entries: [String: Entry]
  let metadata: [String: String]
  /// The position of the data in the file.
  let dataStart: Int

  /// Checks the header of a whole file.
  ///
  /// - Parameter isWanted: tells by their names which tensors are kept.
  /// - Throws: ``NowcastError`` `unusable`.
  init(bytes: Data, path: String?, where isWanted: (String) -> Bool = { _ in true }) throws {
    func unusable(_ message: String) -> NowcastError { NowcastError(.unusable, message, path: path) }

    let length = try SafetensorsHeader.length(bytes.prefix(8), fileSize: bytes.count, path: path)
    let text = bytes.dropFirst(8).prefix(length)
    // JSONDecoder would also take UTF-16 and UTF-32, where half of the bytes are zero.
    guard text.first == UInt8(ascii: "{"), !text.contains(0) else {
      throw unusable("the header is not a JSON object, so this is not a safetensors file.")
    }
    let content: Content
    do {
      content = try JSONDecoder().decode(Content.self, from: Data(text))
    } catch let error as Content.Problem {
      throw unusable(error.message)
    } catch {
      throw unusable("the header is not the JSON of a safetensors file; the file is damaged or of another kind.")
    }
    // JSONDecoder silently keeps one of two equal names.
    guard SafetensorsHeader.countNames(text) == content.nameCount else {
      throw unusable("the header holds the same name twice.")
    }

    dataStart = 8 + length
    metadata = content.metadata
    var entries: [String: Entry] = [:]
    var ranges: [String: Range<Int>] = [:]
    for (name, raw) in content.tensors {
      guard raw.offsets.count == 2, raw.offsets[0] >= 0, raw.offsets[0] <= raw.offsets[1],
        raw.offsets[1] <= bytes.count - dataStart
      else {
        throw unusable("the data of the tensor \(name) would lie outside of the file, which may have been cut short.")
      }
      ranges[name] = raw.offsets[0]..<raw.offsets[1]
      guard isWanted(name) else { continue }
      guard let type = SafetensorsType(rawValue: raw.dtype) else {
        throw unusable("the tensor \(name) holds numbers of type \(raw.dtype.debugDescription); F32 is needed.")
      }
      // Multiplied in the order in which Tensor multiplies, so that what passes here does not overflow there.
      var size: Int? = 1
      for extent in raw.shape + [type.byteCount] {
        guard let product = size?.multipliedReportingOverflow(by: extent), extent >= 0, !product.overflow else {
          size = nil
          break
        }
        size = product.partialValue
      }
      guard let size else { throw unusable("the tensor \(name) has the impossible shape \(raw.shape).") }
      guard size == raw.offsets[1] - raw.offsets[0] else {
        throw unusable(
          "the tensor \(name) of shape \(raw.shape) needs \(size) bytes, but \(raw.offsets[1] - raw.offsets[0]) are given."
        )
      }
      entries[name] = Entry(type: type, shape: raw.shape, range: raw.offsets[0]..<raw.offsets[1])
    }
    self.entries = entries

    // The data has neither overlaps nor gaps, so a file cannot carry what nobody sees.
    var end = 0
    let ordered = ranges.sorted {
      ($0.value.lowerBound, $0.value.upperBound) < ($1.value.lowerBound, $1.value.upperBound)
    }
    for (name, range) in ordered {
      guard range.lowerBound == end else {
        let fault = range.lowerBound < end ? "overlaps another tensor's" : "leaves a gap before it"
        throw unusable("the data of the tensor \(name) \(fault).")
      }
      end = range.upperBound
    }
    guard end == bytes.count - dataStart else {
      throw unusable("the file holds \(bytes.count - dataStart - end) bytes that belong to no tensor.")
    }
  }

  /// The length of the header, from the first eight bytes of a file.
  ///
  /// - Throws: ``NowcastError`` `unusable` when the file could not hold such a header.
  static func length(_ start: Data, fileSize: Int, path: String?) throws -> Int {
    guard start.count == 8 else {
      throw NowcastError(.unusable, "the file is too short for a safetensors file.", path: path)
    }
    let length = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(maximumLength), Int(length) <= fileSize - 8 else {
      throw NowcastError(
        .unusable, "the header would be longer than the file; it is cut short or not a safetensors file.", path: path)
    }
    return Int(length)
  }

  /// The number of names in all objects of a valid JSON text: its colons outside of strings.
  private static func countNames(_ text: Data) -> Int {
    var count = 0
    var isInString = false
    var isEscaped = false
    for byte in text {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\"") {
        isInString.toggle()
      } else if isInString {
        isEscaped = byte == UInt8(ascii: "\\")
      } else if byte == UInt8(ascii: ":") {
        count += 1
      }
    }
    return count
  }
}

/// The JSON of a header, with every name it holds accounted for.
private struct Content: Decodable {
  struct Problem: Error { let message: String }
  struct RawEntry {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]
  }
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var tensors: [String: RawEntry] = [:]
  var metadata: [String: String] = [:]
  var nameCount: Int

  init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    nameCount = object.allKeys.count
    for key in object.allKeys {
      let name = key.stringValue
      if name == SafetensorsHeader.metadataKey {
        guard let texts = try? object.decode([String: String].self, forKey: key) else {
          throw Problem(message: "the header's __metadata__ holds something other than texts.")
        }
        metadata = texts
        nameCount += texts.count
        continue
      }
      guard let entry = try? object.nestedContainer(keyedBy: Key.self, forKey: key), entry.allKeys.count == 3,
        let dtype = try? entry.decode(String.self, forKey: Key(stringValue: "dtype")),
        let shape = try? entry.decode([Int].self, forKey: Key(stringValue: "shape")),
        let offsets = try? entry.decode([Int].self, forKey: Key(stringValue: "data_offsets"))
      else {
        throw Problem(
          message: "the header describes the tensor \(name) by something other than dtype, shape and data_offsets.")
      }
      nameCount += 3
      tensors[name] = RawEntry(dtype: dtype, shape: shape, offsets: offsets)
    }
  }
}

/// The types of numbers that can be read as `Float`.
enum SafetensorsType: String {
  case float32 = "F32"
  case float64 = "F64"
  case float16 = "F16"
  case bfloat16 = "BF16"

  /// The size of one number in bytes.
  var byteCount: Int {
    switch self {
    case .float32: 4
    case .float64: 8
    case .float16, .bfloat16: 2
    }
  }

  /// Fills `target` with the numbers that start at byte `start` of `data`, which need not be aligned.
  func decode(_ data: UnsafeRawBufferPointer, from start: Int, into target: UnsafeMutableBufferPointer<Float>) {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ i: Int) -> T {
      T(littleEndian: data.loadUnaligned(fromByteOffset: start + i * byteCount, as: T.self))
    }
    for i in target.indices {
      target[i] =
        switch self {
        case .float32: Float(bitPattern: load(UInt32.self, i))
        case .float64: Float(Double(bitPattern: load(UInt64.self, i)))
        case .float16: SafetensorsType.float(fromHalf: load(UInt16.self, i))
        case .bfloat16: Float(bitPattern: UInt32(load(UInt16.self, i)) << 16)
        }
    }
  }

  /// The value of an IEEE half, by hand because `Float16` does not exist on every platform.
  static func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:  // Zero, or a subnormal number: fraction × 2⁻²⁴, exact in Float.
      let magnitude = Float(fraction) * 0x1p-24
      return sign == 0 ? magnitude : -magnitude
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
