import Foundation

/// Numbers of a rain variable that are codes and no rain: its `flag_values`, which its `flag_meanings` name (CF section 3.5).
///
/// What a meaning says of a pixel where nothing fell is no rain; every other code is missing.
struct FlaggedCodes: Equatable {
  struct Code: Equatable {
    var number: Double
    var meaning: String
  }

  /// The stored numbers that mean "looked at, and nothing seen", and their meanings.
  private(set) var dry: [Code] = []
  /// The stored numbers of anything else.
  private(set) var missing: [Code] = []

  /// `nil` where the attributes do not name each code.
  ///
  /// - Parameter values: the `flag_values` as numbers of the variable's own type.
  init?(values: [Double], meanings: [String]) {
    guard values.count == meanings.count else { return nil }
    for code in zip(values, meanings).map(Code.init) {
      if FlaggedCodes.isDry(code.meaning) { dry.append(code) } else { missing.append(code) }
    }
  }

  private static let dryWords = [
    "undetect", "not_detected", "no_detection", "nothing_detected", "no_echo", "noecho", "no_rain", "norain",
    "no_precip", "noprecip", "no_reflectivity", "no_signal", "below_threshold", "below_detection", "below_minimum",
    "below_noise", "dry", "zero_rain", "clear_sky", "clear_air",
  ]

  private static func isDry(_ meaning: String) -> Bool {
    let meaning = meaning.lowercased().replacingOccurrences(of: "-", with: "_")
    return dryWords.contains { meaning.contains($0) }
  }

  /// What was made of the codes, for people; `nil` where there are none.
  var note: String? {
    func list(_ codes: [Code], _ fate: String) -> String? {
      guard !codes.isEmpty else { return nil }
      let texts = codes.map { String(format: "%.6g", $0.number) + " (\($0.meaning))" }
      return texts.joined(separator: ", ") + " taken as \(fate)"
    }
    let parts = [list(dry, "no rain"), list(missing, "missing")].compactMap(\.self)
    return parts.isEmpty ? nil : "its flag_values are codes: " + parts.joined(separator: ", ")
  }
}
