/// The order of the four gates in the weights of another program.
public struct GateOrder: Sendable, Equatable, CustomStringConvertible {
  /// The gates as letters: i, f, o, and g for the candidate.
  public let description: String

  /// The order of the usual PyTorch class, and of nowcast's own files.
  public static let pytorch = GateOrder(checked: "ifog")
  /// The order of Keras.
  public static let keras = GateOrder(checked: "ifgo")

  private init(checked text: String) { description = text }

  /// Reads an order such as `ifgo`; the candidate may be called c, too. `nil` unless each gate stands there once.
  public init?(_ text: String) {
    let letters = text.lowercased().map { $0 == "c" ? "g" : $0 }
    guard letters.sorted() == ["f", "g", "i", "o"] else { return nil }
    self.init(checked: String(letters))
  }

  /// Where in the other program's weights each of the gates i, f, o, g stands.
  var positions: [Int] {
    "ifog".compactMap { gate in
      description.firstIndex(of: gate).map { description.distance(from: description.startIndex, to: $0) }
    }
  }
}
