/// Reads areas, such as the catchments of rivers, and finds the pixels of a grid they lie on.
///
/// Polygons come from GeoJSON (RFC 7946: longitude and latitude on WGS84), and take part in a pixel by the share of it that
/// they cover. A map of areas in NetCDF, on the grid itself, tells of every pixel the number of its area.
public struct AreaReader: Sendable {
  /// The property of GeoJSON features that holds their names; `nil` takes `name`, then the feature's `id`.
  public var nameProperty: String?
  /// The variable of a NetCDF file that is the map of areas; `nil` to take the only one that can be.
  public var variable: String?

  /// A reader.
  public init(nameProperty: String? = nil, variable: String? = nil) {
    (self.nameProperty, self.variable) = (nameProperty, variable)
  }

  /// The areas of a file on a grid, in the order of the file, and sentences for people about them.
  ///
  /// - Throws: ``RadarError`` `notFound` or `unusable`, also where no area of the file lies on the grid.
  public func covers(at path: String, on grid: Grid) throws -> (covers: [AreaCover], notes: [String]) {
    let probe = try FileProbe(path: path)
    guard probe.kind == .other else {
      defer { ReadingProcess.shared.closeFiles() }
      return try AreaMask(file: NetCDFFile.open(path: path), variable: variable).covers(on: grid)
    }
    let (areas, notes) = try GeoJSON(path: path, nameProperty: nameProperty).areas()
    let places: GridPlaces
    do { places = try GridPlaces(grid) } catch let error as GridPlaces.Unplaced {
      throw RadarError(
        .unusable,
        "polygons cannot be laid on the frames: their grid \(error.why). Give a mask in NetCDF on the grid of the frames.",
        path: path)
    }
    let covers = try areas.map { area in
      guard let cover = AreaCover(area, on: places, height: grid.height, width: grid.width) else {
        throw RadarError(
          .unusable, "the area '\(area.name)' reaches where the projection of the frames has no coordinates.",
          path: path)
      }
      return cover
    }
    let outside = covers.filter(\.pixels.isEmpty)
    guard outside.count < covers.count else {
      throw RadarError(
        .unusable,
        "none of its \(covers.count == 1 ? "areas (it has one)" : "\(covers.count) areas") lies on the grid of the frames, "
          + "\(grid.summary). Are its positions longitude first, then latitude?", path: path)
    }
    return (covers, notes + AreaReader.told(outside, path: path))
  }

  private static func told(_ outside: [AreaCover], path: String) -> [String] {
    guard !outside.isEmpty else { return [] }
    let names = outside.prefix(5).map { "'\($0.name)'" }.joined(separator: ", ") + (outside.count > 5 ? ", …" : "")
    let words = outside.count == 1 ? "area lies" : "areas lie"
    return [
      "\(path): \(outside.count) \(words) outside of the grid of the frames and \(outside.count == 1 ? "has" : "have") no values: \(names)."
    ]
  }
}
