import Foundation

/// JSON that is the same for the same content, with keys in order, for people and programs.
enum JSONText {
  /// - Parameter pretty: on several lines, and with keys_like_these whatever the names in the program.
  static func encode(_ value: some Encodable, pretty: Bool) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    if pretty { encoder.keyEncodingStrategy = .convertToSnakeCase }
    // A number that is not finite has no JSON form; as a text it can still be read back.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      var data = try encoder.encode(value)
      if pretty { data.append(UInt8(ascii: "\n")) }
      return data
    } catch {
      throw NowcastError(.internalError, "a result could not be written as JSON (\(error)).")
    }
  }

  static func decode<T: Decodable>(_ type: T.Type, from text: String) throws -> T {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(text.utf8))
  }
}
