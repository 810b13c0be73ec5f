extension Projection {
  /// The projection that the attributes of a CF grid mapping state (CF appendix F), the inverse of ``gridMapping``; `nil` for
  /// one that is not known, or not told completely.
  ///
  /// - Parameter metresPerUnit: the metres in one unit of the coordinates, in which false origins are counted.
  init?(mapping attributes: [CFAttribute], metresPerUnit: Double) {
    let words = Projection.words(of: attributes, metresPerUnit: metresPerUnit)
    let texts = GridMappingRepair.texts.lazy.compactMap { attributes.text($0) }
    guard let found = (words.map { [$0] } ?? Array(texts)).lazy.compactMap({ try? Projection($0) }).first else {
      return nil
    }
    self = found
  }

  private static func words(of attributes: [CFAttribute], metresPerUnit: Double) -> String? {
    var words: [String] = []
    /// Adds a number under the first of the names that is there.
    func add(_ key: String, _ names: String..., otherwise standard: Double? = nil) -> Bool {
      guard let value = names.lazy.compactMap({ attributes.number($0) }).first ?? standard, value.isFinite else {
        return false
      }
      words.append("+\(key)=\(value)")
      return true
    }
    func addMeridian() -> Bool {
      add(
        "lon_0", "longitude_of_central_meridian", "longitude_of_projection_origin",
        "straight_vertical_longitude_from_pole")
    }
    func addOrigin() -> Bool { add("lat_0", "latitude_of_projection_origin") }
    let parallels = attributes["standard_parallel"]?.numbers() ?? []
    let isComplete: Bool
    switch attributes.text("grid_mapping_name") {
    case "albers_conical_equal_area", "lambert_conformal_conic":
      guard let first = parallels.first else { return nil }
      let name = attributes.text("grid_mapping_name") == "lambert_conformal_conic" ? "lcc" : "aea"
      words = ["+proj=\(name)", "+lat_1=\(first)", "+lat_2=\(parallels.count > 1 ? parallels[1] : first)"]
      isComplete = addMeridian() && addOrigin()
    case "lambert_azimuthal_equal_area":
      words = ["+proj=laea"]
      isComplete = addMeridian() && addOrigin()
    case "azimuthal_equidistant":
      words = ["+proj=aeqd"]
      isComplete = addMeridian() && addOrigin()
    case "orthographic":
      words = ["+proj=ortho"]
      isComplete = addMeridian() && addOrigin()
    case "lambert_cylindrical_equal_area":
      words = ["+proj=cea"]
      isComplete = addMeridian() && add("lat_ts", "standard_parallel")
    case "mercator":
      words = ["+proj=merc"]
      isComplete =
        addMeridian()
        && (add("lat_ts", "standard_parallel") || add("k_0", "scale_factor_at_projection_origin", otherwise: 1))
    case "polar_stereographic":
      words = ["+proj=stere"]
      let hemisphere = parallels.first.map { $0 < 0 ? -90.0 : 90 }
      isComplete =
        addMeridian() && add("lat_0", "latitude_of_projection_origin", otherwise: hemisphere)
        && (add("lat_ts", "standard_parallel") || add("k_0", "scale_factor_at_projection_origin", otherwise: 1))
    case "stereographic":
      words = ["+proj=stere"]
      isComplete = addMeridian() && addOrigin() && add("k_0", "scale_factor_at_projection_origin", otherwise: 1)
    case "transverse_mercator":
      words = ["+proj=tmerc"]
      isComplete = addMeridian() && addOrigin() && add("k_0", "scale_factor_at_central_meridian", otherwise: 1)
    default: return nil
    }
    guard isComplete else { return nil }
    words.append("+x_0=\((attributes.number("false_easting") ?? 0) * metresPerUnit)")
    words.append("+y_0=\((attributes.number("false_northing") ?? 0) * metresPerUnit)")
    return (words + ellipsoid(of: attributes)).joined(separator: " ")
  }

  /// The figure of the Earth in metres; that of WGS84 where the mapping does not tell.
  private static func ellipsoid(of attributes: [CFAttribute]) -> [String] {
    func length(_ name: String) -> Double? {
      // Less than that is counted in kilometres.
      attributes.number(name).flatMap { $0 > 0 && $0.isFinite ? ($0 < 100_000 ? $0 * 1000 : $0) : nil }
    }
    guard let major = length("semi_major_axis") ?? length("earth_radius") else { return ["+ellps=WGS84"] }
    if let flattening = attributes.number("inverse_flattening"), flattening > 0 {
      return ["+a=\(major)", "+rf=\(flattening)"]
    }
    return ["+a=\(major)", "+b=\(length("semi_minor_axis") ?? major)"]
  }
}
