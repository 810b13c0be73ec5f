/// A combination of sizes or options that makes no network, or an input that does not fit one.
public struct ConvLSTMError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What does not fit, and what would.
  public let message: String

  init(_ message: String) { self.message = message }

  /// What does not fit, and what would.
  public var description: String { message }
}
