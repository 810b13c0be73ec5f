import Tensor

/// Turns a forecast into the form that `import_netcdf_pysteps` of pysteps takes, still a CF file.
///
/// As of pysteps 1.21 (`pysteps/io/nowcast_importers.py`) it wants the rain under the name `precip_intensity`, coordinates in
/// variables `y` and `x` of at least two values, row 0 in the north, times in seconds since the start of the forecast, and a
/// projection only in a variable `polar_stereographic`, with false easting and northing.
struct PystepsLayout {
  static let rainRate = "precip_intensity"
  static let stereographic = "polar_stereographic"

  /// The forecast with rows from north to south, columns from west to east, and the names that pysteps knows.
  ///
  /// - Throws: ``RadarError`` `unusable` for a grid that pysteps cannot read.
  static func adapted(_ forecast: ForecastFile, path: String) throws -> ForecastFile {
    let grid = forecast.grid
    guard let y = grid.y, let x = grid.x, y.count > 1, x.count > 1 else {
      throw RadarError(
        .unusable,
        "pysteps needs coordinates of at least two rows and columns, which the frames do not have. Leave --compat away.",
        path: path)
    }
    var adapted = forecast
    adapted.grid = try renamed(grid, path: path)
    // Numbers that only happen to be there, such as the index of a row, still say which end is which.
    if let step = grid.yStep, step > 0 { reverse(&adapted, rows: true) }
    if let step = grid.xStep, step < 0 { reverse(&adapted, rows: false) }
    return adapted
  }

  /// The moment times are counted from: pysteps takes the numbers for lead times.
  static func timeOrigin(_ forecast: ForecastFile) -> Double { forecast.referenceTime.rounded(.down) }

  // MARK: Names

  private static func renamed(_ grid: Grid, path: String) throws -> Grid {
    var grid = grid
    let old = grid.georeference
    let dimensions = [grid.yName: "y", grid.xName: "x"]
    var names: [String: String] = [:]
    for (dimension, name) in dimensions {
      let coordinate =
        old.variable(dimension)
        ?? old.auxiliaryCoordinates.compactMap(old.variable).first { $0.dimensions.map(\.name) == [dimension] }
      if let coordinate { names[coordinate.name] = name }
    }
    let isStereographic = { (variable: StoredVariable) in
      variable.attributes.text("grid_mapping_name") == stereographic
    }
    if let mapping = old.variables.first(where: isStereographic) { names[mapping.name] = stereographic }

    grid.georeference.variables = old.variables.map { stored in
      var variable = stored
      variable.name = names[stored.name] ?? stored.name
      variable.dimensions = stored.dimensions.map { .init(name: dimensions[$0.name] ?? $0.name, length: $0.length) }
      if variable.name == stereographic { complete(&variable.attributes) }
      return variable
    }
    let all = grid.georeference.variables.map(\.name)
    if let twice = all.first(where: { name in all.count { $0 == name } > 1 }) {
      throw RadarError(
        .unusable,
        "pysteps needs the name '\(twice)', which another variable of the frames has. Leave --compat away.", path: path)
    }
    grid.georeference.gridMapping = old.gridMapping?.split(separator: " ").map { word in
      let isKey = word.hasSuffix(":")
      let name = String(isKey ? word.dropLast() : word)
      return (names[name] ?? name) + (isKey ? ":" : "")
    }.joined(separator: " ")
    // A coordinate of the name of its dimension needs no mention.
    grid.georeference.auxiliaryCoordinates = old.auxiliaryCoordinates.map { names[$0] ?? $0 }
      .filter { !["y", "x"].contains($0) }
    (grid.yName, grid.xName) = ("y", "x")
    return grid
  }

  /// Adds what may be left out where it is nought, and the older of the two names CF has for the central longitude.
  private static func complete(_ attributes: inout [CFAttribute]) {
    for name in ["false_easting", "false_northing"] where attributes[name] == nil {
      attributes.append(CFAttribute(name, [0]))
    }
    let central = "straight_vertical_longitude_from_pole"
    if attributes[central] == nil, let longitude = attributes.number("longitude_of_projection_origin") {
      attributes.append(CFAttribute(central, [longitude]))
    }
  }

  // MARK: Order

  /// Reverses the rows or the columns of everything.
  private static func reverse(_ forecast: inout ForecastFile, rows: Bool) {
    let (height, width) = (forecast.grid.height, forecast.grid.width)
    var pixels = Tensor(uninitialized: forecast.rainRate.shape)
    let steps = forecast.times.count
    forecast.rainRate.withUnsafeBufferPointer { old in
      pixels.withUnsafeMutableBufferPointer { new in
        for row in 0..<steps * height {
          let (step, y) = row.quotientAndRemainder(dividingBy: height)
          let source = (rows ? step * height + height - 1 - y : row) * width
          for x in 0..<width { new[row * width + x] = old[source + (rows ? x : width - 1 - x)] }
        }
      }
    }
    forecast.rainRate = pixels
    forecast.validity = reversed(
      forecast.validity, lengths: [height, width], axis: rows ? 0 : 1, size: 1)
    let name = rows ? forecast.grid.yName : forecast.grid.xName
    let bounds = forecast.grid.georeference.variable(name)?.attributes.text("bounds")
    forecast.grid.georeference.variables = forecast.grid.georeference.variables.map { stored in
      guard let axis = stored.dimensions.firstIndex(where: { $0.name == name }) else { return stored }
      var variable = stored
      let lengths = stored.dimensions.map(\.length)
      variable.bytes = reversed(stored.bytes, lengths: lengths, axis: axis, size: stored.type.size)
      // The first end of a cell is that on the side of the cell before it.
      if stored.name == bounds, lengths.count == 2, lengths[1] == 2 {
        variable.bytes = reversed(variable.bytes, lengths: lengths, axis: 1, size: stored.type.size)
      }
      return variable
    }
    if rows { forecast.grid.y?.reverse() } else { forecast.grid.x?.reverse() }
  }

  /// Row-major elements of `size` array elements each, in reverse order along one axis.
  private static func reversed<Element>(_ old: [Element], lengths: [Int], axis: Int, size: Int) -> [Element] {
    let inner = lengths[(axis + 1)...].reduce(size, *)
    let count = lengths[axis]
    var new: [Element] = []
    new.reserveCapacity(old.count)
    for outer in 0..<lengths[..<axis].reduce(1, *) {
      for position in (0..<count).reversed() {
        let start = (outer * count + position) * inner
        new += old[start..<start + inner]
      }
    }
    return new
  }
}
