/// Mends what CF does not allow in copied coordinates where there is one meaning only, and touches nothing else: values,
/// projections and all that CF merely recommends stay as they are.
enum CoordinateRepair {
  /// The units of latitude and longitude that CF knows.
  private static let degrees: Set = [
    "degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN", "degrees_east", "degree_east",
    "degree_E", "degrees_E", "degreeE", "degreesE",
  ]

  /// The attributes of a variable that is copied beside frames on a grid.
  static func attributes(of stored: StoredVariable, on grid: Grid) -> [CFAttribute] {
    var attributes = stored.attributes.filter { attribute in
      // Bounds that could not be copied are not pointed to.
      guard attribute.name == "bounds", let name = attribute.text else { return true }
      return grid.georeference.variable(name) != nil
    }
    let isRows = stored.name == grid.yName
    guard isRows || stored.name == grid.xName, stored.dimensions.map(\.name) == [stored.name] else { return attributes }
    // Coordinates may not be missing; xarray gives them a fill value all the same.
    attributes.removeAll { ["_FillValue", "missing_value"].contains($0.name) }
    if let units = attributes.units?.text, attributes["units"] == nil { set("units", units, in: &attributes) }
    let name = attributes.text("standard_name")
    if grid.isGeographic, [nil, "latitude", "longitude"].contains(name) {
      // What the reader took for degrees, whatever it is called.
      if name == nil { set("standard_name", isRows ? "latitude" : "longitude", in: &attributes) }
      if !degrees.contains(attributes.text("units") ?? "") {
        set("units", isRows ? "degrees_north" : "degrees_east", in: &attributes)
      }
    } else if name?.hasPrefix("projection_") == true, attributes.text("units") == nil {
      // The canonical units of projection coordinates.
      set("units", "m", in: &attributes)
    } else if name == nil, attributes.text("long_name") == nil {
      set("long_name", isRows ? "y coordinate" : "x coordinate", in: &attributes)
    }
    return attributes
  }

  private static func set(_ name: String, _ text: String, in attributes: inout [CFAttribute]) {
    attributes.removeAll { $0.name == name }
    attributes.append(CFAttribute(name, text))
  }
}
