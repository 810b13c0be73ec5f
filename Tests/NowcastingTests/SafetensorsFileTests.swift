import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct SafetensorsFileTests {
  private let sample = SafetensorsFile(
    tensors: [
      "b": Tensor(shape: [2, 2], [1, -2, .infinity, 0.1]), "a": Tensor(shape: [3], [7, 8, 9]),
      "scalar": Tensor(shape: [], [5]), "empty": Tensor(shape: [0, 4]),
    ], metadata: ["nowcast": "{\"text\": \"a\\b\n\u{1} ü\"}", "version": "1"])

  @Test func readsWhatItWrote() throws {
    let read = try SafetensorsFile(bytes: sample.encoded())
    #expect(read.tensors == sample.tensors)
    #expect(read.metadata == sample.metadata)
    #expect(read.encoded() == sample.encoded())
  }

  @Test func bytesAreAsTheFormatSays() throws {
    let file = SafetensorsFile(
      tensors: ["b": Tensor(shape: [1], [1]), "a": Tensor(shape: [1, 2], [2, 3])], metadata: ["k": "v"])
    let header =
      #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#
    let bytes = file.encoded()
    let padded = (header.utf8.count + 7) / 8 * 8
    #expect(Array(bytes.prefix(8)) == [UInt8(padded), 0, 0, 0, 0, 0, 0, 0])
    #expect(
      String(decoding: bytes.dropFirst(8).prefix(padded), as: UTF8.self)
        == header + String(repeating: " ", count: padded - header.utf8.count))
    #expect(Array(bytes.dropFirst(8 + padded)) == [0, 0, 0, 0x40, 0, 0, 0x40, 0x40, 0, 0, 0x80, 0x3F])
  }

  @Test func readsAFileOfPython() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = try SafetensorsFile(contentsOf: root.path + "/Fixtures/safetensors/python.safetensors")
    let values: [Float] = [0, -1.5, 3.25, 65504, 6.103515625e-05, 5.9604644775390625e-08]
    #expect(file.tensors["head.weight"] == Tensor(shape: [2, 3], values))
    #expect(file.tensors["double"] == Tensor(shape: [2, 3], values.map { Float(Double($0) / 3) }))
    #expect(file.tensors["half"] == Tensor(shape: [2, 3], values))
    #expect(
      file.tensors["brain"] == Tensor(shape: [2, 3], [0, -1.5, 3.25, 65536, 6.103515625e-05, 5.9604644775390625e-08]))
    #expect(file.tensors["scalar"] == Tensor(shape: [], [42]))
    #expect(file.tensors["empty"]?.shape == [0, 5])
    #expect(file.tensors["größe \"x\""] == Tensor(shape: [4], [0, 1, 2, 3]))
    #expect(file.metadata == ["nowcast": #"{"patch": 2, "text": "a\\b \"c\"\n ü"}"#])
    #expect(file.tensors.count == 7)
  }

  @Test(
    arguments: [
      (0x0000, 0), (0x3C00, 1), (0xC000, -2), (0x7BFF, 65504), (0x0001, 0x1p-24), (0x83FF, -0x1.FF8p-15),
      (0x7C00, Float.infinity), (0xFC00, -.infinity),
    ] as [(UInt16, Float)])
  func halvesAreExact(bits: UInt16, value: Float) {
    #expect(SafetensorsType.float(fromHalf: bits) == value)
  }

  @Test func halfKeepsNaNAndTheSignOfZero() {
    #expect(SafetensorsType.float(fromHalf: 0x7E00).isNaN)
    #expect(SafetensorsType.float(fromHalf: 0x8000).sign == .minus)
  }

  /// The bytes of a file with this header and this many bytes of data.
  private static func bytes(_ header: String, data: Int = 0, length: UInt64? = nil) -> Data {
    var result = Data()
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { result.append(contentsOf: $0) }
    return result + Data(header.utf8) + Data(count: data)
  }

  private static func tensor(_ name: String, _ shape: String, _ offsets: String, dtype: String = "F32") -> String {
    #""\#(name)":{"dtype":"\#(dtype)","shape":[\#(shape)],"data_offsets":[\#(offsets)]}"#
  }

  private static let hostile: [(String, Data)] = [
    ("too short", Data()),
    ("too short", Data([1, 0, 0])),
    ("longer than the file", bytes("{}", length: 3)),
    ("longer than the file", bytes("{}", length: .max)),
    ("longer than the file", bytes("{}", length: 1 << 63)),
    ("not a JSON object", bytes("")),
    ("not a JSON object", bytes("[]")),
    ("not a JSON object", bytes(" {}")),
    (
      "not a JSON object",
      Data([6, 0, 0, 0, 0, 0, 0, 0]) + Data("{ }".unicodeScalars.flatMap { [UInt8($0.value), 0] })
    ),
    ("not the JSON", bytes("{")),
    ("not the JSON", bytes("{} x")),
    ("not the JSON", Data([4, 0, 0, 0, 0, 0, 0, 0]) + Data([0x7B, 0x22, 0xFF, 0x22])),
    ("not the JSON", bytes("{\"a\":" + String(repeating: "[", count: 100_000))),
    ("something other than", bytes(#"{"a":1}"#)),
    ("something other than", bytes(#"{"a":null}"#)),
    ("something other than", bytes(#"{"a":{"dtype":"F32","shape":[1]}}"#, data: 4)),
    ("something other than", bytes(#"{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
    ("something other than", bytes("{\(tensor("a", "1.5", "0,4"))}", data: 4)),
    ("something other than", bytes("{\(tensor("a", "true", "0,4"))}", data: 4)),
    ("something other than", bytes("{\(tensor("a", "1e30", "0,4"))}", data: 4)),
    ("something other than", bytes("{\(tensor("a", "99999999999999999999", "0,4"))}", data: 4)),
    ("other than texts", bytes(#"{"__metadata__":{"a":1}}"#)),
    ("other than texts", bytes(#"{"__metadata__":"a"}"#)),
    ("type \"I64\"", bytes("{\(tensor("a", "1", "0,8", dtype: "I64"))}", data: 8)),
    ("outside of the file", bytes("{\(tensor("a", "2", "0,8"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "-4,0"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "4,0"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "0"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "0,4,4"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "0,9223372036854775807"))}", data: 4)),
    ("outside of the file", bytes("{\(tensor("a", "1", "-9223372036854775808,9223372036854775807"))}", data: 4)),
    ("needs 8 bytes, but 4", bytes("{\(tensor("a", "2", "0,4"))}", data: 4)),
    ("needs 0 bytes, but 4", bytes("{\(tensor("a", "0", "0,4"))}", data: 4)),
    ("needs 2 bytes, but 4", bytes("{\(tensor("a", "1", "0,4", dtype: "F16"))}", data: 4)),
    ("impossible shape", bytes("{\(tensor("a", "-1,-1", "0,4"))}", data: 4)),
    ("impossible shape", bytes("{\(tensor("a", "4294967296,4294967296", "0,4"))}", data: 4)),
    ("impossible shape", bytes("{\(tensor("a", "4611686018427387905", "0,4"))}", data: 4)),
    ("impossible shape", bytes("{\(tensor("a", "4611686018427387904,4,0", "0,0"))}")),
    ("overlaps", bytes("{\(tensor("a", "1", "0,4")),\(tensor("b", "1", "0,4"))}", data: 4)),
    ("overlaps", bytes("{\(tensor("a", "2", "0,8")),\(tensor("b", "1", "4,8"))}", data: 8)),
    ("gap", bytes("{\(tensor("a", "1", "4,8"))}", data: 8)),
    ("4 bytes that belong to no tensor", bytes("{\(tensor("a", "1", "0,4"))}", data: 8)),
    ("twice", bytes("{\(tensor("a", "1", "0,4")),\(tensor("a", "1", "0,4"))}", data: 4)),
    ("twice", bytes("{\(tensor("a", "1", "0,4")),\(tensor("\\u0061", "1", "0,4"))}", data: 4)),
    ("twice", bytes(#"{"__metadata__":{"a":"x","a":"y"}}"#)),
    ("twice", bytes(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}"#, data: 4)),
  ]

  @Test(arguments: hostile.indices)
  func refusesHostileFiles(index: Int) throws {
    let (phrase, bytes) = Self.hostile[index]
    let error = #expect(throws: NowcastError.self) { try SafetensorsFile(bytes: bytes, path: "m.safetensors") }
    #expect(error?.code == .unusable)
    #expect(error?.exitStatus == 65)
    #expect(error?.description.hasPrefix("m.safetensors: ") == true)
    #expect(error?.message.contains(phrase) == true, "\(error?.message ?? "no error")")
  }

  @Test func refusesEveryTruncation() throws {
    let whole = sample.encoded()
    for count in 0..<whole.count {
      #expect(throws: NowcastError.self) { try SafetensorsFile(bytes: whole.prefix(count)) }
    }
  }

  @Test func survivesEverySingleDamagedByte() throws {
    let whole = sample.encoded()
    for index in whole.indices {
      for value in [0, 0x22, 0x39, 0x7D, 0xFF] as [UInt8] {
        var damaged = whole
        damaged[index] = value
        do {
          _ = try SafetensorsFile(bytes: damaged)
        } catch let error as NowcastError {
          #expect(error.code == .unusable)
        }
      }
    }
  }

  @Test func takesAShapeWithZeroAndALargeExtent() throws {
    let file = try SafetensorsFile(bytes: Self.bytes("{\(Self.tensor("a", "0,4611686018427387904", "0,0"))}"))
    #expect(file.tensors["a"]?.count == 0)
  }

  @Test func takesDataThatIsNotAligned() throws {
    var bytes = Self.bytes("{\(Self.tensor("a", "1", "0,4"))} ")
    bytes.append(contentsOf: [0, 0, 0x80, 0x3F])
    #expect(try SafetensorsFile(bytes: bytes).tensors["a"] == Tensor(shape: [1], [1]))
  }

  @Test func readsASliceOfData() throws {
    let shifted = (Data([1, 2, 3]) + sample.encoded()).dropFirst(3)
    #expect(try SafetensorsFile(bytes: shifted).tensors == sample.tensors)
  }

  @Test func tellsMissingFromUnusable() throws {
    let folder = try TemporaryFolder()
    #expect(throwsCode(.notFound) { _ = try SafetensorsFile(contentsOf: folder / "none") })
    #expect(throwsCode(.unusable) { _ = try SafetensorsFile(contentsOf: folder.path) })
    #expect(throwsCode(.unusable) { _ = try SafetensorsFile(contentsOf: "/dev/null") })
    try Data("CDF\u{1} is no safetensors file".utf8).write(to: URL(fileURLWithPath: folder / "x.nc"))
    #expect(throwsCode(.unusable) { _ = try SafetensorsFile(contentsOf: folder / "x.nc") })
  }

  @Test func writesWholeFiles() throws {
    let folder = try TemporaryFolder()
    try sample.write(to: folder / "m.safetensors", overwrite: false)
    #expect(try SafetensorsFile(contentsOf: folder / "m.safetensors").tensors == sample.tensors)
    #expect(throws: RadarError.self) { try sample.write(to: folder / "m.safetensors", overwrite: false) }
    #expect(folder.contents == ["m.safetensors"])
  }
}
