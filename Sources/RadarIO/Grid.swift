import Foundation

/// The horizontal grid of a sequence of radar frames, rows first, in the order of the file (y may go up or down).
public struct Grid: Sendable, Equatable {
  /// The number of rows.
  public var height: Int
  /// The number of columns.
  public var width: Int
  /// The name of the dimension of rows.
  public var yName: String
  /// The name of the dimension of columns.
  public var xName: String
  /// The coordinates of the rows in ``yUnits``; `nil` when the file gives none.
  public var y: [Double]?
  /// The coordinates of the columns in ``xUnits``; `nil` when the file gives none.
  public var x: [Double]?
  /// The units of ``y``.
  public var yUnits: String?
  /// The units of ``x``.
  public var xUnits: String?
  /// Whether the coordinates are angles (latitude and longitude, or those of a rotated pole).
  public var isGeographic: Bool
  /// The distance of neighbouring pixels in metres: the mean over rows and columns, on a sphere of 6371 km at the middle
  /// latitude if the grid is geographic. `nil` when the file does not tell.
  public var spacingMetres: Double?
  /// What is copied to a forecast.
  var georeference = Georeference()
  /// The attributes of the grid mapping variable: where the origin of the coordinates lies on Earth.
  var mapping: [CFAttribute] = []

  /// The radius of a sphere as large as the Earth, in metres.
  static let earthRadius = 6_371_000.0

  /// A plane grid for synthetic frames: row 0 is the northernmost, coordinates are of pixel centres in metres around the
  /// origin, and the grid mapping is a Lambert azimuthal equal-area projection around 50° N, 10° E.
  ///
  /// - Precondition: the sizes and the spacing are positive.
  public init(height: Int, width: Int, spacingMetres: Double) {
    precondition(height > 0 && width > 0 && spacingMetres > 0, "a grid has a positive size and spacing")
    self.height = height
    self.width = width
    self.spacingMetres = spacingMetres
    (yName, xName) = ("y", "x")
    (yUnits, xUnits) = ("m", "m")
    isGeographic = false
    let y = (0..<height).map { (Double(height - 1) / 2 - Double($0)) * spacingMetres }
    let x = (0..<width).map { (Double($0) - Double(width - 1) / 2) * spacingMetres }
    (self.y, self.x) = (y, x)
    mapping = [
      CFAttribute("grid_mapping_name", "lambert_azimuthal_equal_area"),
      CFAttribute("longitude_of_projection_origin", [10]), CFAttribute("latitude_of_projection_origin", [50]),
      CFAttribute("false_easting", [0]), CFAttribute("false_northing", [0]),
      CFAttribute("semi_major_axis", [6_378_137]), CFAttribute("inverse_flattening", [298.257223563]),
    ]
    georeference = Georeference(
      variables: [
        Grid.coordinate("y", y, standardName: "projection_y_coordinate", axis: "Y"),
        Grid.coordinate("x", x, standardName: "projection_x_coordinate", axis: "X"),
        StoredVariable(name: "crs", type: .int, dimensions: [], bytes: [0, 0, 0, 0], attributes: mapping),
      ], gridMapping: "crs")
  }

  /// A coordinate variable on a dimension of its own name.
  static func coordinate(
    _ name: String, _ values: [Double], standardName: String, units: String = "m", axis: String
  ) -> StoredVariable {
    StoredVariable(
      name: name, type: .double, dimensions: [.init(name: name, length: values.count)],
      bytes: values.withUnsafeBytes { Array($0) },
      attributes: [
        CFAttribute("standard_name", standardName), CFAttribute("units", units), CFAttribute("axis", axis),
      ])
  }

  /// A grid as a file gives it; ``GridReader`` fills in the rest.
  init(height: Int, width: Int, yName: String, xName: String) {
    self.height = height
    self.width = width
    self.yName = yName
    self.xName = xName
    isGeographic = false
  }

  /// Whether frames of both grids lie on the same places: equal sizes, coordinates equal to a thousandth of a pixel, and
  /// no grid mapping that says otherwise.
  public func matches(_ other: Grid) -> Bool {
    guard height == other.height, width == other.width, isGeographic == other.isGeographic else { return false }
    return Grid.matches(y, other.y) && Grid.matches(x, other.x) && unitsMatch(other) && mappingMatches(other)
      && auxiliariesMatch(other)
  }

  /// Every radar of a network may count its coordinates from its own site: only the grid mapping tells them apart. What
  /// just one of the two says, and how a projection is spelled in text, decides nothing.
  private func mappingMatches(_ other: Grid) -> Bool {
    if let name = mapping.text("grid_mapping_name"), let its = other.mapping.text("grid_mapping_name"), name != its {
      return false
    }
    return mapping.allSatisfy { attribute in
      let numbers = attribute.numbers()
      guard !numbers.isEmpty, let its = other.mapping[attribute.name]?.numbers(), its.count == numbers.count else {
        return true
      }
      return zip(numbers, its).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($0)) }
    }
  }

  private func unitsMatch(_ other: Grid) -> Bool {
    // Same numbers in other units are other places; without coordinates there is nothing to compare.
    guard let spacingMetres, let otherSpacing = other.spacingMetres else { return true }
    return abs(spacingMetres - otherSpacing) <= 1e-3 * spacingMetres
  }

  private func auxiliariesMatch(_ other: Grid) -> Bool {
    // Two-dimensional coordinates decide only where there are no others.
    guard y == nil || x == nil else { return true }
    return georeference.auxiliaryCoordinates.allSatisfy { name in
      guard let mine = georeference.variable(name), let its = other.georeference.variable(name) else { return true }
      return mine.bytes == its.bytes
    }
  }

  private static func matches(_ a: [Double]?, _ b: [Double]?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    guard a.count == b.count else { return false }
    let step = a.count > 1 ? abs(a[a.count - 1] - a[0]) / Double(a.count - 1) : 1
    let tolerance = step * 1e-3
    return zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
  }

  /// The mean step from row to row in ``yUnits``, negative where rows go south; `nil` without coordinates.
  public var yStep: Double? { y.flatMap { Grid.meanStep($0, period: nil) } }

  /// The mean step from column to column in ``xUnits``; of longitudes by the shorter way around the Earth.
  public var xStep: Double? { x.flatMap { Grid.meanStep($0, period: isGeographic ? 360 : nil) } }

  private static func meanStep(_ values: [Double], period: Double?) -> Double? {
    guard values.count > 1 else { return nil }
    var way = values[values.count - 1] - values[0]
    // Every wrap is one period, such as that from 359.9 to 0 degrees.
    if let period {
      way += period * zip(values, values.dropFirst()).reduce(0) { $0 - (($1.1 - $1.0) / period).rounded() }
    }
    let step = way / Double(values.count - 1)
    return step.isFinite && step != 0 ? step : nil
  }

  /// The grid in a few words, such as `512 × 512, 500 m from y 127.75, x -127.75`.
  public var summary: String {
    func short(_ value: Double) -> String { String(format: "%.7g", value) }
    var text = "\(height) × \(width)"
    if let spacingMetres { text += ", \(short((spacingMetres * 10).rounded() / 10)) m" }
    if let y, let x, let top = y.first, let left = x.first {
      text += " from \(yName) \(short(top)), \(xName) \(short(left))"
    }
    return text
  }
}

extension Grid {
  /// The `grid_mapping_name` of the projection; `nil` when the file has none.
  public var mappingName: String? { mapping.text("grid_mapping_name") }

  /// Whether there are latitudes and longitudes of every pixel.
  public var hasPlaneCoordinates: Bool { !georeference.auxiliaryCoordinates.isEmpty }
}
