extension Projection {
  /// The attributes of a CF grid mapping variable (CF appendix F); `nil` where CF has no words for the projection.
  ///
  /// The Swiss projection (`somerc`) is CF's `oblique_mercator` of azimuth 90, but widespread tools take that for a grid
  /// turned by 90°. It counts as one without words.
  var gridMapping: [CFAttribute]? {
    guard var attributes = nameAndParameters else { return nil }
    if name != "longlat" {
      attributes.append(CFAttribute("false_easting", [falseEasting]))
      attributes.append(CFAttribute("false_northing", [falseNorthing]))
    }
    if ellipsoid.semiMajor == ellipsoid.semiMinor {
      attributes.append(CFAttribute("earth_radius", [ellipsoid.semiMajor]))
    } else {
      attributes.append(CFAttribute("semi_major_axis", [ellipsoid.semiMajor]))
      attributes.append(
        ellipsoid.inverseFlattening.map { CFAttribute("inverse_flattening", [$0]) }
          ?? CFAttribute("semi_minor_axis", [ellipsoid.semiMinor]))
    }
    // Not of CF, but what tools with PROJ beneath them look for.
    attributes.append(CFAttribute("proj4", text))
    return attributes
  }

  private func number(_ key: String) -> Double { parameters[key] ?? 0 }
  private var scale: Double { parameters["k_0"] ?? 1 }
  private var falseEasting: Double { name == "utm" ? 500_000 : number("x_0") }
  private var falseNorthing: Double { name == "utm" ? (isSouth ? 10_000_000 : 0) : number("y_0") }

  private var nameAndParameters: [CFAttribute]? {
    func mapping(_ name: String, _ numbers: (String, [Double])...) -> [CFAttribute] {
      [CFAttribute("grid_mapping_name", name)] + numbers.map { CFAttribute($0, $1) }
    }
    let origin = number("lat_0")
    let meridian = number("lon_0")
    switch name {
    case "longlat":
      return mapping("latitude_longitude")
    case "laea", "aeqd":
      return mapping(
        name == "laea" ? "lambert_azimuthal_equal_area" : "azimuthal_equidistant",
        ("longitude_of_projection_origin", [meridian]), ("latitude_of_projection_origin", [origin]))
    case "aea":
      return mapping(
        "albers_conical_equal_area", ("standard_parallel", [number("lat_1"), number("lat_2")]),
        ("longitude_of_central_meridian", [meridian]), ("latitude_of_projection_origin", [origin]))
    case "lcc":
      // CF scales this cone by its parallels only.
      guard scale == 1 else { return nil }
      let first = number("lat_1")
      let second = parameters["lat_2"] ?? first
      // As in PROJ: with one parallel the origin is on it. Tools take a single one of a file to mean just that.
      let start = parameters["lat_0"] ?? (parameters["lat_2"] == nil ? first : 0)
      return mapping(
        "lambert_conformal_conic",
        ("standard_parallel", first == second && start == first ? [first] : [first, second]),
        ("longitude_of_central_meridian", [meridian]), ("latitude_of_projection_origin", [start]))
    case "stere" where abs(origin) == 90:
      let size: (String, [Double])
      if let parallel = parameters["lat_ts"] {
        guard scale == 1 else { return nil }
        size = ("standard_parallel", [parallel])
      } else {
        size = ("scale_factor_at_projection_origin", [scale])
      }
      return mapping(
        "polar_stereographic", ("straight_vertical_longitude_from_pole", [meridian]),
        ("latitude_of_projection_origin", [origin]), size)
    case "stere":
      return mapping(
        "stereographic", ("longitude_of_projection_origin", [meridian]), ("latitude_of_projection_origin", [origin]),
        ("scale_factor_at_projection_origin", [scale]))
    case "tmerc", "utm":
      let isZone = name == "utm"
      guard !isZone || (1...60).contains(number("zone")) else { return nil }
      return mapping(
        "transverse_mercator", ("scale_factor_at_central_meridian", [isZone ? 0.9996 : scale]),
        ("longitude_of_central_meridian", [isZone ? 6 * number("zone") - 183 : meridian]),
        ("latitude_of_projection_origin", [isZone ? 0 : origin]))
    case "merc":
      if let parallel = parameters["lat_ts"] {
        guard scale == 1 else { return nil }
        return mapping("mercator", ("longitude_of_projection_origin", [meridian]), ("standard_parallel", [parallel]))
      }
      return mapping(
        "mercator", ("longitude_of_projection_origin", [meridian]), ("scale_factor_at_projection_origin", [scale]))
    default:
      return nil
    }
  }
}
