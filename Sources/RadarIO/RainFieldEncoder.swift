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
  /// How likely it is to rain so much.
  var exceedance: ExceedanceField?
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

  /// Encodes everything and hands the bytes to `body`.
  func encode<R>(path: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let encoder = try CFEncoder(path: path)
    try encoder.put(CFAttribute("Conventions", "CF-1.11"))
    for attribute in globals { try encoder.put(attribute) }

    let time = try encoder.dimension(CFNames.time, times.count)
    var places = try GridEncoding(grid, in: encoder)
    let timeVariable = try encoder.variable(CFNames.time, .double, [time], timeAttributes)
    let bounds = try intervalStarts.map { _ in
      try encoder.variable(
        CFNames.timeBounds, .double, [time, encoder.dimension(GridEncoding.boundsDimension(beside: grid), 2)], [])
    }
    let forecast = try referenceTime.map { _ in
      (
        try encoder.variable(CFNames.referenceTime, .double, [], momentAttributes("forecast_reference_time")),
        try encoder.variable(CFNames.period, .double, [time], TimeAxis.periodAttributes)
      )
    }
    try places.defineCopies(in: encoder)
    let flags = try validity.map { flags in
      let variable = try encoder.variable(
        CFNames.validity, .byte, flags.extent == .frames ? [time] : [places.y, places.x], flags.attributes)
      if flags.extent == .pixels {
        try encoder.deflate(variable, chunks: GridEncoding.chunks(of: grid), level: Int32(compressionLevel))
      }
      return (flags.values, variable)
    }
    let rain = try encoder.variable(names.rainRate, .float, [time, places.y, places.x], rainAttributes)
    try encoder.deflate(rain, chunks: [1] + GridEncoding.chunks(of: grid), level: Int32(compressionLevel))
    let probability = try exceedance.map {
      try $0.define(
        in: encoder, time: time, y: places.y, x: places.x, chunks: GridEncoding.chunks(of: grid),
        level: Int32(compressionLevel), georeference: georeference)
    }
    try encoder.endDefinitions()

    try put(sinceOrigin(times), in: timeVariable, encoder)
    if let bounds, let intervalStarts {
      try put(sinceOrigin(zip(intervalStarts, times).flatMap { [$0, $1] }), in: bounds, encoder)
    }
    if let forecast, let referenceTime {
      try put(sinceOrigin([referenceTime]), in: forecast.0, encoder)
      try put(times.map { $0 - referenceTime }, in: forecast.1, encoder)
    }
    try places.put(in: encoder)
    if let (values, variable) = flags {
      try values.map(\.rawValue).withUnsafeBytes { try encoder.put($0, in: variable) }
    }
    try putRain(in: rain, encoder)
    if let probability { try exceedance?.put(in: probability, encoder) }
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
    TimeAxis.attributes(standardName, since: names.timeOrigin)
  }

  private var timeAttributes: [CFAttribute] {
    momentAttributes("time") + [CFAttribute("axis", "T")]
      + (intervalStarts == nil ? [] : [CFAttribute("bounds", CFNames.timeBounds)])
  }

  private var georeference: [CFAttribute] {
    GridEncoding.attributes(
      of: grid, coordinates: referenceTime == nil ? [] : [CFNames.referenceTime, CFNames.period])
  }

  private var rainAttributes: [CFAttribute] {
    let fill = RainFieldEncoder.fill
    var attributes = [
      CFAttribute(name: "_FillValue", type: .float, bytes: withUnsafeBytes(of: fill) { Array($0) }),
      CFAttribute("standard_name", "rainfall_rate"), CFAttribute("long_name", longName), CFAttribute("units", "mm h-1"),
      CFAttribute("cell_methods", intervalStarts == nil ? "time: point" : "time: mean"),
    ]
    attributes += georeference
    if validity != nil { attributes.append(CFAttribute("ancillary_variables", CFNames.validity)) }
    return attributes
  }
}
