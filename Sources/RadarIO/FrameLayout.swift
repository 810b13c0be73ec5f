/// Which dimensions of a variable are time, rows and columns, in whatever order the file stores them.
struct FrameLayout {
  var time: NetCDFFile.Dimension?
  var y: NetCDFFile.Dimension
  var x: NetCDFFile.Dimension
  /// The coordinate variables of rows and columns, where the file has them.
  var yCoordinate: NetCDFFile.Variable?
  var xCoordinate: NetCDFFile.Variable?
  /// Dimensions of length one that say nothing about time, rows and columns: one height, one member, one band.
  var dropped: [NetCDFFile.Dimension] = []
  /// The dimension of the members of an ensemble, of which one is read.
  var members: NetCDFFile.Dimension?
  /// Whether the file stores columns before rows.
  var isTransposed: Bool

  /// The number of frames.
  var frameCount: Int { time?.length ?? 1 }

  /// `nil` when the variable does not hold frames: two horizontal dimensions, at most one of time, and any of length one
  /// besides. Where no coordinate tells them apart the order is that of CF: (time, y, x).
  ///
  /// - Parameter allowsMembers: whether there may be an ensemble's members, too.
  init?(of variable: NetCDFFile.Variable, in file: NetCDFFile, system: UnitSystem, allowsMembers: Bool = false) {
    var rest = variable.dimensions.map { dimension in
      let (role, coordinate) = DimensionRole.find(dimension, in: file, system: system)
      return (dimension: dimension, role: role, coordinate: coordinate)
    }
    guard Set(rest.map(\.dimension.id)).count == rest.count else { return nil }
    let times = rest.filter { $0.role == .time }
    guard times.count(where: { $0.dimension.length != 1 }) <= 1 else { return nil }
    let time =
      (times.first { $0.dimension.length != 1 } ?? times.first { $0.coordinate?.standardName == "time" } ?? times.first)?
      .dimension
    rest.removeAll { $0.dimension == time }
    if allowsMembers, rest.count > 2,
      let position = rest.firstIndex(where: { $0.dimension.length > 1 && Self.isOfMembers($0.dimension, $0.coordinate) }
      )
    {
      members = rest.remove(at: position).dimension
    }
    // What is one level, one member or one period says nothing about rows and columns.
    while rest.count > 2,
      let position = rest.lastIndex(where: { $0.dimension.length == 1 && $0.role != .y && $0.role != .x })
    {
      dropped.insert(rest.remove(at: position).dimension, at: 0)
    }
    guard rest.count == 2, rest.allSatisfy({ [.y, .x, .unknown].contains($0.role) }) else { return nil }
    let roles = (rest[0].role, rest[1].role)
    isTransposed = roles.0 == .x || roles.1 == .y
    guard !isTransposed || (roles.0 != .y && roles.1 != .x) else { return nil }
    // Beside a known dimension a short one that nobody describes is of ends or corners of cells.
    for (one, other) in [(0, 1), (1, 0)] where rest[one].role == .unknown && rest[other].role != .unknown {
      if rest[one].dimension.length <= 4, rest[one].coordinate == nil { return nil }
    }
    if isTransposed { rest.swapAt(0, 1) }
    self.time = time
    (y, x) = (rest[0].dimension, rest[1].dimension)
    (yCoordinate, xCoordinate) = (rest[0].coordinate, rest[1].coordinate)
  }

  /// Whether a dimension counts the members of an ensemble: by its coordinate, or by the names that pysteps and others use.
  private static func isOfMembers(_ dimension: NetCDFFile.Dimension, _ coordinate: NetCDFFile.Variable?) -> Bool {
    coordinate?.standardName == "realization"
      || ["realization", "realisation", "member", "members", "ensemble", "ensnumber", "ensemblemember", "number"]
        .contains(dimension.name.lowercased().filter(\.isLetter))
  }
}

/// What a dimension is of.
enum DimensionRole {
  case time, y, x, other, unknown

  /// Tells by the coordinate variable, which is that of the dimension's name or else one that says what it is; and by the
  /// name only where nothing else does.
  static func find(
    _ dimension: NetCDFFile.Dimension, in file: NetCDFFile, system: UnitSystem
  ) -> (DimensionRole, NetCDFFile.Variable?) {
    let named = file.coordinate(of: dimension)
    let along = file.variables.filter { $0.dimensions == [dimension] && $0.name != named?.name }
    for candidate in (named.map { [$0] } ?? []) + along where candidate.type?.isNumeric == true {
      let role = DimensionRole(candidate, system: system)
      if role != .unknown { return (role, role == .time || role == .other ? candidate : named ?? candidate) }
    }
    let role = DimensionRole(name: dimension.name)
    if role != .unknown || named != nil { return (role, named) }
    let candidate = along.first { $0.type?.isNumeric == true && DimensionRole(name: $0.name) != .unknown }
    return (candidate.map { DimensionRole(name: $0.name) } ?? .unknown, candidate)
  }

  /// What the attributes of a coordinate variable say.
  private init(_ coordinate: NetCDFFile.Variable, system: UnitSystem) {
    let axis = coordinate.attributes.text("axis")?.uppercased()
    if axis == "T" || ["time", "forecast_period"].contains(coordinate.standardName)
      || TimeAxis.isTime(coordinate.units, system: system)
    {
      self = .time
      return
    }
    switch (axis, coordinate.standardName) {
    case ("Y", _), (_, "projection_y_coordinate"), (_, "latitude"), (_, "grid_latitude"): self = .y
    case ("X", _), (_, "projection_x_coordinate"), (_, "longitude"), (_, "grid_longitude"): self = .x
    case ("Z", _): self = .other
    default:
      switch coordinate.units?.lowercased() ?? "" {
      case "degrees_north", "degree_north", "degrees_n", "degree_n", "degreesn", "degreen": self = .y
      case "degrees_east", "degree_east", "degrees_e", "degree_e", "degreese", "degreee": self = .x
      default: self = coordinate.attributes["positive"] != nil ? .other : .unknown
      }
    }
  }

  /// What a name alone suggests, whatever numbers are in it: `y0` and `lat_0` are y and lat.
  private init(name: String) {
    switch name.lowercased().filter(\.isLetter) {
    case "time", "times", "t", "ntime", "ntimes": self = .time
    case "y", "yc", "ny", "lat", "latitude", "nlat", "rlat", "xlat", "gridlatitude", "row", "rows", "nrows", "northing",
      "southnorth", "ycoordinate", "projectionycoordinate", "j":
      self = .y
    case "x", "xc", "nx", "lon", "longitude", "nlon", "rlon", "xlon", "xlong", "long", "gridlongitude", "column",
      "columns",
      "col", "cols", "ncols", "easting", "westeast", "xcoordinate", "projectionxcoordinate", "i":
      self = .x
    default: self = .unknown
    }
  }
}
