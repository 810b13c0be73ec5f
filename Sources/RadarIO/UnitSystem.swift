import CRadarShim
import CUDUNITS
import Foundation

/// UDUNITS, which parses and converts units; this program does neither itself.
///
/// `@unchecked Sendable`: UDUNITS keeps a global status and parser, so every use goes through the lock.
final class UnitSystem: @unchecked Sendable {
  private let system: OpaquePointer
  private let lock = NSLock()

  /// The unit system of the process, loaded at first use.
  private static let shared = Result { try UnitSystem(database: nil) }

  /// The unit system of the process.
  ///
  /// - Throws: ``RadarError`` `internalError` when the units database cannot be loaded.
  static func load() throws -> UnitSystem { try shared.get() }

  /// Loads a database; `nil` takes `UDUNITS2_XML_PATH`, then the place compiled into the library, then the usual ones.
  init(database: String?) throws {
    radar_silence_udunits()
    var found = ut_read_xml(database)
    if found == nil, database == nil {
      let binary = URL(fileURLWithPath: CommandLine.arguments.first ?? "").deletingLastPathComponent()
      let places =
        [binary.appendingPathComponent("../share/udunits").path]
        + [
          "/usr/share/xml/udunits", "/usr/share/udunits", "/usr/local/share/udunits", "/opt/homebrew/share/udunits",
          "/opt/local/share/udunits",
        ]
      for place in places where found == nil {
        let path = place + "/udunits2.xml"
        if FileManager.default.fileExists(atPath: path) { found = ut_read_xml(path) }
      }
    }
    guard let found else {
      throw RadarError(
        .internalError,
        "the UDUNITS database of units cannot be loaded. Install it (Debian: libudunits2-data) or set UDUNITS2_XML_PATH "
          + "to the path of udunits2.xml.", path: database)
    }
    system = found
  }

  deinit { ut_free_system(system) }

  /// Whether UDUNITS understands the text.
  func understands(_ units: String) -> Bool {
    locked {
      guard let unit = parse(units) else { return false }
      ut_free(unit)
      return true
    }
  }

  /// How a value in one unit becomes a value in another; `nil` when UDUNITS does not understand or cannot convert.
  func conversion(from units: String, to target: String) -> Conversion? {
    locked {
      guard let from = parse(units) else { return nil }
      defer { ut_free(from) }
      guard let to = parse(target) else { return nil }
      defer { ut_free(to) }
      guard let converter = ut_get_converter(from, to) else { return nil }
      defer { cv_free(converter) }
      return Conversion(converter: converter)
    }
  }

  /// A date and time of UDUNITS's calendar (Gregorian from 1582-10-15 on, Julian before).
  struct CalendarTime {
    var year: Int32 = 0
    var month: Int32 = 0
    var day: Int32 = 0
    /// Seconds since midnight.
    var seconds = 0.0
  }

  /// The date and time that is `value` in units such as `days since 0001-01-01`; `nil` when they are no time units.
  func calendarTime(of value: Double, units: String) -> CalendarTime? {
    // UDUNITS counts its calendar from 2001-01-01.
    guard let origin = conversion(from: units, to: "seconds since 2001-01-01 00:00:00") else { return nil }
    return locked {
      var time = CalendarTime()
      var hour: Int32 = 0
      var minute: Int32 = 0
      var second = 0.0
      var resolution = 0.0
      ut_decode_time(origin(value), &time.year, &time.month, &time.day, &hour, &minute, &second, &resolution)
      time.seconds = Double(hour) * 3600 + Double(minute) * 60 + second
      return time
    }
  }

  private func parse(_ units: String) -> OpaquePointer? {
    // UDUNITS copies line ends to standard output.
    let line = units.trimmingCharacters(in: .whitespacesAndNewlines).map { $0.isNewline ? " " : $0 }
    var text = Array(String(line).utf8CString)
    _ = ut_trim(&text, UT_UTF8)
    return ut_parse(system, text, UT_UTF8)
  }

  private func locked<R>(_ body: () -> R) -> R {
    lock.lock()
    defer { lock.unlock() }
    return body()
  }
}

/// A conversion of units: `slope · value + offset` wherever it is linear.
struct Conversion: Sendable, Equatable {
  var slope: Double
  var offset: Double
  /// False for one between a logarithm and what it is of.
  var isLinear: Bool

  init(slope: Double, offset: Double = 0) {
    self.slope = slope
    self.offset = offset
    isLinear = true
  }

  fileprivate init(converter: OpaquePointer) {
    let zero = cv_convert_double(converter, 0)
    // Far enough that the offset, as between two origins of time, does not swallow the digits of the slope.
    var far = 1000.0
    while far < 1e24, abs(cv_convert_double(converter, far) - zero) < abs(zero) { far *= 1000 }
    let rise = cv_convert_double(converter, far) - zero
    let half = cv_convert_double(converter, far / 2) - zero
    isLinear = zero.isFinite && rise.isFinite && abs(rise - 2 * half) <= 1e-9 * abs(rise)
    // UDUNITS multiplies its factors one by one and is off by some ulp: m s-1 is 3600000.0000000005 mm h-1.
    slope = Conversion.rounded(rise / far)
    offset = Conversion.rounded(zero)
  }

  func callAsFunction(_ value: Double) -> Double { slope * value + offset }

  /// To 14 significant digits.
  private static func rounded(_ value: Double) -> Double {
    value.isFinite ? Double(String(format: "%.14g", locale: nil, value)) ?? value : value
  }
}
