import CPNG
import Foundation
import RadarIO
import Tensor

/// A frame as a picture without words, for pages that have their own. Where it is dry it is transparent, so that the page's
/// ground shows, light or dark.
public struct RainMap {
  private let map: FrameMap

  /// The width of the pictures in pixels.
  public var width: Int { map.width }
  /// The height of the pictures in pixels.
  public var height: Int { map.height }

  /// Pictures of frames of a grid: north up, one pixel for each of the frame's, or fewer where these would be more than `side`.
  public init(_ grid: Grid, side: Int = 512) { map = FrameMap(grid, side: min(side, max(grid.height, grid.width))) }

  /// The value in mm/h at which each class of rain begins, as a text, and its colour in CSS.
  public static var classes: [(label: String, colour: String)] {
    RainPalette.classes.map { ($0.label, $0.colour.css) }
  }

  /// The colour in CSS of what was not measured.
  public static let missingColour = missing.css

  /// On any ground a grey.
  private static let missing = (colour: Colour(0x808080), css: "rgb(128 128 128 / .5)", alpha: UInt8(128))

  /// A frame, `[h, w]` in mm/h, NaN where missing, as a PNG file.
  ///
  /// - Throws: `RadarError` `internalError`.
  public func png(_ frame: Tensor) throws -> Data {
    let classes = RainPalette.classes
    let indices = map.rates(frame).map { rate in
      rate.isNaN ? UInt8(classes.count + 1) : UInt8((classes.lastIndex { rate >= $0.limit } ?? -1) + 1)
    }
    func entry(_ colour: Colour, _ alpha: UInt8) -> [UInt8] { [colour.red, colour.green, colour.blue, alpha] }
    let colours =
      entry(.white, 0) + classes.flatMap { entry($0.colour, 255) } + entry(Self.missing.colour, Self.missing.alpha)
    return try PNGFile.encode(indices, width: width, height: height, rowBytes: width, palette: colours)
  }
}

extension Colour {
  /// As in CSS.
  fileprivate var css: String { String(format: "#%02x%02x%02x", red, green, blue) }
}
