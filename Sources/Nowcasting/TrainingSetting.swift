/// One setting of a training run: its name, as an option and in configuration files, and its place in the options.
struct TrainingSetting: Sendable {
  typealias Path<T> = WritableKeyPath<TrainingOptions, T> & Sendable

  /// What other setting gives this one a meaning, such as `--loss huber`.
  struct Condition: Sendable {
    let text: String
    let holds: @Sendable (TrainingOptions) -> Bool
  }

  /// The name, without the two hyphens of an option.
  let name: String
  /// What a value is, for people.
  let kind: String
  /// Under what condition the setting means something.
  private(set) var condition: Condition?
  /// The present value.
  let get: @Sendable (TrainingOptions) -> SettingValue
  /// Sets a value, or tells that it is of another kind.
  let set: @Sendable (inout TrainingOptions, SettingValue) -> Bool

  /// The setting, with a condition.
  func when(_ text: String, _ holds: @escaping @Sendable (TrainingOptions) -> Bool) -> TrainingSetting {
    var setting = self
    setting.condition = Condition(text: text, holds: holds)
    return setting
  }

  /// Whether the setting means something with these options.
  func applies(to options: TrainingOptions) -> Bool { condition?.holds(options) ?? true }

  static func flag(_ name: String, _ path: Path<Bool>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "true or false") {
      .flag($0[keyPath: path])
    } set: {
      guard case .flag(let value) = $1 else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func flag(_ name: String, _ path: Path<Bool?>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "true or false") {
      $0[keyPath: path].map { .flag($0) } ?? .none
    } set: {
      switch $1 {
      case .flag(let value): $0[keyPath: path] = value
      case .none: $0[keyPath: path] = nil
      default: return false
      }
      return true
    }
  }

  static func integer(_ name: String, _ path: Path<Int>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "a whole number") {
      .integer($0[keyPath: path])
    } set: {
      guard case .integer(let value) = $1 else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func integer(_ name: String, _ path: Path<Int?>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "a whole number") {
      $0[keyPath: path].map { .integer($0) } ?? .none
    } set: {
      switch $1 {
      case .integer(let value): $0[keyPath: path] = value
      case .none: $0[keyPath: path] = nil
      default: return false
      }
      return true
    }
  }

  static func unsigned(_ name: String, _ path: Path<UInt64>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "a whole number that is not negative") {
      .unsigned($0[keyPath: path])
    } set: {
      switch $1 {
      case .integer(let value) where value >= 0: $0[keyPath: path] = UInt64(value)
      case .unsigned(let value): $0[keyPath: path] = value
      default: return false
      }
      return true
    }
  }

  static func number(_ name: String, _ path: Path<Double>) -> TrainingSetting {
    number(name) {
      $0[keyPath: path]
    } set: {
      guard let value = $1 else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func number(_ name: String, _ path: Path<Double?>) -> TrainingSetting {
    number(name) {
      $0[keyPath: path]
    } set: {
      $0[keyPath: path] = $1
      return true
    }
  }

  /// A number that has no place of its own; `nil` is left open.
  static func number(
    _ name: String, get: @escaping @Sendable (TrainingOptions) -> Double?,
    set: @escaping @Sendable (inout TrainingOptions, Double?) -> Bool
  ) -> TrainingSetting {
    TrainingSetting(name: name, kind: "a number") {
      get($0).map { .number($0) } ?? .none
    } set: {
      switch $1 {
      case .number(let value): set(&$0, value)
      case .integer(let value): set(&$0, Double(value))
      case .unsigned(let value): set(&$0, Double(value))
      case .none: set(&$0, nil)
      default: false
      }
    }
  }

  static func choice<T: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ path: Path<T>
  ) -> TrainingSetting {
    TrainingSetting(name: name, kind: "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")) {
      .text($0[keyPath: path].rawValue)
    } set: {
      guard case .text(let word) = $1, let value = T(rawValue: word) else { return false }
      $0[keyPath: path] = value
      return true
    }
  }

  static func list(_ name: String, _ path: Path<[Int]>) -> TrainingSetting {
    TrainingSetting(name: name, kind: "a whole number for each layer") {
      $0[keyPath: path].isEmpty ? .none : .list($0[keyPath: path])
    } set: {
      switch $1 {
      case .list(let values): $0[keyPath: path] = values
      case .integer(let value): $0[keyPath: path] = [value]
      default: return false
      }
      return true
    }
  }
}
