/// The interval an amount of rain is of, where the attributes of its file tell it.
enum AccumulationPeriod {
  /// The length in seconds, and where it stands; `nil` when nothing tells it, or what does is not clear.
  static func find(for variable: NetCDFFile.Variable, units: String, in file: NetCDFFile) -> (
    seconds: Double, statement: String
  )? {
    if let seconds = UnitSpelling(units).interval { return (seconds, "its units '\(units)'") }
    for attribute in variable.attributes + file.attributes(around: variable) {
      let name = attribute.name.lowercased()
      guard name.contains("accum") || name.contains("integration") || name.hasSuffix("interval") || name == "period"
      else { continue }
      if let seconds = seconds(of: attribute, named: name) { return (seconds, "its attribute '\(attribute.name)'") }
    }
    // CF section 7.3.1: "time: sum (interval: 15 minutes)".
    if let methods = variable.attributes.text("cell_methods"), methods.contains("sum"),
      let match = methods.firstMatch(of: /interval: *([0-9.]+) *([A-Za-z]+)/),
      let seconds = TimeSpan.seconds(match.1, match.2)
    {
      return (seconds, "its cell_methods '\(methods)'")
    }
    for name in ["long_name", "description", "comment"] {
      if let text = variable.attributes.text(name), let seconds = TimeSpan.seconds(in: text) {
        return (seconds, "its \(name) '\(text.prefix(60))'")
      }
    }
    return nil
  }

  /// - Throws: ``RadarError`` `unusable` where the words about a variable say that it is summed up since one start: such
  ///   sums are no amounts of a step.
  static func refuseRunningTotal(_ variable: NetCDFFile.Variable, path: String) throws {
    let words = [
      "accumulated total", "running total", "storm total", "since start", "since the start", "since beginning",
      "since the beginning", "since midnight", "from start", "from the start",
    ]
    for name in ["long_name", "description", "comment", "cell_methods"] {
      guard let text = variable.attributes.text(name), words.contains(where: text.lowercased().contains) else {
        continue
      }
      throw RadarError(
        .unusable,
        "it is a running total by its \(name) '\(text.prefix(60))'. Give the amounts of the steps: the differences of "
          + "its frames.", path: path, variable: variable.fullName)
    }
  }

  private static func seconds(of attribute: CFAttribute, named name: String) -> Double? {
    if let text = attribute.text { return TimeSpan.seconds(in: text) }
    // A number alone says nothing; the end of the name may.
    guard let number = attribute.numbers().first, number > 0, number.isFinite,
      let unit = name.split(separator: "_").last, let factor = TimeSpan.factor(of: unit)
    else { return nil }
    return number * factor
  }
}
