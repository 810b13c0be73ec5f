import Foundation

/// The times of the frames of one file.
struct FrameTimes {
  /// Valid time of each frame, the end of the interval for amounts, in seconds since 1970-01-01 00:00:00 UTC.
  var times: [Double]
  /// The length in seconds of the interval that ends at each time, where the file tells.
  var lengths: [Double]?
  /// A sentence for people about a time that does not come from a variable.
  var note: String?
}

/// Finds the times of the frames of a variable, and the intervals they are of.
struct FrameTimeReader {
  let file: NetCDFFile
  let system: UnitSystem

  /// Reads the times: from a variable, else from a global attribute, else from the file's name.
  ///
  /// - Throws: ``RadarError`` `unusable` when there is no time, or it cannot be used.
  func times(of rain: VariableChoice.Rain) throws -> FrameTimes {
    guard let variable = timeVariable(of: rain) else {
      guard rain.layout.frameCount == 1, let found = OutsideTime(file: file).find(for: rain.variable) else {
        throw RadarError(
          .unusable,
          "it has no time: neither a time coordinate nor a scalar variable with standard_name 'time', nor a global "
            + "attribute, nor the file's name tells one. Every frame needs its time.", path: file.path,
          variable: rain.variable.fullName)
      }
      return found
    }
    let times = try seconds(variable)
    guard times.count == rain.layout.frameCount else {
      throw RadarError(
        .unusable, "there are \(times.count) times for \(rain.layout.frameCount) frames.", path: file.path,
        variable: variable.fullName)
    }
    let isAmount = if case .amount = rain.quantity { true } else { false }
    if let (ends, lengths) = try bounds(of: variable, count: times.count) ?? startsAndEnds(times, of: variable) {
      if isAmount { try refuseRunningTotal(ends: ends, lengths: lengths, rain) }
      // An amount is valid at the end of its interval, wherever in it the file puts the time.
      if isAmount { return FrameTimes(times: ends, lengths: lengths) }
      return FrameTimes(times: times, lengths: ends == times ? lengths : nil)
    }
    if isAmount, times.count == 1, let (start, end) = OutsideTime(file: file).coverage(around: rain.variable),
      abs(end - times[0]) <= 1
    {
      return FrameTimes(times: times, lengths: [end - start])
    }
    return FrameTimes(times: times, lengths: nil)
  }

  /// The one `forecast_reference_time` of a file; `nil` when there is none.
  func referenceTime() throws -> Double? {
    let found = scalars().filter { $0.standardName == "forecast_reference_time" && isTime($0) }
    return found.count == 1 ? try seconds(found[0]).first : nil
  }

  // MARK: The variable

  private func timeVariable(of rain: VariableChoice.Rain) -> NetCDFFile.Variable? {
    if let dimension = rain.layout.time {
      let along = file.variables.filter {
        $0.dimensions.first == dimension
          && ($0.dimensions.count == 1 && isTime($0) || $0.dimensions.count <= 2 && isText($0))
      }
      if let time = along.first(where: { $0.standardName == "time" }) { return time }
      // A coordinate variable is the time even if its units are not understood, so that the error names them.
      if let coordinate = file.coordinate(of: dimension), !(coordinate.units == nil && !along.isEmpty) {
        return coordinate
      }
      let plain = along.filter { $0.standardName == nil && role(of: $0) == nil }
      if plain.count <= 1 { return plain.first ?? file.coordinate(of: dimension) }
      return plain.first { FrameTimeReader.timeNames.contains($0.name.lowercased()) }
    }
    let single = scalars().filter { isTime($0) || isText($0) }
    let named = rain.variable.attributes.words("coordinates")
    let times = single.filter { $0.standardName == "time" }
    if let time = times.first(where: { named.contains($0.name) }) ?? times.first { return time }
    let unnamed = single.filter { $0.standardName == nil }
    return unnamed.first { FrameTimeReader.timeNames.contains($0.name.lowercased()) }
      ?? (unnamed.count == 1 ? unnamed[0] : nil)
  }

  private static let timeNames: Set = ["time", "times", "valid_time", "validity_time", "datetime", "date_time"]

  private func isTime(_ variable: NetCDFFile.Variable) -> Bool { TimeAxis.isTime(variable.units, system: system) }

  /// Whether a variable may hold times as text.
  private func isText(_ variable: NetCDFFile.Variable) -> Bool {
    (variable.type == .char || variable.type == .string)
      && (variable.standardName == "time" || FrameTimeReader.timeNames.contains(variable.name.lowercased()))
  }

  /// Variables of one value, or of one text.
  private func scalars() -> [NetCDFFile.Variable] {
    file.variables.filter { ($0.type == .char ? $0.shape.dropLast() : $0.shape[...]).allSatisfy { $0 == 1 } }
  }

  private func seconds(_ variable: NetCDFFile.Variable) throws -> [Double] {
    guard variable.type?.isNumeric == true else {
      let texts = try file.texts(of: variable)
      let times = texts.compactMap(TimeText.seconds)
      guard times.count == texts.count, !times.isEmpty else {
        throw RadarError(
          .unusable,
          "it is the time but holds neither numbers in units like 'seconds since 1970-01-01' nor texts like "
            + "'2018-11-03T15:30:00Z'.", path: file.path, variable: variable.fullName)
      }
      return times
    }
    if variable.standardName == "forecast_period", let units = variable.units,
      let length = system.conversion(from: units, to: "s"), let reference = try referenceTime()
    {
      return try file.numbers(of: variable).map { reference + (length($0) * 1000).rounded() / 1000 }
    }
    return try TimeAxis.seconds(file.numbers(of: variable), of: variable, path: file.path, system: system)
  }

