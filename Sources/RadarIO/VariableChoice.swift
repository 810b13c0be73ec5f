/// The choice of the one variable of a file that holds the rain, by standard name, units and dimensions.
struct VariableChoice {
  let file: NetCDFFile
  let options: ReadOptions
  let system: UnitSystem

  /// A variable that can be read as rain.
  struct Rain {
    var variable: NetCDFFile.Variable
    var layout: FrameLayout
    var quantity: RainQuantity
    var units: String
    /// Whether the units are the user's, for want of the file's.
    var unitsAreGiven = false
    /// The file's units, where they are not of rain and the user's are taken.
    var overruledUnits: String?
    /// Why it was chosen, in words.
    var reason = "named by the user"
  }

  /// A variable that has the dimensions of frames, and how much speaks for its being the rain.
  private struct Candidate {
    var variable: NetCDFFile.Variable
    var layout: FrameLayout
    var evidence: Evidence
  }

  private enum Evidence {
    case standardName, words, units
  }

  /// Chooses the variable.
  ///
  /// A standard name of rain decides. Without one, units decide among those whose names do not say that they are
  /// something else, and words for rain in their names among those.
  ///
  /// - Throws: ``RadarError`` `unusable` when there is none, or more than one.
  func choose() throws -> Rain {
    if let name = options.variable { return try named(name) }
    let excluded = referencedNames()
    var planes = file.variables.compactMap { variable -> (NetCDFFile.Variable, FrameLayout)? in
      guard !excluded.contains(variable.fullName), isData(variable),
        let layout = layout(of: variable)
      else { return nil }
      return (variable, layout)
    }
    let all = planes
    // Beside frames over time, a plane without time is a map of something else: a sum, a mask, a height.
    if planes.contains(where: { $0.1.time != nil }) { planes.removeAll { $0.1.time == nil } }
    let candidates = planes.compactMap { variable, layout in
      evidence(for: variable).map { Candidate(variable: variable, layout: layout, evidence: $0) }
    }
    var rains: [(rain: Rain, evidence: Evidence)] = []
    var withoutUnits: [Candidate] = []
    var strange: [Candidate] = []
    for candidate in candidates {
      switch assess(candidate.variable, candidate.layout) {
      case .rain(let rain): rains.append((rain, candidate.evidence))
      case .noUnits: withoutUnits.append(candidate)
      case .unknownUnits: strange.append(candidate)
      case .otherUnits: break
      }
    }
    for evidence in [Evidence.standardName, .words, .units] {
      var found = rains.filter { $0.evidence == evidence }.map(\.rain)
      // The user's units fit anything that states none, so words for rain do not suffice then.
      if evidence == .words, found.contains(where: \.unitsAreGiven) {
        found = rains.filter { $0.evidence == .words || $0.rain.unitsAreGiven }.map(\.rain)
      }
      if evidence == .units { found = found.filter(plausible) }
      guard found.count <= 1 else { throw several(found) }
      if var rain = found.first {
        rain.reason = reason(evidence, rain)
        return rain
      }
      // What is called rain and lacks its units is asked about before anything of less evidence is taken.
      if let first = strange.first(where: { $0.evidence == evidence }) { throw unitsUnknown(first.variable) }
      if withoutUnits.contains(where: { $0.evidence == evidence }) {
        throw unitsMissing(evidence == .standardName ? withoutUnits.filter { $0.evidence == evidence } : withoutUnits)
      }
    }
    throw none(all.map(\.0))
  }

  private func layout(of variable: NetCDFFile.Variable) -> FrameLayout? {
    FrameLayout(of: variable, in: file, system: system, allowsMembers: options.member != nil)
  }

  /// What speaks for a variable; `nil` when its standard name or the words of its names are of something else.
  private func evidence(for variable: NetCDFFile.Variable) -> Evidence? {
    if let name = variable.standardName, RainWords.isStandard(name: name) {
      return RainWords.isRain(standardName: name) ? .standardName : nil
    }
    switch RainWords.suggestion(of: variable) {
    case .rain: return .words
    case .nothing: return .units
    case .somethingElse: return nil
    }
  }

