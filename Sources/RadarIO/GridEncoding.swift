/// The grid in a file being made: its dimensions, and what is copied from the input to say where its pixels are.
struct GridEncoding {
  let grid: Grid
  /// The dimensions of rows and columns.
  let y: Int32
  let x: Int32
  private var copies: [(stored: StoredVariable, variable: Int32)] = []

  /// Defines the dimensions.
  init(_ grid: Grid, in encoder: CFEncoder) throws {
    self.grid = grid
    y = try encoder.dimension(grid.yName, grid.height)
    x = try encoder.dimension(grid.xName, grid.width)
  }

  /// Defines what is copied.
  mutating func defineCopies(in encoder: CFEncoder) throws {
    copies = try grid.georeference.variables.map { stored in
      let dimensions = try stored.dimensions.map { try encoder.dimension($0.name, $0.length) }
      let attributes = CoordinateRepair.attributes(of: stored, on: grid)
      return (stored, try encoder.variable(stored.name, stored.type, dimensions, attributes))
    }
  }

  /// Writes the values of what is copied, once the definitions are ended.
  func put(in encoder: CFEncoder) throws {
    for (stored, variable) in copies { try stored.bytes.withUnsafeBytes { try encoder.put($0, in: variable) } }
  }

  /// The attributes of a variable of pixels that say where they are.
  ///
  /// - Parameters:
  ///   - grid: the grid.
  ///   - others: coordinates besides those of the grid.
  static func attributes(of grid: Grid, coordinates others: [String]) -> [CFAttribute] {
    var attributes: [CFAttribute] = []
    if let mapping = grid.georeference.gridMapping, hasMapping(mapping, grid) {
      attributes.append(CFAttribute("grid_mapping", mapping))
    }
    let coordinates = others + grid.georeference.auxiliaryCoordinates
    if !coordinates.isEmpty { attributes.append(CFAttribute("coordinates", coordinates.joined(separator: " "))) }
    return attributes
  }

  /// Whether every variable that a `grid_mapping` attribute names is copied.
  private static func hasMapping(_ mapping: String, _ grid: Grid) -> Bool {
    mapping.split(whereSeparator: \.isWhitespace).allSatisfy {
      grid.georeference.variable($0.hasSuffix(":") ? String($0.dropLast()) : String($0)) != nil
    }
  }

  /// The dimension of the two ends of an interval; the input may use our name for something longer.
  static func boundsDimension(beside grid: Grid) -> String {
    let taken = grid.georeference.variables.flatMap(\.dimensions).contains {
      $0.name == CFNames.boundsDimension && $0.length != 2
    }
    return taken ? CFNames.timeBounds : CFNames.boundsDimension
  }

  /// The largest chunk in bytes; the 4 MiB chunk cache of older libraries holds the usual frames whole.
  private static let largestChunk = 16 << 20

  /// Rows and columns of a chunk: a frame, halved by rows while it is too large.
  static func chunks(of grid: Grid) -> [Int] {
    var rows = grid.height
    while rows > 1, rows * grid.width * MemoryLayout<Float>.size > largestChunk { rows = (rows + 1) / 2 }
    return [rows, grid.width]
  }
}

extension TimeAxis {
  /// The attributes of a variable of moments, in seconds since `origin`.
  static func attributes(_ standardName: String, since origin: Double = 0) -> [CFAttribute] {
    [
      CFAttribute("standard_name", standardName), CFAttribute("units", units(since: origin)),
      CFAttribute("calendar", "standard"),
      // As in POSIX time, every day has 86,400 seconds.
      CFAttribute("units_metadata", "leap_seconds: none"),
    ]
  }

  /// The attributes of the lead time in seconds.
  static let periodAttributes = [
    CFAttribute("standard_name", "forecast_period"), CFAttribute("long_name", "lead time"), CFAttribute("units", "s"),
  ]
}
