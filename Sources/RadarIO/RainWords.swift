/// What the names and descriptions of a variable suggest about it.
enum RainWords {
  /// What a variable without a standard name may be.
  enum Suggestion {
    case rain, nothing, somethingElse
  }

  /// Whether a text is of the form of CF's standard names, perhaps with one of its modifiers, and not free words.
  static func isStandard(name: String) -> Bool {
    let parts = name.split(separator: " ")
    let modifiers = ["detection_minimum", "number_of_observations", "standard_error", "status_flag"]
    return name == name.lowercased() && (parts.count < 2 || modifiers.contains(String(parts[1])))
  }

  /// Whether a standard name is of rain, or of what a radar sees of it; those of the quality of such data are not.
  static func isRain(standardName: String) -> Bool {
    guard isStandard(name: standardName), !standardName.contains(" ") else { return false }
    let words = Set(standardName.split(separator: "_"))
    return !words.isDisjoint(with: ["rain", "rainfall", "precipitation", "reflectivity"])
      && words.isDisjoint(with: [
        "flag", "quality", "number", "probability", "type", "error", "content", "fraction", "ratio", "temperature",
        "velocity", "radius", "differential",
      ])
  }

  /// Looks at the name, the long name, and what stands for a standard name and is none.
  static func suggestion(of variable: NetCDFFile.Variable) -> Suggestion {
    let texts = [variable.name, variable.attributes.text("long_name"), variable.standardName]
    let words = texts.compactMap(\.self).flatMap { self.words(in: $0) }
    if words.contains(where: { word in other.contains(word) || otherBeginnings.contains { word.hasPrefix($0) } }) {
      return .somethingElse
    }
    return words.contains { word in rainBeginnings.contains { word.hasPrefix($0) } || word.contains("precip") }
      ? .rain : .nothing
  }

  private static let rainBeginnings = ["rain", "reflectiv", "dbz", "dbr"]

  /// Of the quality of rain data, of other things that share its units, and of places.
  private static let other: Set = [
    "qi", "qind", "flag", "flags", "error", "err", "std", "stdev", "variance", "prob", "pop", "confidence", "num",
    "nobs",
    "samples", "count", "counts", "height", "altitude", "elevation", "orography", "topography", "terrain", "dem",
    "distance", "range", "azimuth", "wind", "velocity", "speed", "hail", "graupel", "vil", "integrated", "evaporation",
    "evapotranspiration", "runoff", "top", "tops", "mask", "weight", "weights", "index", "type", "class", "lat", "lon",
    "latitude", "longitude", "bounds", "bnds", "temperature", "pressure", "humidity", "clutter", "noise", "phase",
    "differential", "correlation", "number",
  ]

  private static let otherBeginnings = ["qual", "uncertain", "deviation", "probabilit", "snow", "identif"]

  /// The words of a name in lower case, split where letters end and at a capital after a small letter.
  private static func words(in text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var before: Character?
    for character in text {
      if !character.isLetter || (character.isUppercase && before?.isLowercase == true) {
        if !word.isEmpty { words.append(word.lowercased()) }
        word = ""
      }
      if character.isLetter { word.append(character) }
      before = character
    }
    if !word.isEmpty { words.append(word.lowercased()) }
    return words
  }
}
