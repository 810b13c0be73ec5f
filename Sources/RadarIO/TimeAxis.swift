import Foundation

/// Times of CF files as seconds since 1970-01-01 00:00:00 UTC.
public enum TimeAxis {
  /// The units every time is converted to, and written in.
  static let units = "seconds since 1970-01-01 00:00:00"

  /// Units of seconds since a whole second.
  static func units(since origin: Double) -> String {
    guard origin != 0 else { return units }
    // Always with seconds and without letters: the form every reader of CF files takes.
    let moment = text(origin).dropLast().split(separator: "T")
    return "seconds since \(moment[0]) \(moment[1].count == 5 ? "\(moment[1]):00" : moment[1])"
  }

  /// The years 0 to 9999: what has a text in ISO 8601.
  private static let usable = -62_167_219_200.0..<253_402_300_800.0

  /// Whether units are of time since a moment.
  static func isTime(_ units: String?, system: UnitSystem) -> Bool {
    if let units, isDateNumber(units) { return true }
    guard let units, units.lowercased().contains("since") || units.contains("@") else { return false }
    return system.conversion(from: units, to: TimeAxis.units) != nil
  }

  /// Converts the values of a time variable, rounded to the nearest millisecond.
  ///
  /// - Throws: ``RadarError`` `unusable` for another calendar, a missing value, or a time far off.
  static func seconds(_ values: [Double], of variable: NetCDFFile.Variable, path: String, system: UnitSystem) throws
    -> [Double]
  {
    func unusable(_ message: String) -> RadarError {
      RadarError(.unusable, message, path: path, variable: variable.name)
    }
    if isDateNumber(variable.units ?? "") {
      let dates = values.compactMap(timeOfDateNumber)
      guard dates.count == values.count else { throw unusable("a time is missing, or is no date such as 20181103.25.") }
      return dates
    }
    guard let units = variable.units, let conversion = system.conversion(from: units, to: TimeAxis.units) else {
      throw unusable("its units are not understood as time. Time needs units like 'seconds since 1970-01-01 00:00:00'.")
    }
    // UDUNITS takes the mean length of a month, which is that of none.
    guard !["month", "year"].contains(where: units.lowercased().trimmingCharacters(in: .whitespaces).hasPrefix) else {
      throw unusable(
        "its times are counted in \(units.prefix(40)), and months and years differ in length. Give days or less.")
    }
    let calendar = variable.attributes.text("calendar")?.lowercased() ?? "standard"
    guard ["standard", "gregorian", "proleptic_gregorian"].contains(calendar) else {
      throw unusable(
        "the calendar '\(calendar)' cannot be used. Radar frames need standard, gregorian or proleptic_gregorian.")
    }
    let fill = ["_FillValue", "missing_value"].flatMap { variable.attributes[$0]?.numbers() ?? [] }
    guard values.allSatisfy({ $0.isFinite && !fill.contains($0) && abs($0) < 1e30 }) else {
      throw unusable("a time is missing. Every frame needs its time.")
    }
    let shift =
      calendar == "proleptic_gregorian" ? prolepticShift(units: units, epoch: conversion(0), system: system) : 0
    let seconds = values.map { ((conversion($0) + shift) * 1000).rounded() / 1000 }
    guard seconds.allSatisfy({ usable.contains($0) }) else {
      throw unusable("a time lies outside of the years 0 to 9999: its units or its values are wrong.")
    }
    return seconds
  }

  /// Whether times are numbers such as 20181103.25, as CDO writes them.
  private static func isDateNumber(_ units: String) -> Bool { units.lowercased().hasPrefix("day as %y%m%d") }

  /// The time of a number whose digits are year, month and day, with the part of the day behind the point.
  private static func timeOfDateNumber(_ value: Double) -> Double? {
    guard (0..<1e8).contains(value) else { return nil }
    let digits = Int(value)
    let (year, month, day) = (digits / 10_000, digits / 100 % 100, digits % 100)
    guard (1...12).contains(month), (1...31).contains(day) else { return nil }
    let fraction = ((value - Double(digits)) * 86_400_000 / 10).rounded() / 100
    return Double(daysSince1970(year: year, month: month, day: day)) * 86400 + fraction
  }

  /// UDUNITS reads an epoch before 1582-10-15 in the Julian calendar; this is what to add if it was meant Gregorian.
  private static func prolepticShift(units: String, epoch: Double, system: UnitSystem) -> Double {
    guard epoch < -12_219_292_800, let time = system.calendarTime(of: 0, units: units) else { return 0 }
    let days = daysSince1970(year: Int(time.year), month: Int(time.month), day: Int(time.day))
    return Double(days) * 86400 + time.seconds - epoch
  }

  /// The days from 1970-01-01 to a date of the proleptic Gregorian calendar.
  ///
  /// Counts years from March, so that the leap day is the last of its year.
  static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let y = month > 2 ? year : year - 1
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// A time as ISO 8601 text in UTC, to the minute, or to the second or millisecond where it needs them.
  public static func text(_ time: Double) -> String {
    guard time.isFinite, abs(time) < 1e14 else { return "\(time)" }
    let milliseconds = Int((time * 1000).rounded())
    let day = milliseconds.floorDivided(by: 86_400_000)
    let rest = milliseconds - day * 86_400_000
    let (year, month, dayOfMonth) = date(ofDay: day)
    var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
    text += "T\(padded(rest / 3_600_000, 2)):\(padded(rest / 60_000 % 60, 2))"
    if rest % 60_000 != 0 { text += ":\(padded(rest / 1000 % 60, 2))" }
    if rest % 1000 != 0 { text += ".\(padded(rest % 1000, 3))" }
    return text + "Z"
  }

  /// The inverse of ``daysSince1970(year:month:day:)``.
  static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension Int {
  fileprivate func floorDivided(by divisor: Int) -> Int {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
