import Foundation
import Tensor

/// Puts rain rate (time, y, x) with its coordinates and georeference into a CF-1.11 file: what forecasts and sequences
/// have in common.
struct RainFieldEncoder {
  var grid: Grid
  var times: [Double]
  var rainRate: [FrameStore]
  /// The start of each frame's interval, for means over time.
  var intervalStarts: [Double]?
  /// The moment a forecast starts from.
  var referenceTime: Double?
  /// What stands behind frames or pixels.
  var validity: ValidityFlags?
  var names = Names()
  var longName: String
  var globals: [CFAttribute]
  var compressionLevel: Int

  /// What may differ for other programs' sake.
  struct Names {
    /// The variable of the rain rate.
    var rainRate = CFNames.rainRate
    /// The moment times are counted from, in seconds since 1970-01-01, a whole second.
    var timeOrigin = 0.0
  }

  /// What stands for a missing pixel: the fill value of the library, which all tools know.
  static let fill = Float(9.969_209_968_386_869e36)
  /// The largest chunk in bytes; the 4 MiB chunk cache of older libraries holds the usual frames whole.
  static let largestChunk = 16 << 20

  /// Encodes everything and hands the bytes to `body`.
  func encode<R>(path: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let encoder = try CFEncoder(path: path)
    try encoder.put(CFAttribute("Conventions", "CF-1.11"))
    for attribute in globals { try encoder.put(attribute) }

    let time = try encoder.dimension(CFNames.time, times.count)
    let y = try encoder.dimension(grid.yName, grid.height)
    let x = try encoder.dimension(grid.xName, grid.width)
    let timeVariable = try encoder.variable(CFNames.time, .double, [time], timeAttributes)
    let bounds = try intervalStarts.map { _ in
      try encoder.variable(
        CFNames.timeBounds, .double, [time, encoder.dimension(boundsDimension, 2)], [])
    }
    let forecast = try referenceTime.map { _ in
      (
        try encoder.variable(CFNames.referenceTime, .double, [], momentAttributes("forecast_reference_time")),
        try encoder.variable(
          CFNames.period, .double, [time],
          [
            CFAttribute("standard_name", "forecast_period"), CFAttribute("long_name", "lead time"),
            CFAttribute("units", "s"),
          ])
      )
    }
    let copies = try grid.georeference.variables.map { stored in
      (
        stored,
        try encoder.variable(
          stored.name, stored.type, dimensions(of: stored, encoder), CoordinateRepair.attributes(of: stored, on: grid))
      )
    }
    let flags = try validity.map { flags in
      let variable = try encoder.variable(
        CFNames.validity, .byte, flags.extent == .frames ? [time] : [y, x], flags.attributes)
      if flags.extent == .pixels {
        try encoder.deflate(variable, chunks: Array(chunks.dropFirst()), level: Int32(compressionLevel))
      }
      return (flags.values, variable)
    }
    let rain = try encoder.variable(names.rainRate, .float, [time, y, x], rainAttributes)
    try encoder.deflate(rain, chunks: chunks, level: Int32(compressionLevel))
    try encoder.endDefinitions()

    try put(sinceOrigin(times), in: timeVariable, encoder)
    if let bounds, let intervalStarts {
      try put(sinceOrigin(zip(intervalStarts, times).flatMap { [$0, $1] }), in: bounds, encoder)
    }
    if let forecast, let referenceTime {
      try put(sinceOrigin([referenceTime]), in: forecast.0, encoder)
      try put(times.map { $0 - referenceTime }, in: forecast.1, encoder)
    }
    for (stored, variable) in copies { try stored.bytes.withUnsafeBytes { try encoder.put($0, in: variable) } }
    if let (values, variable) = flags {
      try values.map(\.rawValue).withUnsafeBytes { try encoder.put($0, in: variable) }
    }
    try putRain(in: rain, encoder)
    return try encoder.finish(body)
  }

