import Foundation

/// Reads the grid of a variable, and everything a forecast will copy to say where it lies.
struct GridReader {
  let file: NetCDFFile
  let system: UnitSystem

  /// The grid of a variable, without what only copying needs.
  func outline(of variable: NetCDFFile.Variable, _ layout: FrameLayout) throws -> Grid {
    var grid = Grid(height: layout.y.length, width: layout.x.length, yName: layout.y.name, xName: layout.x.name)
    grid.mapping = mapping(of: variable)?.attributes ?? []
    grid.y = try layout.yCoordinate.flatMap(values)
    grid.x = try layout.xCoordinate.flatMap(values)
    grid.yUnits = layout.yCoordinate?.units
    grid.xUnits = layout.xCoordinate?.units
    if let y = layout.yCoordinate, let x = layout.xCoordinate {
      grid.isGeographic = isAngle(y, "latitude") && isAngle(x, "longitude")
      grid.spacingMetres = spacing(grid, y, x)
    }
    return grid
  }

  /// Adds what a forecast copies, and tells what was mended in it.
  func complete(_ grid: Grid, variable: NetCDFFile.Variable, _ layout: FrameLayout) throws -> (Grid, notes: [String]) {
    var grid = grid
    var notes: [String] = []
    var georeference = Georeference(gridMapping: mappingText(of: variable))
    let horizontal: Set = [grid.yName, grid.xName]
    func store(_ found: NetCDFFile.Variable, isMapping: Bool = false) throws {
      let name = found.name
      guard georeference.variable(name) == nil, !CFNames.reserved.contains(name), let type = found.type,
        type != .string, isPlain(found, horizontal)
      else { return }
      // The value of a grid mapping means nothing (CF 5.6), and some programs leave there what was in memory: files of one radar
      // would differ in it, and forecasts from them.
      let bytes = try file.bytes(of: found)
      let isMeaningless = isMapping && found.dimensions.isEmpty
      georeference.variables.append(
        StoredVariable(
          name: name, type: type, dimensions: found.dimensions.map { .init(name: $0.name, length: $0.length) },
          bytes: isMeaningless ? [UInt8](repeating: 0, count: bytes.count) : bytes, attributes: found.attributes))
      if let bounds = found.attributes.text("bounds").flatMap({ file.variable($0, from: found) }), bounds.name != name {
        try store(bounds)
      }
    }
    for (coordinate, dimension) in [(layout.yCoordinate, grid.yName), (layout.xCoordinate, grid.xName)] {
      guard let coordinate else { continue }
      try store(coordinate)
      // A coordinate of another name than its dimension is found by the `coordinates` attribute alone.
      if coordinate.name != dimension, georeference.variable(coordinate.name) != nil {
        georeference.auxiliaryCoordinates.append(coordinate.name)
      }
    }
    for name in mappingNames(of: variable) {
      if var found = file.variable(name, from: variable),
        found.dimensions.isEmpty || found.attributes["grid_mapping_name"] != nil
      {
        for (attribute, origin) in GridMappingRepair.missing(in: found.attributes) {
          found.attributes.append(attribute)
          notes.append(
            "its grid mapping '\(found.name)' gets the \(attribute.name) it lacks, which follows from its \(origin)")
        }
        try store(found, isMapping: true)
      } else if file.variable(name, from: variable) == nil {
        notes.append("its grid_mapping names '\(name)', which is not in the file")
      }
    }
    if let own = georeference.gridMapping, variable.attributes["grid_mapping"] == nil {
      notes.append("the grid mapping '\(own)', the only one in the file, is taken to be its own")
    }
    for name in variable.attributes.words("coordinates") + planeCoordinates(grid) {
      guard let found = file.variable(name, from: variable), Set(found.dimensions.map(\.name)) == horizontal,
        !georeference.auxiliaryCoordinates.contains(found.name)
      else { continue }
      try store(found)
      if georeference.variable(found.name) != nil { georeference.auxiliaryCoordinates.append(found.name) }
    }
    grid.georeference = georeference
    if grid.spacingMetres == nil { grid.spacingMetres = auxiliarySpacing(grid) }
    return (grid, notes)
  }

  /// The words of the `grid_mapping` attribute; for a variable without one the only grid mapping that its file has.
  private func mappingWords(of variable: NetCDFFile.Variable) -> [String] {
    let words = variable.attributes.words("grid_mapping")
    guard words.isEmpty else { return words }
    let mappings = file.variables.filter { $0.attributes["grid_mapping_name"] != nil }
    return mappings.count == 1 ? [mappings[0].name] : []
  }

  /// What the `grid_mapping` attribute names, without the coordinates in its long form "crs: x y".
  private func mappingNames(of variable: NetCDFFile.Variable) -> [String] {
    let words = mappingWords(of: variable)
    let keys = words.filter { $0.hasSuffix(":") }.map { String($0.dropLast()) }
    return keys.isEmpty ? words : keys
  }

  private func mapping(of variable: NetCDFFile.Variable) -> NetCDFFile.Variable? {
    mappingNames(of: variable).lazy.compactMap { file.variable($0, from: variable) }
      .first { $0.attributes["grid_mapping_name"] != nil }
  }

  /// The `grid_mapping` attribute with the names that its variables have in a file without groups.
  private func mappingText(of variable: NetCDFFile.Variable) -> String? {
    let words = mappingWords(of: variable).map { word in
      let isKey = word.hasSuffix(":")
      guard let found = file.variable(isKey ? String(word.dropLast()) : word, from: variable) else { return word }
      return found.name + (isKey ? ":" : "")
    }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// Whether a variable is over rows, columns or both (or neither), and at most the ends or corners of a cell besides.
  private func isPlain(_ variable: NetCDFFile.Variable, _ horizontal: Set<String>) -> Bool {
    let others = variable.dimensions.filter { !horizontal.contains($0.name) }
    return others.allSatisfy { (2...4).contains($0.length) && file.coordinate(of: $0) == nil } && others.count <= 1
  }

  /// Latitude and longitude over both dimensions, by standard name, where the `coordinates` attribute does not name them.
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
    if let units = variable.units, units.lowercased().hasPrefix("deg") { return true }
    return [name, String(name.prefix(3))].contains(variable.name.lowercased())
      || variable.attributes.text("long_name")?.lowercased() == name
  }

  private func spacing(_ grid: Grid, _ yVariable: NetCDFFile.Variable, _ xVariable: NetCDFFile.Variable) -> Double? {
    var steps: [Double] = []
    let middle = grid.y.map { ($0.first ?? 0) + ($0.last ?? 0) }.map { $0 / 2 * .pi / 180 } ?? 0
    for (values, step, variable, stretch) in [
      (grid.y, grid.yStep, yVariable, 1), (grid.x, grid.xStep, xVariable, cos(middle)),
    ] where (values?.count ?? 0) > 1 {
      guard let step = step.map(abs) else { return nil }
      if grid.isGeographic {
        steps.append(step * .pi / 180 * Grid.earthRadius * stretch)
      } else if let units = variable.units {
        guard
          let conversion = system.conversion(from: units, to: "m")
            ?? system.conversion(from: units.lowercased(), to: "m")
        else { return nil }
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
