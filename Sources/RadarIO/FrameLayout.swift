/// Which dimensions of a variable are time, rows and columns.
struct FrameLayout {
  var time: NetCDFFile.Dimension?
  var y: NetCDFFile.Dimension
  var x: NetCDFFile.Dimension
  /// Whether the file stores columns before rows.
  var isTransposed: Bool

  /// The number of frames.
  var frameCount: Int { time?.length ?? 1 }

  /// `nil` when the variable does not hold frames: its last two dimensions (but for such of length one) must be the
  /// horizontal ones, and there may be one of time before them.
  init?(of variable: NetCDFFile.Variable, in file: NetCDFFile, system: UnitSystem) {
    var rest = variable.dimensions
    func role(_ dimension: NetCDFFile.Dimension) -> Role { Role(file.coordinate(of: dimension), system: system) }
    if let position = rest.firstIndex(where: { role($0) == .time }) {
      time = rest.remove(at: position)
      guard variable.dimensions[..<position].allSatisfy({ $0.length == 1 }) else { return nil }
    } else if let position = rest.firstIndex(where: { $0.name.lowercased() == "time" }) {
      // A dimension of time whose times are in an auxiliary coordinate.
      time = rest.remove(at: position)
      guard variable.dimensions[..<position].allSatisfy({ $0.length == 1 }) else { return nil }
    }
    // What is one level, one member or one period says nothing about rows and columns.
    while rest.count > 2, let position = rest.lastIndex(where: { $0.length == 1 && role($0) != .y && role($0) != .x }) {
      rest.remove(at: position)
    }
    guard rest.count == 2, rest[0] != rest[1] else { return nil }
    let roles = (role(rest[0]), role(rest[1]))
    guard roles.0 != .other, roles.1 != .other, roles.0 != .time, roles.1 != .time else { return nil }
    isTransposed = roles.0 == .x || roles.1 == .y
    guard !isTransposed || (roles.0 != .y && roles.1 != .x) else { return nil }
    (y, x) = isTransposed ? (rest[1], rest[0]) : (rest[0], rest[1])
  }

  private enum Role {
    case time, y, x, other, unknown

    init(_ coordinate: NetCDFFile.Variable?, system: UnitSystem) {
      guard let coordinate else {
        self = .unknown
        return
      }
      let axis = coordinate.attributes.text("axis")?.uppercased()
      if axis == "T" || coordinate.standardName == "time" || TimeAxis.isTime(coordinate.units, system: system) {
        self = .time
        return
      }
      switch (axis, coordinate.standardName) {
      case ("Y", _), (_, "projection_y_coordinate"), (_, "latitude"), (_, "grid_latitude"): self = .y
      case ("X", _), (_, "projection_x_coordinate"), (_, "longitude"), (_, "grid_longitude"): self = .x
      case ("Z", _): self = .other
      default:
        if coordinate.attributes["positive"] != nil {
          self = .other
        } else if let units = coordinate.units, ["degrees_north", "degree_north"].contains(units) {
          self = .y
        } else if let units = coordinate.units, ["degrees_east", "degree_east"].contains(units) {
          self = .x
        } else {
          self = .unknown
        }
      }
    }
  }
}
