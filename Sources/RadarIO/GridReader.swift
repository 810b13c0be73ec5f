import Foundation

/// Reads the grid of a variable, and everything a forecast will copy to say where it lies.
struct GridReader {
  let file: NetCDFFile
  let system: UnitSystem

  /// The grid of a variable on the dimensions `y` and `x`, without what only copying needs.
  func outline(of variable: NetCDFFile.Variable, y: NetCDFFile.Dimension, x: NetCDFFile.Dimension) throws -> Grid {
    var grid = Grid(height: y.length, width: x.length, yName: y.name, xName: x.name)
    grid.mapping = mapping(of: variable)?.attributes ?? []
    let yVariable = file.coordinate(of: y)
    let xVariable = file.coordinate(of: x)
    grid.y = try yVariable.flatMap(values)
    grid.x = try xVariable.flatMap(values)
    grid.yUnits = yVariable?.units
    grid.xUnits = xVariable?.units
    if let yVariable, let xVariable {
      grid.isGeographic = isAngle(yVariable, "latitude") && isAngle(xVariable, "longitude")
      grid.spacingMetres = spacing(grid, yVariable, xVariable)
    }
    return grid
  }

  /// Adds what a forecast copies.
  func complete(_ grid: Grid, variable: NetCDFFile.Variable) throws -> Grid {
    var grid = grid
    var georeference = Georeference(gridMapping: variable.attributes.text("grid_mapping"))
    let horizontal: Set = [grid.yName, grid.xName]
    func store(_ name: String) throws {
      guard georeference.variable(name) == nil, !CFNames.reserved.contains(name), let found = file.variable(name),
        let type = found.type, type != .string,
        isPlain(found, horizontal)
      else { return }
      georeference.variables.append(
        StoredVariable(
          name: name, type: type, dimensions: found.dimensions.map { .init(name: $0.name, length: $0.length) },
          bytes: try file.rawValues(of: found).bytes, attributes: found.attributes))
      if let bounds = found.attributes.text("bounds"), bounds != name { try store(bounds) }
    }
    try store(grid.yName)
    try store(grid.xName)
    for word in variable.attributes.words("grid_mapping") {
      // The long form is "crs: x y"; the coordinates it names are stored or dropped like the others.
      let name = word.hasSuffix(":") ? String(word.dropLast()) : word
      if file.variable(name)?.dimensions.isEmpty == true || file.variable(name)?.attributes["grid_mapping_name"] != nil
      {
        try store(name)
      }
    }
    let names =
      variable.attributes.words("coordinates") + (grid.y == nil || grid.x == nil ? planeCoordinates(grid) : [])
    for name in names where !georeference.auxiliaryCoordinates.contains(name) {
      guard let found = file.variable(name), Set(found.dimensions.map(\.name)) == horizontal else { continue }
      try store(name)
      if georeference.variable(name) != nil { georeference.auxiliaryCoordinates.append(name) }
    }
    grid.georeference = georeference
    if grid.spacingMetres == nil { grid.spacingMetres = auxiliarySpacing(grid) }
    return grid
  }

  /// The grid mapping variable. The long form of its attribute is "crs: x y".
  private func mapping(of variable: NetCDFFile.Variable) -> NetCDFFile.Variable? {
    variable.attributes.words("grid_mapping").lazy
      .compactMap { file.variable($0.hasSuffix(":") ? String($0.dropLast()) : $0) }
      .first { $0.attributes["grid_mapping_name"] != nil }
  }

  /// Whether a variable is over rows, columns or both (or neither), and at most the ends or corners of a cell besides.
  private func isPlain(_ variable: NetCDFFile.Variable, _ horizontal: Set<String>) -> Bool {
    let others = variable.dimensions.filter { !horizontal.contains($0.name) }
    return others.allSatisfy { (2...4).contains($0.length) && file.coordinate(of: $0) == nil } && others.count <= 1
  }

  /// Latitude and longitude over both dimensions, by standard name, for files that do not name them as coordinates.
  private func planeCoordinates(_ grid: Grid) -> [String] {
    file.variables.filter {
      ["latitude", "longitude"].contains($0.standardName) && Set($0.dimensions.map(\.name)) == [grid.yName, grid.xName]
    }.map(\.name)
  }

  private func values(_ variable: NetCDFFile.Variable) throws -> [Double]? {
    guard let type = variable.type, type.isNumeric else { return nil }
    let scale = variable.attributes.number("scale_factor") ?? 1
    let offset = variable.attributes.number("add_offset") ?? 0
    return try file.numbers(of: variable).map { $0 * scale + offset }
  }

  private func isAngle(_ variable: NetCDFFile.Variable, _ name: String) -> Bool {
    if let standardName = variable.standardName {
      return standardName == name || standardName == "grid_\(name)"
    }
    if let units = variable.units, system.conversion(from: units, to: "m") != nil { return false }
    if let units = variable.units, units.hasPrefix("degree"), system.conversion(from: units, to: "degree") != nil {
      return true
    }
    return variable.attributes.text("long_name")?.lowercased() == name
  }

  private func spacing(_ grid: Grid, _ yVariable: NetCDFFile.Variable, _ xVariable: NetCDFFile.Variable) -> Double? {
    var steps: [Double] = []
    let middle = grid.y.map { ($0.first ?? 0) + ($0.last ?? 0) }.map { $0 / 2 * .pi / 180 } ?? 0
    for (values, variable, stretch) in [(grid.y, yVariable, 1), (grid.x, xVariable, cos(middle))] {
      guard let values, values.count > 1 else { continue }
      let step = abs(values[values.count - 1] - values[0]) / Double(values.count - 1)
      if grid.isGeographic {
        steps.append(step * .pi / 180 * Grid.earthRadius * stretch)
      } else if let units = variable.units {
        guard let conversion = system.conversion(from: units, to: "m") else { return nil }
        steps.append(step * conversion.slope)
      } else if variable.standardName?.hasPrefix("projection_") == true {
        // The canonical unit of projection coordinates is the metre.
        steps.append(step)
      } else {
        return nil
      }
    }
    guard !steps.isEmpty, steps.allSatisfy({ $0.isFinite && $0 > 0 }) else { return nil }
    return steps.reduce(0, +) / Double(steps.count)
  }

  /// The spacing at the middle of two-dimensional latitude and longitude.
  private func auxiliarySpacing(_ grid: Grid) -> Double? {
    func plane(_ name: String) -> [Double]? {
      grid.georeference.auxiliaryCoordinates.compactMap { grid.georeference.variable($0) }.first {
        $0.attributes.text("standard_name") == name && $0.dimensions.first?.name == grid.yName
      }?.numbers
    }
    guard let latitude = plane("latitude"), let longitude = plane("longitude"), grid.height > 1, grid.width > 1,
      latitude.count == grid.height * grid.width, longitude.count == latitude.count
    else { return nil }
    let middle = (grid.height - 1) / 2 * grid.width + (grid.width - 1) / 2
    func distance(_ a: Int, _ b: Int) -> Double {
      let radians = Double.pi / 180
      let dy = (latitude[b] - latitude[a]) * radians
      let dx = (longitude[b] - longitude[a]) * radians
      let h = pow(sin(dy / 2), 2) + cos(latitude[a] * radians) * cos(latitude[b] * radians) * pow(sin(dx / 2), 2)
      return 2 * Grid.earthRadius * asin(min(1, h.squareRoot()))
    }
    let mean = (distance(middle, middle + grid.width) + distance(middle, middle + 1)) / 2
    return mean.isFinite && mean > 0 ? mean : nil
  }
}
