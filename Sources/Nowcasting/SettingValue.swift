/// A value in a configuration of a training run.
public enum SettingValue: Sendable, Equatable {
  /// What is left open.
  case none
  /// Yes or no.
  case flag(Bool)
  /// A whole number.
  case integer(Int)
  /// A whole number that may be too large for the others.
  case unsigned(UInt64)
  /// Any number.
  case number(Double)
  /// A word.
  case text(String)
  /// Whole numbers, one for each layer.
  case list([Int])

  /// As JSON.
  var json: String {
    switch self {
    case .none: "null"
    case .flag(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    case .list(let values): "[" + values.map(String.init).joined(separator: ", ") + "]"
    }
  }
}

extension SettingValue: Decodable {
  /// Reads a value of any of the types.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .none
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .unsigned(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else {
      self = .list(try container.decode([Int].self))
    }
  }
}
