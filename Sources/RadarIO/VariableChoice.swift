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
    var unitsAreGiven: Bool
  }

  /// Chooses the variable.
  ///
  /// - Throws: ``RadarError`` `unusable` when there is none, or more than one.
  func choose() throws -> Rain {
    if let name = options.variable { return try named(name) }
    let excluded = referencedNames()
    let planes = file.variables.compactMap { variable -> (NetCDFFile.Variable, FrameLayout)? in
      guard !excluded.contains(variable.name), isData(variable),
        let layout = FrameLayout(of: variable, in: file, system: system)
      else { return nil }
      return (variable, layout)
    }
    var certain: [Rain] = []
    var likely: [Rain] = []
    var withoutUnits: [NetCDFFile.Variable] = []
    var strange: [NetCDFFile.Variable] = []
    for (variable, layout) in planes {
      let isRain = variable.standardName.map(VariableChoice.isRain)
      guard isRain != false else { continue }
      switch assess(variable, layout) {
      case .rain(let rain): if isRain == true { certain.append(rain) } else if plausible(rain) { likely.append(rain) }
      case .noUnits: withoutUnits.append(variable)
      case .unknownUnits: strange.append(variable)
      case .otherUnits: break
      }
    }
    for candidates in [certain, likely] where !candidates.isEmpty {
      guard candidates.count == 1 else { throw several(candidates) }
      return candidates[0]
    }
    if let first = withoutUnits.first {
      guard withoutUnits.count > 1 else { throw unitsMissing(first) }
      throw RadarError(
        .unusable,
        "several variables could hold the rain, and none states its units: \(list(withoutUnits)). Name one with "
          + "--variable NAME and say its units with --units UNIT.", path: file.path)
    }
    if let first = strange.first { throw unitsUnknown(first) }
    throw none(planes.map(\.0))
  }

  private func named(_ name: String) throws -> Rain {
    guard let variable = file.variable(name) else {
      throw RadarError(
        .unusable, "there is no variable '\(name)' in it; it has \(list(file.variables)).", path: file.path)
    }
    guard variable.type?.isNumeric == true, let layout = FrameLayout(of: variable, in: file, system: system) else {
      throw unusable(
        variable,
        "its dimensions are (\(variable.dimensions.map(\.name).joined(separator: ", "))), which are not those of frames: "
          + "(time, y, x) or (y, x) is needed.")
    }
    switch assess(variable, layout) {
    case .rain(let rain): return rain
    case .noUnits: throw unitsMissing(variable)
    case .unknownUnits: throw unitsUnknown(variable)
    case .otherUnits:
      throw unusable(
        variable,
        "its units '\(variable.units ?? "")' are not of rain. Rain is read as a rate (mm h-1), an amount (mm, kg m-2) or "
          + "reflectivity (dBZ).")
    }
  }

  // MARK: What a variable is

  private enum Assessment {
    case rain(Rain)
    case noUnits
    case unknownUnits
    case otherUnits
  }

  private func assess(_ variable: NetCDFFile.Variable, _ layout: FrameLayout) -> Assessment {
    var units = variable.units
    let isUnderstood = units.map { RainQuantity.understands($0, system: system) } ?? false
    let given = isUnderstood ? nil : options.units
    if let given { units = given }
    guard let units else { return .noUnits }
    if let quantity = RainQuantity(units: units, standardName: variable.standardName, system: system) {
      return .rain(
        Rain(variable: variable, layout: layout, quantity: quantity, units: units, unitsAreGiven: given != nil))
    }
    return RainQuantity.understands(units, system: system) ? .otherUnits : .unknownUnits
  }

  /// Whether a standard name is of rain, or of what a radar sees of it; those of the quality of such data are not.
  static func isRain(_ standardName: String) -> Bool {
    let words = standardName.split(separator: " ")
    guard let name = words.first, words.count == 1 else { return false }
    return ["rain", "precipitation", "reflectivity"].contains { name.contains($0) }
      && !["status_flag", "quality", "number_of", "probability", "type"].contains { name.contains($0) }
  }

  /// Without a standard name a length in metres or kilometres is more likely a height than rain.
  private func plausible(_ rain: Rain) -> Bool {
    if case .amount(let factor) = rain.quantity, !rain.unitsAreGiven { return factor < 100 }
    return true
  }

  private func isData(_ variable: NetCDFFile.Variable) -> Bool {
    guard let type = variable.type, type.isNumeric else { return false }
    return !["flag_values", "flag_masks", "flag_meanings", "grid_mapping_name"].contains {
      variable.attributes[$0] != nil
    }
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
          names.insert(word.hasSuffix(":") ? String(word.dropLast()) : word)
        }
      }
    }
    return names
  }

  // MARK: Sentences

  private func list(_ variables: [NetCDFFile.Variable]) -> String {
    guard !variables.isEmpty else { return "no variables" }
    let names = variables.prefix(12).map { "'\($0.name)'" }.joined(separator: ", ")
    return variables.count > 12 ? names + ", …" : names
  }

  private func unusable(_ variable: NetCDFFile.Variable, _ message: String) -> RadarError {
    RadarError(.unusable, message, path: file.path, variable: variable.name)
  }

  private func unitsMissing(_ variable: NetCDFFile.Variable) -> RadarError {
    unusable(variable, "it states no units. Say them with --units UNIT, such as --units 'mm h-1'.")
  }

  private func unitsUnknown(_ variable: NetCDFFile.Variable) -> RadarError {
    guard let units = options.units else {
      return unusable(
        variable, "its units '\(variable.units ?? "")' are not understood. Say the right ones with --units UNIT.")
    }
    return unusable(variable, "the units '\(units)' given with --units are not understood.")
  }

  private func several(_ candidates: [Rain]) -> RadarError {
    let meanings = candidates.map { "'\($0.variable.name)' (\($0.quantity.meaning) in \($0.units))" }
    return RadarError(
      .unusable,
      "several variables could hold the rain: \(meanings.joined(separator: ", ")). Name one with --variable NAME.",
      path: file.path)
  }

  private func none(_ planes: [NetCDFFile.Variable]) -> RadarError {
    var text: String
    if planes.isEmpty {
      text = "no variable has frames, that is dimensions (time, y, x) or (y, x); it has \(list(file.variables))."
      if file.hasGroups {
        text +=
          " Its data are in groups that are neither those of ODIM_H5 nor of KNMI files; convert them to CF NetCDF first."
      }
    } else {
      let found = planes.prefix(12).map { "'\($0.name)' in '\($0.units ?? "")'" }.joined(separator: ", ")
      text =
        "no variable is rain by its standard name and units; found \(found). Name one with --variable NAME if it is."
    }
    return RadarError(.unusable, text, path: file.path)
  }
}
