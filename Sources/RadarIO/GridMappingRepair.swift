/// Adds to a copied grid mapping what CF demands (appendix F) and the mapping says in other words; values that are there are
/// not touched, and nothing is guessed.
enum GridMappingRepair {
  /// Attributes in which files keep the same projection as a PROJ text.
  static let texts = [
    "proj4", "proj4_params", "proj4_string", "proj4text", "proj_string", "proj_params", "proj",
  ]

  /// What is to be added to the attributes of a grid mapping variable, and where each comes from.
  static func missing(in attributes: [CFAttribute]) -> [(attribute: CFAttribute, origin: String)] {
    guard let name = attributes.text("grid_mapping_name") else { return [] }
    if let (text, stated) = statedInText(attributes, name: name) {
      return stated.filter { attributes[$0.name] == nil && parameters.contains($0.name) }.map { ($0, text) }
    }
    switch name {
    case "polar_stereographic" where attributes["latitude_of_projection_origin"] == nil:
      // The pole of the hemisphere in which the projection is true.
      guard let parallel = attributes.number("standard_parallel"), parallel != 0 else { return [] }
      return [(CFAttribute("latitude_of_projection_origin", [parallel > 0 ? 90 : -90]), "standard_parallel")]
    case "oblique_mercator" where attributes["azimuth"] == nil:
      // Not a word of CF, but what its widespread checker asks for in place of CF's.
      guard let azimuth = attributes.number("azimuth_of_central_line") else { return [] }
      return [(CFAttribute("azimuth", [azimuth]), "azimuth_of_central_line")]
    default:
      return []
    }
  }

  private static let parameters: Set = [
    "standard_parallel", "longitude_of_central_meridian", "latitude_of_projection_origin",
    "longitude_of_projection_origin", "straight_vertical_longitude_from_pole", "scale_factor_at_central_meridian",
    "scale_factor_at_projection_origin", "false_easting", "false_northing",
  ]

  /// The attributes that a PROJ text stands for, if it is of the same projection and contradicts none that is there.
  private static func statedInText(_ attributes: [CFAttribute], name: String) -> (text: String, [CFAttribute])? {
    for text in texts {
      guard let words = attributes.text(text), let stated = (try? Projection(words))?.gridMapping,
        stated.text("grid_mapping_name") == name
      else { continue }
      let isSame = stated.filter { parameters.contains($0.name) }.allSatisfy { attribute in
        guard let numbers = attributes[attribute.name]?.numbers() else { return true }
        let its = attribute.numbers()
        return numbers.count == its.count
          && zip(numbers, its).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) }
      }
      // A standard parallel and a scale say the same: a mapping has one of them.
      if isSame { return (text, stated.filter { !isOtherScale($0.name, attributes) }) }
    }
    return nil
  }

  private static func isOtherScale(_ name: String, _ attributes: [CFAttribute]) -> Bool {
    let scale = "scale_factor_at_projection_origin"
    return name == "standard_parallel" && attributes[scale] != nil
      || name == scale && attributes["standard_parallel"] != nil
  }
}
