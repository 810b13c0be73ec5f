/// All frames of one file, still packed, with what is needed to unpack them.
struct RadarFile {
  var path: String
  var variable: String
  var units: String
  var times: FrameTimes
  var layout: FrameLayout
  var grid: Grid
  var quantity: RainQuantity
  var packing: Packing
  var raw: RawValues
  /// The moment a forecast starts from, in files that hold one.
  var referenceTime: Double?
  var title: String?
  var institution: String?
  var history: String?
  var warnings: [String] = []

  /// Reads a file.
  ///
  /// - Parameter known: grids met before; one of them is shared if the file has it, and only its outline is read then.
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  init(path: String, options: ReadOptions, known: [Grid]) throws {
    let system = try UnitSystem.load()
    let file = try NetCDFFile(path: path)
    let rain = try VariableChoice(file: file, options: options, system: system).choose()
    guard let type = rain.variable.type, rain.layout.y.length > 0, rain.layout.x.length > 0 else {
      throw RadarError(.unusable, "its frames have no pixels.", path: path, variable: rain.variable.name)
    }
    guard rain.layout.frameCount > 0 else {
      throw RadarError(
        .unusable, "it has no frames: its time dimension is empty.", path: path, variable: rain.variable.name)
    }
    self.path = path
    variable = rain.variable.name
    units = rain.units
    layout = rain.layout
    quantity = rain.quantity
    times = try FrameTimeReader(file: file, system: system).times(of: rain)
    packing = Packing(variable: rain.variable, type: type)
    guard packing.scale.isFinite, packing.scale != 0, packing.offset.isFinite else {
      throw RadarError(
        .unusable, "its scale_factor or add_offset is not a usable number.", path: path, variable: rain.variable.name)
    }
    raw = try file.rawValues(of: rain.variable)
    let reader = GridReader(file: file, system: system)
    let outline = try reader.outline(of: rain.variable, y: layout.y, x: layout.x)
    let same = { (grid: Grid) in outline.y != nil && outline.x != nil && grid.matches(outline) }
    grid = try known.first(where: same) ?? reader.complete(outline, variable: rain.variable)
    referenceTime = try FrameTimeReader(file: file, system: system).referenceTime()
    title = file.attributes.text("title")
    institution = file.attributes.text("institution")
    history = file.attributes.text("history")
    if let given = options.units, !rain.unitsAreGiven, given != rain.units {
      warnings.append("\(path): variable '\(variable)' states its units, '\(rain.units)'; '\(given)' is not used.")
    }
  }

  /// Unpacks one frame into mm/h.
  func unpack(
    frame: Int, into target: UnsafeMutableBufferPointer<Float>, seconds: Double?, relation: ReflectivityRelation,
    table: inout Unpacking.Table
  ) -> Unpacking.Tally {
    let unpacking = Unpacking(packing: packing, quantity: quantity, relation: relation)
    let hours = (seconds ?? 3600) / 3600
    let first = frame * target.count
    guard layout.isTransposed else {
      return unpacking.unpack(raw, first: first, into: target, hours: hours, table: &table)
    }
    let (height, width) = (layout.y.length, layout.x.length)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: target.count) { columns in
      let tally = unpacking.unpack(raw, first: first, into: columns, hours: hours, table: &table)
      for row in 0..<height {
        for column in 0..<width { target[row * width + column] = columns[column * height + row] }
      }
      return tally
    }
  }
}
