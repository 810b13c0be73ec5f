/// Writes forecasts as CF-1.11 NetCDF-4 files, whole or not at all.
///
/// The bytes depend on the forecast alone (and on the versions of the NetCDF and HDF5 libraries): equal forecasts give equal
/// files.
public struct ForecastWriter: Sendable {
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

  /// Writes a forecast.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`.
  public func write(_ forecast: ForecastFile, to path: String) throws {
    try check(path: path)
    var globals = GlobalAttributes()
    globals.add("title", forecast.title)
    globals.add("institution", forecast.institution)
    globals.add("source", forecast.source)
    globals.add("history", forecast.history)
    globals.add("references", forecast.references)
    globals.add("comment", forecast.comment)
    if !forecast.inputTimes.isEmpty {
      globals.add("input_times", forecast.inputTimes.map(TimeAxis.text).joined(separator: " "))
    }
    if !forecast.bridgedTimes.isEmpty {
      globals.add("input_times_interpolated", forecast.bridgedTimes.map(TimeAxis.text).joined(separator: " "))
    }
    for attribute in forecast.attributes { globals.add(attribute.name, attribute.value) }
    let encoder = RainFieldEncoder(
      grid: forecast.grid, times: forecast.times, rainRate: [.memory(forecast.rainRate)],
      intervalStarts: forecast.intervalSeconds.map { seconds in forecast.times.map { $0 - seconds } },
      referenceTime: forecast.referenceTime, longName: "forecast rain rate", globals: globals.list,
      compressionLevel: compressionLevel)
    try encoder.encode(path: path) { try AtomicOutput.write($0, to: path, overwrite: overwrite) }
  }
}

/// Global attributes, each at most once and none empty.
struct GlobalAttributes {
  private(set) var list: [CFAttribute] = []

  mutating func add(_ name: String, _ text: String?) {
    guard let text, !text.isEmpty, list[name] == nil else { return }
    list.append(CFAttribute(name, text))
  }
}
