/// What went wrong with the world outside while radar data were read or written.
///
/// The message is one or two sentences for people: what is wrong and what to do. The code says which exit status a
/// command should end with.
public struct RadarError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure.
  public enum Code: Sendable {
    /// An input that is not there, or may not be read (exit status 66).
    case notFound
    /// Data that cannot be used (65).
    case unusable
    /// An output that cannot be created (73).
    case cannotCreate
    /// A failure while writing (74).
    case writeFailed
    /// A failure of this program or its installation (70).
    case internalError
  }

  /// The kind of failure.
  public let code: Code
  /// What is wrong and what to do, in one or two sentences.
  public let message: String
  /// The file or folder it happened in.
  public let path: String?
  /// The variable of the file it happened in.
  public let variable: String?

  /// Makes an error; `path` and `variable` say where it happened, as far as that is known.
  public init(_ code: Code, _ message: String, path: String? = nil, variable: String? = nil) {
    self.code = code
    self.message = RadarError.shortened(message)
    self.path = path
    self.variable = variable.map(RadarError.shortened)
  }

  /// What a file says goes into sentences about it, and may be of any length.
  private static func shortened(_ text: String) -> String {
    text.utf8.count <= longest ? text : "\(text.prefix(longest / 2)) … \(text.suffix(longest / 4))"
  }

  private static let longest = 2000

  /// The whole sentence, such as `rain.nc: variable 'R': it states no units; …`.
  public var description: String {
    var text = ""
    if let path { text += "\(path): " }
    if let variable { text += "variable '\(variable)': " }
    return text + message
  }
}
