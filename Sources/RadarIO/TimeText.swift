import Foundation

/// Times written as text: in strings, in global attributes, in file names.
enum TimeText {
  /// Patterns are built once, which takes longer than to read a file's header. They are not `Sendable`: all use of them
  /// goes through the lock.
  private static let lock = NSLock()
  nonisolated(unsafe) private static let whole =
    /(\d{4})[-\/]?(\d\d)[-\/]?(\d\d)[T _-]{0,2}(\d\d):?(\d\d)(?::?(\d\d)(\.\d+)?)? *(?:Z|UTC|GMT|([+-]\d\d):?(\d\d)?)?/
    .ignoresCase()
  nonisolated(unsafe) private static let inNames =
    /(?:^|[^0-9])([0-9]{4})[-_.]?([0-9]{2})[-_.]?([0-9]{2})(?:-S|[-_T.])?([0-9]{2})[-:_h.]?([0-9]{2})(?:[-:_.]?([0-9]{2}))?(?![0-9])/
  nonisolated(unsafe) private static let shortInNames =
    /(?:^|[^0-9])([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?![0-9])/

  /// The seconds since 1970-01-01 of an ISO 8601 time or one of its looser forms, in UTC unless it names an offset.
  static func seconds(_ text: String) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard let match = lock.withLock({ text.wholeMatch(of: whole) }),
      let time = seconds([match.1, match.2, match.3, match.4, match.5, match.6 ?? "00"].map { Int($0) ?? -1 })
    else { return nil }
    var offset = 0.0
    if let hours = match.8 {
      let minutes = Double(match.9 ?? "0") ?? 0
      offset = (Double(hours) ?? 0) * 3600 + (hours.hasPrefix("-") ? -60 : 60) * minutes
    }
    return time + (Double(match.7 ?? "0") ?? 0) - offset
  }

  /// The times in a file name, in their order, each once.
  static func times(inFileName name: String) -> [Double] {
    var found: [Double] = []
    func add(_ parts: [Substring?]) {
      guard let time = seconds(parts.map { Int($0 ?? "00") ?? -1 }), !found.contains(time) else { return }
      found.append(time)
    }
    for match in lock.withLock({ name.matches(of: inNames) }) {
      add([match.1, match.2, match.3, match.4, match.5, match.6])
    }
    guard found.isEmpty else { return found }
    for match in lock.withLock({ name.matches(of: shortInNames) }) {
      // The same digits may be a whole year, month, day and hour: then they are no time to rely on.
      let other = [match.1 + match.2, match.3, match.4, match.5].map { Int($0) ?? -1 }
      guard !(1990...2100).contains(other[0]) || seconds(other + [0, 0]) == nil else { continue }
      add(["20" + match.1, match.2, match.3, match.4, match.5, nil])
    }
    return found
  }

  /// Year, month, day, hour, minute and second.
  private static func seconds(_ parts: [Int]) -> Double? {
    let (year, month, day) = (parts[0], parts[1], parts[2])
    // Digits that make an hour of 61 minutes or a year of 8647 are no time.
    guard (1900...2200).contains(year), (1...12).contains(month), (1...31).contains(day), (0...23).contains(parts[3]),
      (0...59).contains(parts[4]), (0...60).contains(parts[5])
    else { return nil }
    let days = TimeAxis.daysSince1970(year: year, month: month, day: day)
    guard day <= 28 || TimeAxis.date(ofDay: days).day == day else { return nil }
    return Double(days) * 86400 + Double(parts[3]) * 3600 + Double(parts[4]) * 60 + Double(parts[5])
  }
}
