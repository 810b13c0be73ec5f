import Foundation

/// A point of a grid in columns and rows; the first pixel reaches from 0 to 1.
struct GridPoint: Equatable {
  var x: Double
  var y: Double
}

/// Where places of the Earth lie on a grid: by its projection, by its latitudes and longitudes, or by those of every pixel.
struct GridPlaces {
  private enum Way {
    case degrees
    case projection(Projector)
    case planes(CurvilinearPlaces)
  }

  /// Evenly spaced coordinates.
  private struct Axis {
    var first: Double
    var step: Double

    /// - Parameter period: that of angles, which may pass from 359 to 0.
    /// - Throws: ``Unplaced`` where the coordinates are too few or not even.
    init(_ values: [Double]?, period: Double? = nil, _ what: String) throws {
      guard var values, values.count > 1 else { throw Unplaced(why: "has fewer than two \(what) with coordinates") }
      if let period {
        for index in 1..<values.count {
          values[index] = values[index - 1] + (values[index] - values[index - 1]).remainder(dividingBy: period)
        }
      }
      first = values[0]
      step = (values[values.count - 1] - first) / Double(values.count - 1)
      guard step.isFinite, step != 0 else { throw Unplaced(why: "has \(what) without usable coordinates") }
      for (index, value) in values.enumerated() where abs((value - first) / step - Double(index)) > 0.05 {
        throw Unplaced(why: "has \(what) that are not evenly spaced")
      }
    }

    func place(_ value: Double) -> Double { (value - first) / step + 0.5 }
  }

  /// Why a grid has no place on the Earth, after the words "the grid of the frames".
  struct Unplaced: Error { var why: String }

  private let way: Way
  private let rows: Axis?
  private let columns: Axis?
  private let metresPerUnit: (x: Double, y: Double)

  /// - Throws: ``Unplaced``; ``RadarError`` `internalError` without a units database.
  init(_ grid: Grid) throws {
    let mapping = grid.mapping.text("grid_mapping_name")
    if grid.isGeographic, mapping == nil || mapping == "latitude_longitude" {
      way = .degrees
      rows = try Axis(grid.y, "rows")
      columns = try Axis(grid.x, period: 360, "columns")
      metresPerUnit = (1, 1)
      return
    }
    let units = try (GridPlaces.metres(grid.xUnits), GridPlaces.metres(grid.yUnits))
    if !grid.isGeographic, grid.y != nil, grid.x != nil, let x = units.0, let y = units.1,
      let projection = Projection(mapping: grid.mapping, metresPerUnit: x), projection.name != "longlat",
      let projector = Projector(projection)
    {
      way = .projection(projector)
      rows = try Axis(grid.y, "rows")
      columns = try Axis(grid.x, "columns")
      metresPerUnit = (x, y)
      return
    }
    guard let planes = CurvilinearPlaces(grid) else {
      let words = mapping.map { "has the projection '\($0)', which is not understood," } ?? "has no projection"
      throw Unplaced(why: "\(words) and no latitude and longitude of its pixels")
    }
    way = .planes(planes)
    (rows, columns) = (nil, nil)
    metresPerUnit = (1, 1)
  }

  /// The metres in one unit of coordinates; those without units count in metres.
  private static func metres(_ units: String?) throws -> Double? {
    guard let units else { return 1 }
    let system = try UnitSystem.load()
    return (system.conversion(from: units, to: "m") ?? system.conversion(from: units.lowercased(), to: "m"))?.slope
  }

  /// The point of a place; `nil` where the projection has none.
  func point(of place: EarthPlace) -> GridPoint? {
    switch way {
    case .planes(let planes): return planes.point(of: place)
    case .degrees:
      guard let rows, let columns else { return nil }
      return GridPoint(x: columns.place(place.longitude), y: rows.place(place.latitude))
    case .projection(let projector):
      guard let rows, let columns,
        let found = projector.project(longitude: place.longitude, latitude: place.latitude)
      else { return nil }
      return GridPoint(x: columns.place(found.x / metresPerUnit.x), y: rows.place(found.y / metresPerUnit.y))
    }
  }

  /// The columns in 360 degrees, where columns are longitudes: what lies there lies there again.
  var columnsAround: Double? { if case .degrees = way { columns.map { 360 / abs($0.step) } } else { nil } }

  /// Whether the line between two places is straight on the grid, too.
  var isStraight: Bool { if case .degrees = way { true } else { false } }

  /// A coordinate along rows of which equal lengths are equal areas: rows themselves, but on a grid of latitudes the sine of
  /// the latitude in rows.
  func equalAreaRow(_ y: Double) -> Double {
    guard case .degrees = way, let rows else { return y }
    let radians = Double.pi / 180
    let latitude = min(max(rows.first + (y - 0.5) * rows.step, -90), 90)
    return sin(latitude * radians) / (rows.step * radians)
  }
}
