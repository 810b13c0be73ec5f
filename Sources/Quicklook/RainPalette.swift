/// The colours of rain rates, as weather services have them: blue for light, green, yellow, red and violet for ever heavier.
enum RainPalette {
  /// The lower limit of each class in mm/h, and its colour.
  static let classes: [(limit: Float, label: String, colour: Colour)] = [
    (0.1, "0.1", Colour(0xC6E6F7)), (0.2, "0.2", Colour(0x92C9EE)), (0.5, "0.5", Colour(0x559FDF)),
    (1, "1", Colour(0x2669BF)), (2, "2", Colour(0x1E8A4C)), (3, "3", Colour(0x63BE4E)),
    (5, "5", Colour(0xF6E64B)), (10, "10", Colour(0xF9A825)), (20, "20", Colour(0xE53A24)),
    (50, "50", Colour(0xB0127D)), (100, "100", Colour(0x5B1079)),
  ]

  /// Where nothing was measured.
  static let missing = Colour(0xC9C9C9)
  /// The edge of what was measured.
  static let edge = Colour(0x8A8A8A)

  /// Whether a rain rate has a colour.
  static func isRain(_ rate: Float) -> Bool { rate >= classes[0].limit }

  /// The colour of a rain rate in mm/h; below the first limit it is white.
  static func colour(of rate: Float) -> Colour {
    if rate.isNaN { return missing }
    return classes.last { rate >= $0.limit }?.colour ?? .white
  }
}
