import Foundation

/// A colour of eight bits a channel.
struct Colour: Hashable, Sendable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  /// From `0xRRGGBB`.
  init(_ hex: UInt32) {
    (red, green, blue) = (UInt8(hex >> 16 & 255), UInt8(hex >> 8 & 255), UInt8(hex & 255))
  }

  static let white = Colour(0xFFFFFF)
  static let ink = Colour(0x202020)
  static let faint = Colour(0x707070)
  static let warning = Colour(0xB00020)
}

/// Pixels to draw on, row 0 at the top. What lies outside is not drawn.
struct Canvas {
  let width: Int
  let height: Int
  private var pixels: [UInt8]

  /// A white canvas.
  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: width * height * 3)
  }

  subscript(x: Int, y: Int) -> Colour {
    get {
      let place = (y * width + x) * 3
      return Colour(UInt32(pixels[place]) << 16 | UInt32(pixels[place + 1]) << 8 | UInt32(pixels[place + 2]))
    }
    set {
      guard (0..<width).contains(x), (0..<height).contains(y) else { return }
      let place = (y * width + x) * 3
      (pixels[place], pixels[place + 1], pixels[place + 2]) = (newValue.red, newValue.green, newValue.blue)
    }
  }

  /// Fills a rectangle.
  mutating func fill(x: Int, y: Int, width: Int, height: Int, _ colour: Colour) {
    for row in y..<y + height { for column in x..<x + width { self[column, row] = colour } }
  }

  /// Draws the outline of a rectangle, one pixel wide, within it.
  mutating func frame(x: Int, y: Int, width: Int, height: Int, _ colour: Colour) {
    fill(x: x, y: y, width: width, height: 1, colour)
    fill(x: x, y: y + height - 1, width: width, height: 1, colour)
    fill(x: x, y: y, width: 1, height: height, colour)
    fill(x: x + width - 1, y: y, width: 1, height: height, colour)
  }

  /// Writes a line of text from its upper left corner.
  mutating func write(_ text: String, x: Int, y: Int, scale: Int = 1, _ colour: Colour = .ink) {
    for (index, character) in text.enumerated() {
      for (row, bits) in BitmapFont.rows(of: character).enumerated() {
        for column in 0..<BitmapFont.width where bits >> (BitmapFont.width - 1 - column) & 1 == 1 {
          fill(
            x: x + (index * BitmapFont.advance + column) * scale, y: y + row * scale, width: scale, height: scale,
            colour)
        }
      }
    }
  }

  /// The width of a line of text.
  static func width(of text: String, scale: Int = 1) -> Int {
    max(0, text.count * BitmapFont.advance - 1) * scale
  }

  /// The picture as a PNG file.
  ///
  /// - Throws: ``RadarError`` `internalError`.
  func png() throws -> Data { try PNGFile.encode(pixels, width: width, height: height, rowBytes: width * 3) }
}
