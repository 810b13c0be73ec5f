import Tensor

/// Writes fields made from frames as a CF-1.11 NetCDF-4 file, whole or not at all.
///
/// Every window of time has a coordinate of its own with bounds, since one coordinate has one kind of interval only.
public struct ProductWriter: Sendable {
  /// Whether a file that is there may be replaced.
  public var overwrite: Bool
  /// The level of deflation, from 0 (none) to 9.
  public var compressionLevel: Int

  /// A writer.
  public init(overwrite: Bool = false, compressionLevel: Int = 4) {
    self.overwrite = overwrite
    self.compressionLevel = compressionLevel
  }

  /// Checks that a file could be written, to fail before the work rather than after.
  ///
  /// - Throws: ``RadarError`` `cannotCreate`.
  public func check(path: String) throws { try AtomicOutput.check(path, overwrite: overwrite) }

  /// Writes a file.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`; what the fields throw while their values are made.
  public func write(_ file: ProductFile, to path: String) throws {
    try check(path: path)
    let encoder = try CFEncoder(path: path)
    try encoder.put(CFAttribute("Conventions", "CF-1.11"))
    for attribute in globals(of: file) { try encoder.put(attribute) }
    var places = try GridEncoding(file.grid, in: encoder)
    let reference = try file.referenceTime.map { _ in
      try encoder.variable(CFNames.referenceTime, .double, [], TimeAxis.attributes("forecast_reference_time"))
    }
    var axes: [String: Axis] = [:]
    var names: [String] = []
    for field in file.fields where axes[field.times.name] == nil {
      axes[field.times.name] = try Axis(field.times, of: file, in: encoder)
      names.append(field.times.name)
    }
    var thresholds: [String: (values: [Double], dimension: Int32, variable: Int32)] = [:]
    for case .exceedance(let axis) in file.fields.map(\.content) where thresholds[axis.name] == nil {
      let dimension = try encoder.dimension(axis.name, axis.values.count)
      let variable = try encoder.variable(
        axis.name, .double, [dimension],
        [
          CFAttribute("standard_name", axis.standardName), CFAttribute("long_name", "threshold"),
          CFAttribute("units", axis.units),
        ])
      thresholds[axis.name] = (axis.values, dimension, variable)
    }
    try places.defineCopies(in: encoder)
    let variables = try file.fields.map { field in
      var dimensions = [axes[field.times.name]?.dimension, places.y, places.x].compactMap(\.self)
      var chunks = [1] + GridEncoding.chunks(of: file.grid)
      if case .exceedance(let axis) = field.content, let dimension = thresholds[axis.name]?.dimension {
        dimensions.insert(dimension, at: 0)
        chunks.insert(1, at: 0)
      }
      let variable = try encoder.variable(field.name, field.type, dimensions, attributes(of: field, in: file))
      try encoder.deflate(variable, chunks: chunks, level: Int32(compressionLevel))
      return variable
    }
    try encoder.endDefinitions()

    if let reference, let time = file.referenceTime {
      try [time].withUnsafeBytes { try encoder.put($0, in: reference) }
    }
    for name in names { try axes[name]?.put(in: encoder) }
    for axis in thresholds.values.sorted(by: { $0.variable < $1.variable }) {
      try axis.values.withUnsafeBytes { try encoder.put($0, in: axis.variable) }
    }
    try places.put(in: encoder)
    for (field, variable) in zip(file.fields, variables) { try put(field, variable, file.grid, encoder) }
    try encoder.finish { try AtomicOutput.write($0, to: path, overwrite: overwrite) }
  }

  /// A coordinate of time being written, with its bounds and lead times.
  private struct Axis {
    let times: ProductField.Times
    let referenceTime: Double?
    let dimension: Int32
    private let variable: Int32
    private var bounds: Int32?
    private var period: Int32?

