/// What went wrong in the world outside of the program: a file, its content, the user's words.
///
/// The message is one or two sentences for the person at the terminal: what, and what to do about it. A programmer's
/// error is no `NowcastError`; it traps.
public struct NowcastError: Error, Sendable, CustomStringConvertible {
  /// The kind of an error. The raw value is the exit status of the command, after `sysexits.h` where that has one.
  public enum Code: Int32, Sendable {
    /// The command was called with options that make no sense together.
    case usage = 64
    /// The input is there but cannot be used.
    case unusable = 65
    /// The input is not there, or may not be read.
    case notFound = 66
    /// There is nothing new: the newest frame is too old.
    case stale = 69
    /// An error of this program.
    case internalError = 70
    /// The output cannot be created.
    case cannotCreate = 73
    /// The output was created, but writing it failed.
    case writeFailed = 74
    /// Training ran away: the loss or the weights are no longer finite.
    case diverged = 75
    /// The user stopped the run.
    case interrupted = 130
  }

  /// The kind of the error.
  public let code: Code
  /// One or two sentences, without the path.
  public let message: String
  /// The file or folder concerned, if one is.
  public let path: String?

  /// Makes an error.
  public init(_ code: Code, _ message: String, path: String? = nil) {
    self.code = code
    self.message = message
    self.path = path
  }

  /// The exit status the command ends with.
  public var exitStatus: Int32 { code.rawValue }

  /// The path, if there is one, and the message.
  public var description: String { path.map { "\($0): \(message)" } ?? message }
}