  // MARK: Intervals

  private typealias Intervals = (ends: [Double], lengths: [Double])

  private func bounds(of variable: NetCDFFile.Variable, count: Int) throws -> Intervals? {
    guard let name = variable.attributes.text("bounds"),
      var bounds = file.variable(name, from: variable), bounds.type?.isNumeric == true,
      bounds.shape.reduce(1, *) == 2 * count
    else { return nil }
    // CF lets bounds go without the units and calendar of their coordinate.
    for attribute in ["units", "calendar"] where bounds.attributes[attribute] == nil {
      if let inherited = variable.attributes[attribute] { bounds.attributes.append(inherited) }
    }
    let values = try seconds(bounds)
    let ends = (0..<count).map { max(values[2 * $0], values[2 * $0 + 1]) }
    let lengths = (0..<count).map { abs(values[2 * $0 + 1] - values[2 * $0]) }
    return lengths.allSatisfy { $0 > 0 } ? (ends, lengths) : nil
  }

  private enum Role { case start, end }

  /// Whether a name says that a time is that of a start or an end.
  private func role(of variable: NetCDFFile.Variable) -> Role? {
    let text = (variable.name + " " + (variable.attributes.text("long_name") ?? "")).lowercased()
    if text.contains("start") || text.contains("begin") { return .start }
    return text.contains("end") || text.contains("stop") ? .end : nil
  }

  /// The intervals in files that hold their start, and perhaps their end, as times of their own.
  private func startsAndEnds(_ times: [Double], of variable: NetCDFFile.Variable) throws -> Intervals? {
    // Another time, such as that of the file's making, says nothing about the interval: to guess would be to multiply.
    let others = file.variables.filter {
      $0.fullName != variable.fullName && isTime($0) && ($0.standardName == nil || $0.standardName == "time")
        && $0.shape.reduce(1, *) == times.count
        && ($0.dimensions == variable.dimensions || times.count == 1)
    }
    func values(_ wanted: Role) throws -> [Double]? {
      if role(of: variable) == wanted { return times }
      return try others.first { role(of: $0) == wanted }.map(seconds)
    }
    guard let starts = try values(.start) else { return nil }
    let ends = try values(.end) ?? times
    let lengths = zip(ends, starts).map { $0 - $1 }
    return lengths.allSatisfy { $0 > 0 } ? (ends, lengths) : nil
  }

  /// Sums since one start are no amounts of a step, and their means over ever longer intervals no rain rates of a moment.
  private func refuseRunningTotal(ends: [Double], lengths: [Double], _ rain: VariableChoice.Rain) throws {
    guard ends.count > 1, let first = lengths.first, Set(zip(ends, lengths).map { $0 - $1 }).count == 1,
      lengths.contains(where: { $0 != first })
    else { return }
    throw RadarError(
      .unusable,
      "it is a running total since \(TimeAxis.text(ends[0] - first)). Give the amounts of the steps: the differences of "
        + "its frames.", path: file.path, variable: rain.variable.fullName)
  }
}

/// The time of a single frame in a file without a variable for it.
struct OutsideTime {
  let file: NetCDFFile

  private static let endNames = ["time_coverage_end", "end_time", "enddate", "end_date", "date_end"]
  private static let startNames = ["time_coverage_start", "start_time", "startdate", "start_date", "date_start"]
  private static let names =
    [
      "valid_time", "validity_time", "time", "datetime", "date_time", "nominal_time", "nominal_product_time",
      "product_time", "observation_time", "measurement_time", "timestamp", "date",
    ]

  /// Looks at the global attributes, then at the file's name.
  func find(for variable: NetCDFFile.Variable) -> FrameTimes? {
    let attributes = variable.attributes + file.attributes(around: variable)
    if let (name, time) = time(in: attributes, OutsideTime.names + OutsideTime.endNames + OutsideTime.startNames) {
      let interval = coverage(around: variable).flatMap { $0.end == time ? [$0.end - $0.start] : nil }
      return FrameTimes(
        times: [time], lengths: interval,
        note: "no variable holds the time; it is taken from the global attribute '\(name)'")
    }
    let fileName = URL(fileURLWithPath: file.path).lastPathComponent
    let times = TimeText.times(inFileName: fileName)
    guard let last = times.last else { return nil }
    let others = times.count > 1 ? ", the last of \(times.count) in it" : ""
    return FrameTimes(
      times: [last], lengths: nil,
      note: "neither a variable nor a global attribute holds the time; it is taken from the file's name\(others)")
  }

  /// The interval that two global attributes tell.
  func coverage(around variable: NetCDFFile.Variable) -> (start: Double, end: Double)? {
    let attributes = file.attributes(around: variable)
    guard let start = time(in: attributes, OutsideTime.startNames)?.time,
      let end = time(in: attributes, OutsideTime.endNames)?.time, end > start
    else { return nil }
    return (start, end)
  }

  private func time(in attributes: [CFAttribute], _ names: [String]) -> (name: String, time: Double)? {
    for name in names {
      guard let attribute = attributes.first(where: { $0.name.lowercased() == name }), let text = attribute.text else {
        continue
      }
      if let time = TimeText.seconds(text) { return (attribute.name, time) }
      // The day in one attribute, the time of day in another.
      let date = attributes.first { ["date", "startdate"].contains($0.name.lowercased()) }?.text
      if let date, let time = TimeText.seconds(date + " " + text) { return ("\(attribute.name)", time) }
    }
    return nil
  }
}