  private func putRain(in variable: Int32, _ encoder: CFEncoder) throws {
    let frameSize = grid.height * grid.width
    var frame = [Float](repeating: 0, count: frameSize)
    var step = 0
    for frames in rainRate {
      for position in 0..<frames.count {
        try frame.withUnsafeMutableBufferPointer { pixels in
          try frames.read(position, into: pixels)
          for i in pixels.indices where !pixels[i].isFinite { pixels[i] = RainFieldEncoder.fill }
        }
        try frame.withUnsafeBufferPointer {
          try encoder.put($0, in: variable, step: step, height: grid.height, width: grid.width)
        }
        step += 1
      }
    }
  }

  private func sinceOrigin(_ times: [Double]) -> [Double] { times.map { $0 - names.timeOrigin } }

  private func put(_ values: [Double], in variable: Int32, _ encoder: CFEncoder) throws {
    try values.withUnsafeBytes { try encoder.put($0, in: variable) }
  }

  // MARK: Attributes

  private func momentAttributes(_ standardName: String) -> [CFAttribute] {
    [
      CFAttribute("standard_name", standardName), CFAttribute("units", TimeAxis.units(since: names.timeOrigin)),
      CFAttribute("calendar", "standard"),
      // As in POSIX time, every day has 86,400 seconds.
      CFAttribute("units_metadata", "leap_seconds: none"),
    ]
  }

  private var timeAttributes: [CFAttribute] {
    momentAttributes("time") + [CFAttribute("axis", "T")]
      + (intervalStarts == nil ? [] : [CFAttribute("bounds", CFNames.timeBounds)])
  }

  private var rainAttributes: [CFAttribute] {
    let fill = RainFieldEncoder.fill
    var attributes = [
      CFAttribute(name: "_FillValue", type: .float, bytes: withUnsafeBytes(of: fill) { Array($0) }),
      CFAttribute("standard_name", "rainfall_rate"), CFAttribute("long_name", longName), CFAttribute("units", "mm h-1"),
      CFAttribute("cell_methods", intervalStarts == nil ? "time: point" : "time: mean"),
    ]
    if let mapping = grid.georeference.gridMapping, hasMapping(mapping) {
      attributes.append(CFAttribute("grid_mapping", mapping))
    }
    let coordinates =
      (referenceTime == nil ? [] : [CFNames.referenceTime, CFNames.period]) + grid.georeference.auxiliaryCoordinates
    if !coordinates.isEmpty { attributes.append(CFAttribute("coordinates", coordinates.joined(separator: " "))) }
    if validity != nil { attributes.append(CFAttribute("ancillary_variables", CFNames.validity)) }
    return attributes
  }

  /// Whether every variable that a `grid_mapping` attribute names is copied.
  private func hasMapping(_ mapping: String) -> Bool {
    mapping.split(whereSeparator: \.isWhitespace).allSatisfy {
      grid.georeference.variable($0.hasSuffix(":") ? String($0.dropLast()) : String($0)) != nil
    }
  }

  // MARK: Dimensions

  private func dimensions(of stored: StoredVariable, _ encoder: CFEncoder) throws -> [Int32] {
    try stored.dimensions.map { try encoder.dimension($0.name, $0.length) }
  }

  /// The dimension of the two ends of an interval; the input may use our name for something longer.
  private var boundsDimension: String {
    let taken = grid.georeference.variables.flatMap(\.dimensions).contains {
      $0.name == CFNames.boundsDimension && $0.length != 2
    }
    return taken ? CFNames.timeBounds : CFNames.boundsDimension
  }

  /// One time step in a chunk, halved by rows while it is too large.
  private var chunks: [Int] {
    var rows = grid.height
    while rows > 1, rows * grid.width * MemoryLayout<Float>.size > RainFieldEncoder.largestChunk {
      rows = (rows + 1) / 2
    }
    return [1, rows, grid.width]
  }
}