  private func reason(_ evidence: Evidence, _ rain: Rain) -> String {
    switch evidence {
    case .standardName: "by its standard name \(rain.variable.standardName ?? "")"
    case .words: "by its name and units"
    case .units: "by its units, the only ones of rain"
    }
  }

  private func named(_ name: String) throws -> Rain {
    guard let variable = file.variable(name) else {
      throw RadarError(
        .unusable, "there is no variable '\(name)' in it; it has \(list(file.variables)).", path: file.path)
    }
    guard variable.type?.isNumeric == true, let layout = layout(of: variable) else {
      throw unusable(
        variable,
        "its dimensions are (\(VariableChoice.dimensions(of: variable))), which are not those of frames: (time, y, x) or "
          + "(y, x) is needed, in any order, and others only of length 1.")
    }
    switch assess(variable, layout, isNamed: true) {
    case .rain(let rain): return rain
    case .noUnits: throw unitsMissing(variable)
    case .unknownUnits: throw unitsUnknown(variable)
    case .otherUnits:
      throw unusable(
        variable,
        "its units '\(variable.units ?? "")' are not of rain. Rain is read as a rate (mm h-1), an amount (mm, kg m-2) or "
          + "reflectivity (dBZ). If they are wrong, say the right ones with --units UNIT.")
    }
  }

  // MARK: What a variable is

  private enum Assessment {
    case rain(Rain)
    case noUnits
    case unknownUnits
    case otherUnits
  }

  /// - Parameter isNamed: whether the user says that it is rain: units of anything else must be wrong then.
  private func assess(_ variable: NetCDFFile.Variable, _ layout: FrameLayout, isNamed: Bool = false) -> Assessment {
    func rain(in units: String) -> Rain? {
      RainQuantity(units: units, standardName: variable.standardName, system: system).map {
        Rain(variable: variable, layout: layout, quantity: $0, units: units)
      }
    }
    let stated = variable.units.flatMap { saysNothing($0) ? nil : $0 }
    if let rain = stated.flatMap(rain) { return .rain(rain) }
    let isUnderstood = stated.map { RainQuantity.understands($0, system: system) } ?? false
    if let given = options.units, isNamed || !isUnderstood {
      guard var rain = rain(in: given) else { return .unknownUnits }
      rain.unitsAreGiven = true
      rain.overruledUnits = isUnderstood ? stated : nil
      return .rain(rain)
    }
    return stated == nil ? .noUnits : isUnderstood ? .otherUnits : .unknownUnits
  }

  /// Whether units stand there only for form's sake.
  private func saysNothing(_ units: String) -> Bool {
    ["1", "-", "unit", "units", "none", "unknown", "unitless", "dimensionless", "n/a", "na"].contains(
      units.lowercased())
  }

  /// Without a name that says so, metres are more likely a height and m/s more likely a wind than rain.
  private func plausible(_ rain: Rain) -> Bool {
    if rain.unitsAreGiven { return true }
    switch rain.quantity {
    case .amount(let factor): return factor < 100
    case .rate(let factor): return factor < 100_000
    default: return true
    }
  }

  private func isData(_ variable: NetCDFFile.Variable) -> Bool {
    guard let type = variable.type, type.isNumeric else { return false }
    if variable.standardName.map(RainWords.isRain) == true { return true }
    func has(_ names: String...) -> Bool { names.contains { variable.attributes[$0] != nil } }
    if has("flag_masks", "grid_mapping_name") { return false }
    guard has("flag_values", "flag_meanings") else { return true }
    // Codes among values of rain are one thing, a variable of nothing but codes another: that has no units.
    return variable.units.map { units in
      !saysNothing(units) && RainQuantity(units: units, standardName: nil, system: system) != nil
    } ?? false
  }