    init(_ times: ProductField.Times, of file: ProductFile, in encoder: CFEncoder) throws {
      self.times = times
      referenceTime = file.referenceTime
      dimension = try encoder.dimension(times.name, times.ends.count)
      var attributes = TimeAxis.attributes("time") + [CFAttribute("axis", "T")]
      if times.starts != nil { attributes.append(CFAttribute("bounds", times.name + "_bounds")) }
      variable = try encoder.variable(times.name, .double, [dimension], attributes)
      if times.starts != nil {
        let ends = try encoder.dimension(GridEncoding.boundsDimension(beside: file.grid), 2)
        bounds = try encoder.variable(times.name + "_bounds", .double, [dimension, ends], [])
      }
      if file.referenceTime != nil {
        period = try encoder.variable(times.periodName, .double, [dimension], TimeAxis.periodAttributes)
      }
    }

    func put(in encoder: CFEncoder) throws {
      func put(_ values: [Double], in variable: Int32) throws {
        try values.withUnsafeBytes { try encoder.put($0, in: variable) }
      }
      try put(times.ends, in: variable)
      if let bounds, let starts = times.starts { try put(zip(starts, times.ends).flatMap { [$0, $1] }, in: bounds) }
      if let period, let referenceTime { try put(times.ends.map { $0 - referenceTime }, in: period) }
    }
  }

  private func globals(of file: ProductFile) -> [CFAttribute] {
    var globals = GlobalAttributes()
    globals.add("title", file.title)
    globals.add("institution", file.provenance.institution)
    globals.add("source", file.source)
    globals.add("history", file.history)
    globals.add("comment", file.comment)
    for (name, value) in file.provenance.inherited { globals.add(name, value) }
    return globals.list
  }

  private func attributes(of field: ProductField, in file: ProductFile) -> [CFAttribute] {
    var attributes: [CFAttribute]
    switch field.content {
    case .amount:
      let fill = withUnsafeBytes(of: RainFieldEncoder.fill) { Array($0) }
      attributes = [
        CFAttribute(name: "_FillValue", type: .float, bytes: fill), CFAttribute("standard_name", "rainfall_amount"),
        CFAttribute("long_name", field.longName), CFAttribute("units", "kg m-2"),
        CFAttribute("cell_methods", "\(field.times.name): sum"),
      ]
    case .exceedance:
      attributes = [
        CFAttribute(name: "_FillValue", type: .byte, bytes: [ProductField.missingFlag]),
        CFAttribute("long_name", field.longName), CFAttribute("units", "1"),
        CFAttribute(name: "flag_values", type: .byte, bytes: [0, 1]),
        CFAttribute("flag_meanings", "below_threshold at_or_above_threshold"),
      ]
    }
    return attributes
      + GridEncoding.attributes(
        of: file.grid,
        coordinates: file.referenceTime == nil ? [] : [CFNames.referenceTime, field.times.periodName])
  }

  private func put(_ field: ProductField, _ variable: Int32, _ grid: Grid, _ encoder: CFEncoder) throws {
    let size = grid.height * grid.width
    for step in field.times.ends.indices {
      let planes = try field.planes(step)
      try planes.withUnsafeBufferPointer { values in
        for plane in 0..<planes.shape[0] {
          let pixels = values[plane * size..<(plane + 1) * size]
          switch field.content {
          case .amount:
            let amounts = pixels.map { $0.isFinite ? $0 : RainFieldEncoder.fill }
            try amounts.withUnsafeBytes {
              try encoder.put($0, in: variable, starts: [step, 0, 0], counts: [1, grid.height, grid.width])
            }
          case .exceedance:
            let flags = pixels.map { $0.isNaN ? ProductField.missingFlag : $0 > 0 ? 1 : 0 }
            try flags.withUnsafeBytes {
              try encoder.put(
                $0, in: variable, starts: [plane, step, 0, 0], counts: [1, 1, grid.height, grid.width])
            }
          }
        }
      }
    }
  }
}

extension ProductField {
  /// −1, what stands for a missing flag.
  fileprivate static let missingFlag: UInt8 = 255

  fileprivate var type: NetCDFType { if case .amount = content { .float } else { .byte } }
}

extension ProductField.Times {
  /// The name of the lead times along these.
  fileprivate var periodName: String {
    name.hasPrefix(CFNames.time) ? CFNames.period + name.dropFirst(CFNames.time.count) : CFNames.period + "_" + name
  }
}
