extension TimeAxis {
  /// The seconds since 1970-01-01 00:00:00 UTC of a date and time of day; `nil` when there is none such, as the 30th of
  /// February. Midnight may be written as 24:00:00, and a leap second as 60.
  static func moment(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Double) -> Double? {
    guard (0...9998).contains(year), (1...12).contains(month), (1...31).contains(day), (0...24).contains(hour),
      (0...59).contains(minute), second >= 0, second < 61, hour < 24 || (minute == 0 && second == 0)
    else { return nil }
    let days = daysSince1970(year: year, month: month, day: day)
    let next = daysSince1970(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
    guard days < next else { return nil }
    return Double(days * 86400 + hour * 3600 + minute * 60) + second
  }
}