  /// The names that other variables refer to as their coordinates, bounds, grid mapping or quality.
  private func referencedNames() -> Set<String> {
    let roles = [
      "bounds", "climatology", "coordinates", "grid_mapping", "ancillary_variables", "cell_measures", "formula_terms",
    ]
    var names: Set<String> = []
    for variable in file.variables {
      for role in roles {
        for word in variable.attributes.words(role) where !word.hasSuffix(":") || role == "grid_mapping" {
          let name = word.hasSuffix(":") ? String(word.dropLast()) : word
          if let found = file.variable(name, from: variable) { names.insert(found.fullName) }
        }
      }
    }
    return names
  }

  // MARK: Sentences

  private func list(_ variables: [NetCDFFile.Variable]) -> String {
    guard !variables.isEmpty else { return "no variables" }
    let names = variables.prefix(12).map { "'\($0.fullName)'" }.joined(separator: ", ")
    return variables.count > 12 ? names + ", …" : names
  }

  private func unusable(_ variable: NetCDFFile.Variable, _ message: String) -> RadarError {
    RadarError(.unusable, message, path: file.path, variable: variable.name)
  }

  private func unitsMissing(_ variable: NetCDFFile.Variable) -> RadarError {
    let units = variable.units.map { "its units are '\($0)', which says nothing" } ?? "it states no units"
    return unusable(variable, "\(units). Say them with --units UNIT, such as --units 'mm h-1'.")
  }

  private func unitsMissing(_ candidates: [Candidate]) -> RadarError {
    guard candidates.count > 1 else { return unitsMissing(candidates[0].variable) }
    let meanings = candidates.prefix(12).map { candidate in
      "'\(candidate.variable.fullName)'"
        + (candidate.variable.attributes.text("long_name").map { " (\($0.prefix(60)))" } ?? "")
    }
    return RadarError(
      .unusable,
      "several variables could hold the rain, and none states its units: \(meanings.joined(separator: ", ")). Name one "
        + "with --variable NAME and say its units with --units UNIT.", path: file.path)
  }

  private func unitsUnknown(_ variable: NetCDFFile.Variable) -> RadarError {
    guard let units = options.units else {
      return unusable(
        variable, "its units '\(variable.units ?? "")' are not understood. Say the right ones with --units UNIT.")
    }
    return unusable(
      variable,
      "the units '\(units)' given with --units are not understood as rain. Give those of a rate ('mm h-1'), of an amount "
        + "('kg m-2') or of reflectivity ('dBZ').")
  }

  private func several(_ candidates: [Rain]) -> RadarError {
    let meanings = candidates.map { rain in
      "'\(rain.variable.fullName)' (\(rain.quantity.meaning) in \(rain.units)"
        + (rain.variable.attributes.text("long_name").map { ", \($0.prefix(60))" } ?? "") + ")"
    }
    return RadarError(
      .unusable,
      "several variables could hold the rain: \(meanings.joined(separator: ", ")). Name one with --variable NAME.",
      path: file.path)
  }

  private func none(_ planes: [NetCDFFile.Variable]) -> RadarError {
    guard planes.isEmpty else {
      let found = planes.prefix(12).map { "'\($0.fullName)' in '\($0.units ?? "")'" }.joined(separator: ", ")
      return RadarError(
        .unusable,
        "no variable is rain by its standard name and units; found \(found). Name one with --variable NAME if it is.",
        path: file.path)
    }
    let large = file.variables.filter { $0.dimensions.count > 2 }.prefix(3).map {
      " '\($0.fullName)' is over (\(VariableChoice.dimensions(of: $0)))."
    }
    return RadarError(
      .unusable,
      "no variable has frames, that is dimensions (time, y, x) or (y, x), in any order, and others only of length 1; it "
        + "has \(list(file.variables)).\(large.joined())", path: file.path)
  }

  private static func dimensions(of variable: NetCDFFile.Variable) -> String {
    variable.dimensions.map { "\($0.name) \($0.length)" }.joined(separator: ", ")
  }
}
