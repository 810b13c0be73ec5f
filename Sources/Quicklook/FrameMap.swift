import Foundation
import RadarIO
import Tensor

/// How frames of a grid become maps of a size: north up, west left, and a kilometre as long in both directions.
struct FrameMap {
  let width: Int
  let height: Int
  /// The metres one pixel of the map is wide; `nil` when the grid does not tell.
  let metresPerPixel: Double?
  private let grid: Grid
  private let isNorthUp: Bool
  private let isWestLeft: Bool

  /// Maps no wider and no higher than `side`, and enlarged at most eightfold.
  init(_ grid: Grid, side: Int) {
    self.grid = grid
    let aspect = FrameMap.aspect(of: grid)
    // The sizes in units of one pixel's height.
    let (wide, high) = (Double(grid.width) * aspect, Double(grid.height))
    let scale = min(Double(side) / max(wide, high), 8)
    width = min(side, max(1, Int((wide * scale).rounded())))
    height = min(side, max(1, Int((high * scale).rounded())))
    // The spacing of a grid is the mean over rows and columns.
    let columnsPerPixel = Double(grid.width) / Double(width)
    metresPerPixel = grid.spacingMetres.map { 2 * $0 * aspect / (1 + aspect) * columnsPerPixel }
    isNorthUp = grid.yStep.map { $0 < 0 } ?? true
    isWestLeft = grid.xStep.map { $0 > 0 } ?? true
  }

  /// The width of a pixel in heights of a pixel, between a tenth and ten.
  private static func aspect(of grid: Grid) -> Double {
    guard let y = grid.y, let dy = grid.yStep.map(abs), let dx = grid.xStep.map(abs),
      grid.yUnits?.first == grid.xUnits?.first
    else { return 1 }
    let shrink = grid.isGeographic ? cos((y[0] + y[y.count - 1]) / 2 * .pi / 180) : 1
    let aspect = dx / dy * shrink
    return aspect.isFinite ? min(max(aspect, 0.1), 10) : 1
  }

  /// The rows and columns of a grid that fall on one pixel of the map at most.
  var reduction: (rows: Int, columns: Int) {
    ((grid.height + height - 1) / height, (grid.width + width - 1) / width)
  }

  /// A frame, `[h, w]` in mm/h, as pixels of the map row by row: the largest of the rates that fall on one, missing where
  /// most of them are and no rain was measured.
  ///
  /// A mean would turn a storm of a few pixels into drizzle, and a shower of one into nothing.
  func rates(_ frame: Tensor) -> [Float] {
    var rates = [Float](repeating: .nan, count: width * height)
    let columns = (0..<width).map { range($0, of: width, in: grid.width, isForward: isWestLeft) }
    frame.withUnsafeBufferPointer { pixels in
      for y in 0..<height {
        let rows = range(y, of: height, in: grid.height, isForward: isNorthUp)
        for x in 0..<width {
          var (largest, measured): (Float, Int) = (0, 0)
          for row in rows {
            for column in columns[x] where !pixels[row * grid.width + column].isNaN {
              largest = max(largest, pixels[row * grid.width + column])
              measured += 1
            }
          }
          // Rain at the edge of what was measured is not lost either.
          if measured > 0, measured * 2 >= rows.count * columns[x].count || RainPalette.isRain(largest) {
            rates[y * width + x] = largest
          }
        }
      }
    }
    return rates
  }

  /// Draws a frame, `[h, w]` in mm/h, with a dark edge around what was measured.
  func draw(_ frame: Tensor, on canvas: inout Canvas, x left: Int, y top: Int) {
    let rates = rates(frame)
    for y in 0..<height {
      for x in 0..<width {
        let rate = rates[y * width + x]
        var colour = RainPalette.colour(of: rate)
        if rate.isNaN {
          let neighbours = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)]
          let isEdge = neighbours.contains { column, row in
            (0..<width).contains(column) && (0..<height).contains(row) && !rates[row * width + column].isNaN
          }
          if isEdge { colour = RainPalette.edge }
        }
        canvas[left + x, top + y] = colour
      }
    }
  }

  /// The rows (or columns) of the frame on one of the map.
  private func range(_ place: Int, of size: Int, in count: Int, isForward: Bool) -> Range<Int> {
    let place = isForward ? place : size - 1 - place
    let start = place * count / size
    return start..<max(start + 1, (place + 1) * count / size)
  }

  /// A round length for a scale bar, at most a third of the map wide: kilometres and pixels.
  var scaleBar: (kilometres: Double, pixels: Int)? {
    guard let metresPerPixel, metresPerPixel > 0, metresPerPixel.isFinite else { return nil }
    let longest = metresPerPixel * Double(width) / 3 / 1000
    let power = pow(10, floor(log10(longest)))
    let kilometres = ([5, 2, 1].map { $0 * power }.first { $0 <= longest }) ?? power
    return (kilometres, Int((kilometres * 1000 / metresPerPixel).rounded()))
  }
}
