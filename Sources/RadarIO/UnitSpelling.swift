import Foundation

/// Units as files spell them, in the words UDUNITS understands.
struct UnitSpelling {
  /// What UDUNITS is asked to parse.
  var text: String
  /// The seconds of the interval in units such as `mm per 15 min`, which is then left out of ``text``.
  var interval: Double?

  /// Reads units as they stand in a file or on the command line.
  init(_ units: String) {
    text = UnitSpelling.plain(units)
    if let (unit, seconds) = UnitSpelling.perInterval(text) { (text, interval) = (unit, seconds) }
    switch text.lowercased() {
    case "dbz", "dbze": text = "dBZ"
    case "mmh-1", "mmh^-1", "mm/h.", "mm/hr.": text = "mm h-1"
    default: break
    }
  }

  /// What units may mean beside what they say: `mm_h-1` has underscores for spaces, `MM/H` only capitals.
  static func otherReadings(of units: String) -> [UnitSpelling] {
    let spaced = units.replacingOccurrences(of: "_", with: " ")
    return [spaced, spaced.lowercased()].filter { $0 != units }.map { UnitSpelling($0) }
  }

  /// The text with signs of printed formulas as UDUNITS has them: `mm·h⁻¹` is `mm h-1`.
  private static func plain(_ units: String) -> String {
    guard units.utf8.contains(where: { $0 > 127 || $0 == UInt8(ascii: "{") }) else { return units }
    let superscripts = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return String(
      units.compactMap { character -> Character? in
        switch character {
        case "⁻", "−", "–", "‐", "‑": return "-"
        case "·", "⋅", "∙", "\u{A0}": return " "
        case "⁺", "{", "}": return nil
        default: return superscripts.firstIndex(of: character).flatMap { "\($0)".first } ?? character
        }
      })
  }

  /// The unit and the seconds in units such as `mm per 15 min`.
  ///
  /// A number before the unit of time belongs to it. UDUNITS reads "mm/15 min" as (mm/15)·min, "mm 15min-1" as 15 mm/min.
  private static func perInterval(_ units: String) -> (unit: String, seconds: Double)? {
    // To build a pattern takes longer than to read a file's header, and hardly any units are of this kind.
    let isLikely = zip(units.utf8, units.utf8.dropFirst()).contains { before, digit in
      (0x30...0x39).contains(digit) && " /(".utf8.contains(before)
    }
    guard isLikely else { return nil }
    let ratio = /(?<unit>.*?[^\/ ]) *(?:\/|per| in ) *\(? *(?<count>[0-9.]+) *(?<of>[A-Za-z]+) *\)?/.ignoresCase()
    let inverse = /(?<unit>.*?[^\/ ])(?: +| *\( *)(?<count>[0-9.]+) *(?<of>[A-Za-z]+) *\)? *(?:\^|\*\*)? *-1/
    guard let match = units.wholeMatch(of: ratio) ?? units.wholeMatch(of: inverse),
      let seconds = TimeSpan.seconds(match.count, match.of)
    else { return nil }
    return (String(match.unit), seconds)
  }

  /// Whether these are ten times the decimal logarithm of rain rate in mm/h, as pysteps calls it.
  var isLogarithmOfRate: Bool { text.lowercased() == "dbr" }
}

/// Lengths of time in words.
enum TimeSpan {
  /// The seconds of a count of units such as `min`; `nil` for other units, and unless they are more than 0.
  static func seconds(_ count: some StringProtocol, _ unit: some StringProtocol) -> Double? {
    guard let count = Double(count), let factor = factor(of: unit), count > 0 else { return nil }
    return count * factor
  }

  /// The seconds of a unit.
  static func factor(of unit: some StringProtocol) -> Double? {
    switch unit.lowercased() {
    case "s", "sec", "secs", "second", "seconds": 1
    case "min", "mins", "mn", "minute", "minutes": 60
    case "h", "hr", "hrs", "hour", "hours": 3600
    case "d", "day", "days": 86400
    default: nil
    }
  }

  /// The one length of time a text speaks of, such as "15 min", "15-minute sum", "hourly", "PT15M" or "00:15:00"; `nil`
  /// when there is none, or more than one.
  static func seconds(in text: String) -> Double? {
    if let match = text.wholeMatch(of: /PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?/) {
      let parts = [(match.1, 3600.0), (match.2, 60), (match.3, 1)]
      let seconds = parts.reduce(0) { $0 + ($1.0.flatMap { Double($0) } ?? 0) * $1.1 }
      return seconds > 0 ? seconds : nil
    }
    if let match = text.wholeMatch(of: /(\d\d):(\d\d)(?::(\d\d))?/) {
      let parts = [(match.1, 3600.0), (match.2, 60), (match.3 ?? "0", 1)]
      let seconds = parts.reduce(0) { $0 + (Double($1.0) ?? 0) * $1.1 }
      return seconds > 0 ? seconds : nil
    }
    var found = Set(
      text.matches(of: /\b([0-9]+(?:\.[0-9]+)?)[ -]?([A-Za-z]+)\b/).compactMap { seconds($0.1, $0.2) })
    let words = Set(text.lowercased().split { !$0.isLetter })
    if words.contains("hourly") { found.insert(3600) }
    if words.contains("daily") { found.insert(86400) }
    return found.count == 1 ? found.first : nil
  }
}
