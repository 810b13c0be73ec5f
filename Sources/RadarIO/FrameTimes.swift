/// The times of the frames of one file.
struct FrameTimes {
  /// Valid time of each frame, the end of the interval for amounts, in seconds since 1970-01-01 00:00:00 UTC.
  var times: [Double]
  /// The length in seconds of the interval that ends at each time, where the file tells.
  var lengths: [Double]?
}

/// Finds the times of the frames of a variable, and the intervals they are of.
struct FrameTimeReader {
  let file: NetCDFFile
  let system: UnitSystem

  /// Reads the times.
  ///
  /// - Throws: ``RadarError`` `unusable` when there is no time, or it cannot be used.
  func times(of rain: VariableChoice.Rain) throws -> FrameTimes {
    guard let variable = timeVariable(of: rain) else {
      throw RadarError(
        .unusable,
        "it has no time: neither a time coordinate nor a scalar variable with standard_name 'time'. Every frame needs its "
          + "time.", path: file.path, variable: rain.variable.name)
    }
    let times = try seconds(variable)
    guard times.count == rain.layout.frameCount else {
      throw RadarError(
        .unusable, "there are \(times.count) times for \(rain.layout.frameCount) frames.", path: file.path,
        variable: variable.name)
    }
    if let (ends, lengths) = try bounds(of: variable, count: times.count) {
      // An amount is valid at the end of its interval, wherever in it the file puts the time.
      if case .amount = rain.quantity { return FrameTimes(times: ends, lengths: lengths) }
      return FrameTimes(times: times, lengths: ends == times ? lengths : nil)
    }
    if times.count == 1, let start = try startTime(before: times[0], other: variable) {
      return FrameTimes(times: times, lengths: [times[0] - start])
    }
    return FrameTimes(times: times, lengths: nil)
  }

  /// The one `forecast_reference_time` of a file; `nil` when there is none.
  func referenceTime() throws -> Double? {
    let found = scalars().filter {
      $0.standardName == "forecast_reference_time" && TimeAxis.isTime($0.units, system: system)
    }
    return found.count == 1 ? try seconds(found[0]).first : nil
  }

  private func timeVariable(of rain: VariableChoice.Rain) -> NetCDFFile.Variable? {
    func isTime(_ variable: NetCDFFile.Variable) -> Bool { TimeAxis.isTime(variable.units, system: system) }
    if let dimension = rain.layout.time {
      // A coordinate variable is the time even if its units are not understood, so that the error names them.
      if let coordinate = file.coordinate(of: dimension) { return coordinate }
      let along = file.variables.filter { $0.dimensions == [dimension] && isTime($0) }
      return along.first { $0.standardName == "time" } ?? (along.count == 1 ? along[0] : nil)
    }
    let single = scalars().filter(isTime)
    let named = rain.variable.attributes.words("coordinates")
    let times = single.filter { $0.standardName == "time" }
    if let time = times.first(where: { named.contains($0.name) }) ?? times.first { return time }
    let unnamed = single.filter { $0.standardName == nil }
    return unnamed.first { ["time", "valid_time"].contains($0.name) } ?? (unnamed.count == 1 ? unnamed[0] : nil)
  }

  /// Variables of one value.
  private func scalars() -> [NetCDFFile.Variable] { file.variables.filter { $0.shape.allSatisfy { $0 == 1 } } }

  private func seconds(_ variable: NetCDFFile.Variable) throws -> [Double] {
    guard variable.type?.isNumeric == true else {
      throw RadarError(
        .unusable, "it is the time but holds no numbers. Time needs numbers in units like 'seconds since 1970-01-01'.",
        path: file.path, variable: variable.name)
    }
    return try TimeAxis.seconds(
      file.numbers(of: variable), of: variable, path: file.path, system: system)
  }

  private func bounds(of variable: NetCDFFile.Variable, count: Int) throws -> (ends: [Double], lengths: [Double])? {
    guard let name = variable.attributes.text("bounds"),
      var bounds = file.variable(name), bounds.type?.isNumeric == true, bounds.shape.reduce(1, *) == 2 * count
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

  /// The start of the interval in files that hold it as a second scalar time.
  private func startTime(before end: Double, other: NetCDFFile.Variable) throws -> Double? {
    let candidates = scalars().filter {
      $0.name != other.name && TimeAxis.isTime($0.units, system: system)
        && ($0.standardName == nil || $0.standardName == "time")
    }
    func saysStart(_ variable: NetCDFFile.Variable) -> Bool {
      [variable.name, variable.attributes.text("long_name") ?? ""].contains {
        $0.lowercased().contains("start") || $0.lowercased().contains("begin")
      }
    }
    // Another time, such as that of the file's making, says nothing about the interval: to guess would be to multiply.
    guard let variable = candidates.first(where: saysStart), let start = try seconds(variable).first, start < end
    else { return nil }
    return start
  }
}
