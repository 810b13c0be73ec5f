import Foundation

/// Where places of the Earth lie on a grid that only tells the latitude and longitude of each of its pixels.
struct CurvilinearPlaces {
  let height: Int
  let width: Int
  /// Degrees of the pixels' centres, row by row.
  let longitudes: [Double]
  let latitudes: [Double]

  /// The planes of a grid; `nil` where it has none, or fewer than two rows or columns.
  init?(_ grid: Grid) {
    func plane(_ name: String, _ units: Set<String>) -> [Double]? {
      grid.georeference.auxiliaryCoordinates.lazy.compactMap(grid.georeference.variable).first {
        ($0.attributes.text("standard_name") == name || units.contains($0.attributes.text("units") ?? ""))
          && $0.dimensions.map(\.name) == [grid.yName, grid.xName]
      }?.numbers
    }
    guard grid.height > 1, grid.width > 1, let latitudes = plane("latitude", ["degrees_north", "degree_north"]),
      let longitudes = plane("longitude", ["degrees_east", "degree_east"]),
      latitudes.count == grid.height * grid.width, longitudes.count == latitudes.count
    else { return nil }
    (height, width) = (grid.height, grid.width)
    (self.longitudes, self.latitudes) = (longitudes, latitudes)
  }

  /// A place in columns and rows, the centre of the first pixel at (0.5, 0.5); `nil` where the search does not end.
  ///
  /// Newton's method on what lies between the four pixels around, which is continued beyond the edge.
  func point(of place: EarthPlace) -> GridPoint? {
    var (column, row) = (Double(width - 1) / 2, Double(height - 1) / 2)
    // Degrees of longitude count as long as they are there, so that a step is one of distance.
    let shrink = max(cos(place.latitude * .pi / 180), 1e-6)
    for _ in 0..<50 {
      let c = min(max(Int(column.rounded(.down)), 0), width - 2)
      let r = min(max(Int(row.rounded(.down)), 0), height - 2)
      let (u, v) = (column - Double(c), row - Double(r))
      let corner = r * width + c
      func offset(_ index: Int) -> (x: Double, y: Double) {
        (
          (longitudes[index] - place.longitude).remainder(dividingBy: 360) * shrink, latitudes[index] - place.latitude
        )
      }
      let (a, b, d, e) = (offset(corner), offset(corner + 1), offset(corner + width), offset(corner + width + 1))
      let alongColumns = ((1 - v) * (b.x - a.x) + v * (e.x - d.x), (1 - v) * (b.y - a.y) + v * (e.y - d.y))
      let alongRows = ((1 - u) * (d.x - a.x) + u * (e.x - b.x), (1 - u) * (d.y - a.y) + u * (e.y - b.y))
      let miss = (
        a.x + u * (b.x - a.x) + v * alongRows.0, a.y + u * (b.y - a.y) + v * alongRows.1
      )
      let determinant = alongColumns.0 * alongRows.1 - alongColumns.1 * alongRows.0
      let stepColumn = (miss.1 * alongRows.0 - miss.0 * alongRows.1) / determinant
      let stepRow = (miss.0 * alongColumns.1 - miss.1 * alongColumns.0) / determinant
      guard stepColumn.isFinite, stepRow.isFinite else { return nil }
      // A cell's own shape says little about what is far away.
      let (mostColumns, mostRows) = (Double(width), Double(height))
      column += min(max(stepColumn, -mostColumns), mostColumns)
      row += min(max(stepRow, -mostRows), mostRows)
      guard abs(column) < 1e6, abs(row) < 1e6 else { return nil }
      if abs(stepColumn) < 1e-9, abs(stepRow) < 1e-9 { return GridPoint(x: column + 0.5, y: row + 0.5) }
    }
    return nil
  }
}
