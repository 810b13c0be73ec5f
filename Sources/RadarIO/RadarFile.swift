/// What is known of a file from its header: everything needed to find its frames and to turn them into rain rate.
struct RadarFile: Sendable {
  var path: String
  /// The variable that holds the rain, and why it was chosen.
  var variable: String
  var reason: String
  var units: String
  var times: FrameTimes
  /// The size of a frame, and whether the file stores columns before rows.
  var isTransposed: Bool
  var grid: Grid
  var quantity: RainQuantity
  var packing: Packing
  /// The interval of an amount in seconds by an attribute, and which; times and bounds come before it.
  var statedInterval: (seconds: Double, statement: String)?
  /// Where the packed numbers are.
  var frames: any PackedFrames
  /// The members of the ensemble that the file holds, of which one is read.
  var memberCount = 1
  /// The moment a forecast starts from, in files that hold one.
  var referenceTime: Double?
  var provenance = Provenance()
  /// What was done that people may want to know.
  var notes: [String] = []
  var warnings: [String] = []

  /// Understands the header of a NetCDF file.
  ///
  /// - Parameter known: grids met before; one of them is shared if the file has it, and only its outline is read then.
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  init(file: NetCDFFile, options: ReadOptions, known: [Grid]) throws {
    let system = try UnitSystem.load()
    let path = file.path
    let rain = try VariableChoice(file: file, options: options, system: system).choose()
    let name = rain.variable.fullName
    let layout = rain.layout
    guard let type = rain.variable.type, layout.y.length > 0, layout.x.length > 0 else {
      throw RadarError(.unusable, "its frames have no pixels.", path: path, variable: name)
    }
    guard layout.frameCount > 0 else {
      throw RadarError(.unusable, "it has no frames: its time dimension is empty.", path: path, variable: name)
    }
    self.path = path
    variable = name
    reason = rain.reason
    units = rain.units
    isTransposed = layout.isTransposed
    quantity = rain.quantity
    packing = Packing(variable: rain.variable, type: type)
    // Programs that pack by least and greatest value write a scale of 0 for a frame without rain.
    let hasScale = packing.scale != 0 || rain.variable.attributes["add_offset"] != nil
    guard packing.scale.isFinite, hasScale, packing.offset.isFinite else {
      throw RadarError(
        .unusable, "its scale_factor or add_offset is not a usable number.", path: path, variable: name)
    }
    guard packing.flags != nil || rain.variable.attributes["flag_values"] == nil else {
      throw RadarError(
        .unusable,
        "its flag_meanings do not name each of its flag_values, so what its codes mean is not clear. Mend these "
          + "attributes.", path: path, variable: name)
    }
    _ = try file.checkedByteCount(of: rain.variable, type: type)
    try RadarFile.checkSize(height: layout.y.length, width: layout.x.length, path: path, variable: name)
    let timeReader = FrameTimeReader(file: file, system: system)
    times = try timeReader.times(of: rain)
    if case .amount = quantity, times.lengths == nil {
      statedInterval = AccumulationPeriod.find(for: rain.variable, units: units, in: file)
      if statedInterval == nil { try AccumulationPeriod.refuseRunningTotal(rain.variable, path: path) }
    }
    memberCount = layout.members?.length ?? 1
    let member = layout.members.map { (dimension: $0, index: options.member ?? 0) }
    if let member, !(0..<memberCount).contains(member.index) {
      throw RadarError(
        .unusable, "it has \(memberCount) members; there is no number \(member.index).", path: path, variable: name)
    }
    frames = try NetCDFFrames(file, variable: rain.variable, time: layout.time, member: member)
    let reader = GridReader(file: file, system: system)
    let outline = try reader.outline(of: rain.variable, layout)
    let same = { (grid: Grid) in outline.y != nil && outline.x != nil && grid.matches(outline) }
    if let shared = known.first(where: same) {
      grid = shared
    } else {
      (grid, notes) = try reader.complete(outline, variable: rain.variable, layout)
    }
    referenceTime = try timeReader.referenceTime()
    provenance = Provenance(file.attributes(around: rain.variable))

    if let note = times.note { warnings.append(note) }
    if !layout.dropped.isEmpty {
      let names = layout.dropped.map { "'\($0.name)'" }.joined(separator: ", ")
      notes.append("of length 1 and left out: dimension \(names)")
    }
    if rain.variable.attributes["units"] == nil, let spelled = rain.variable.attributes.units {
      notes.append("its units are in the attribute '\(spelled.name)'")
    }
    if let note = packing.flags?.note { notes.append(note) }
    if let overruled = rain.overruledUnits {
      warnings.append("its units '\(overruled)' are not of rain; '\(rain.units)' is taken in their place")
    }
    if let given = options.units, !rain.unitsAreGiven, given != rain.units {
      warnings.append("it states its units, '\(rain.units)'; '\(given)' is not used")
    }
    if case .amount = quantity, let standardName = rain.variable.standardName,
      standardName.hasSuffix("_rate") || standardName.hasSuffix("_flux")
    {
      warnings.append("its standard name '\(standardName)' is of a rate, but its units '\(units)' are of an amount")
    }
  }

  /// The most pixels of a frame: the largest composites have a quarter of that, and more would take all memory.
  static let mostPixels = 100_000_000

  /// Refuses frames of more pixels than any radar composite has.
  ///
  /// - Throws: ``RadarError`` `unusable`.
  static func checkSize(height: Int, width: Int, path: String, variable: String) throws {
    let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
    guard !overflow, pixels <= mostPixels else {
      throw RadarError(
        .unusable,
        "its frames are of \(height) × \(width) pixels, and \(mostPixels / 1_000_000) million are the most that are read.",
        path: path, variable: variable)
    }
  }

  /// Unpacks one frame, as its file stores it, into mm/h.
  func unpack(
    _ raw: PackedValues, into target: UnsafeMutableBufferPointer<Float>, seconds: Double?,
    relation: ReflectivityRelation,
    table: inout Unpacking.Table
  ) -> Unpacking.Tally {
    let unpacking = Unpacking(packing: packing, quantity: quantity, relation: relation)
    let hours = (seconds ?? 3600) / 3600
    guard isTransposed else { return unpacking.unpack(raw, into: target, hours: hours, table: &table) }
    let (height, width) = (grid.height, grid.width)
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: target.count) { columns in
      let tally = unpacking.unpack(raw, into: columns, hours: hours, table: &table)
      for row in 0..<height {
        for column in 0..<width { target[row * width + column] = columns[column * height + row] }
      }
      return tally
    }
  }

  /// Whether a table of values made for one file holds for the other.
  func sharesTable(with other: RadarFile) -> Bool { packing == other.packing && quantity == other.quantity }
}
