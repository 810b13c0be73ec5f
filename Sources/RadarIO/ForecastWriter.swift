/// Writes forecasts as CF-1.11 NetCDF-4 files, whole or not at all.
///
/// The bytes depend on the forecast alone (and on the versions of the NetCDF and HDF5 libraries): equal forecasts give equal
/// files.
public struct ForecastWriter: Sendable {
  /// Whether a file that is there may be replaced.
  public var overwrite: Bool
  /// The level of deflation, from 0 (none) to 9.
  public var compressionLevel: Int

  /// The program that is to read the files, if CF alone does not suffice.
  public var compatibility: ForecastCompatibility?

  /// A writer.
  public init(overwrite: Bool = false, compressionLevel: Int = 4, compatibility: ForecastCompatibility? = nil) {
    self.overwrite = overwrite
    self.compressionLevel = compressionLevel
    self.compatibility = compatibility
  }

  /// Checks that a file could be written, to fail before the work rather than after.
  ///
  /// - Throws: ``RadarError`` `cannotCreate`.
  public func check(path: String) throws { try AtomicOutput.check(path, overwrite: overwrite) }

  /// Writes a forecast.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`; `unusable` for a grid that ``compatibility`` does not allow.
  public func write(_ forecast: ForecastFile, to path: String) throws {
    try check(path: path)
    try withBytes(of: forecast, path: path) { try AtomicOutput.write($0, to: path, overwrite: overwrite) }
  }

  /// Hands the bytes of a forecast's file to `body`; `path` is only named in errors.
  ///
  /// - Throws: ``RadarError`` `unusable` for a grid that ``compatibility`` does not allow, `writeFailed` when memory does
  ///   not suffice; what `body` throws.
  public func withBytes<R>(
    of forecast: ForecastFile, path: String, _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    var (forecast, names) = (forecast, RainFieldEncoder.Names())
    if compatibility == .pysteps {
      forecast = try PystepsLayout.adapted(forecast, path: path)
      names = .init(rainRate: PystepsLayout.rainRate, timeOrigin: PystepsLayout.timeOrigin(forecast))
    }
    var globals = GlobalAttributes()
    globals.add("title", forecast.title)
    globals.add("institution", forecast.institution)
    globals.add("source", forecast.source)
    globals.add("history", forecast.history)
    globals.add("references", forecast.references)
    globals.add("comment", forecast.comment)
    for (name, times) in [
      ("input_times", forecast.inputTimes), ("input_missing", forecast.missingTimes),
      ("input_interpolated", forecast.interpolatedTimes),
    ] { globals.add(name, times.map(TimeAxis.text).joined(separator: " ")) }
    for attribute in forecast.attributes { globals.add(attribute.name, attribute.value) }
    let encoder = RainFieldEncoder(
      grid: forecast.grid, times: forecast.times, rainRate: [.memory(forecast.rainRate)],
      intervalStarts: forecast.intervalSeconds.map { seconds in forecast.times.map { $0 - seconds } },
      referenceTime: forecast.referenceTime,
      validity: ValidityFlags(extent: .pixels, values: forecast.validity, longName: "what the input frames measured"),
      exceedance: forecast.exceedance, names: names, longName: "forecast rain rate", globals: globals.list,
      compressionLevel: compressionLevel)
    return try encoder.encode(path: path, body)
  }
}

/// Programs whose readers want more than CF.
public enum ForecastCompatibility: String, Sendable, CaseIterable {
  /// The NetCDF importer of pysteps: other names, rows from north to south, times from the reference time.
  case pysteps
}

/// Global attributes, each at most once and none empty.
struct GlobalAttributes {
  private(set) var list: [CFAttribute] = []

  mutating func add(_ name: String, _ text: String?) {
    guard let text, !text.isEmpty, list[name] == nil else { return }
    list.append(CFAttribute(name, text))
  }
}
