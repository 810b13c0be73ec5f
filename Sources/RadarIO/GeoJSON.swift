import Foundation

/// Reads the areas of a GeoJSON file (RFC 7946): polygons and multi-polygons, alone, in collections, or as features.
struct GeoJSON {
  let path: String
  /// The property of features that holds their names; `nil` takes `name` in any case, then the feature's `id`.
  var nameProperty: String?

  private static let mostBytes = 512 << 20

  /// The areas in the order of the file, and what people should know about them.
  ///
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  func areas() throws -> (areas: [AreaPolygons], notes: [String]) {
    let root = try object()
    try refuseOtherSystem(root)
    var areas: [AreaPolygons] = []
    var without = 0
    switch root["type"] as? String {
    case "FeatureCollection":
      guard let features = root["features"] as? [Any] else { throw broken("its FeatureCollection has no 'features'") }
      for (index, feature) in features.enumerated() {
        guard let feature = feature as? [String: Any] else { throw broken("feature \(index + 1) is no object") }
        if let area = try area(of: feature, number: index + 1) { areas.append(area) } else { without += 1 }
      }
    case "Feature":
      if let area = try area(of: root, number: 1) { areas.append(area) }
    case .some:
      let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      let polygons = try polygons(of: root, name)
      if !polygons.isEmpty { areas.append(AreaPolygons(name: name, polygons: polygons)) }
    case nil: throw broken("it has no 'type'")
    }
    guard !areas.isEmpty else {
      throw RadarError(
        .unusable, "there is no polygon in it. Areas are read from geometries of type Polygon or MultiPolygon.",
        path: path)
    }
    try check(areas)
    let notes =
      without > 0
      ? ["\(path): \(without) \(without == 1 ? "feature has" : "features have") no polygon and are left out."] : []
    return (areas, notes)
  }

  // MARK: The file

  private func object() throws -> [String: Any] {
    let probe = try FileProbe(path: path)
    guard probe.byteCount > 0 else { throw RadarError(.unusable, "the file is empty.", path: path) }
    guard probe.byteCount <= GeoJSON.mostBytes else {
      throw RadarError(
        .unusable,
        "\(probe.byteCount >> 20) MB are more than the \(GeoJSON.mostBytes >> 20) MB of areas that are read.",
        path: path)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw RadarError(.notFound, "it cannot be read.", path: path)
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    guard let value = try? JSONSerialization.jsonObject(with: data.starts(with: mark) ? data.dropFirst(3) : data) else {
      throw broken("it is not JSON, or cut off")
    }
    guard let object = value as? [String: Any] else { throw broken("it is JSON, but no object") }
    return object
  }

  private func broken(_ what: String) -> RadarError {
    RadarError(
      .unusable, "this is no GeoJSON: \(what). Areas are read from GeoJSON (RFC 7946) or a mask in NetCDF.", path: path)
  }

  /// Before RFC 7946 a file could name its coordinates; longitude and latitude on WGS84 are what is read.
  private func refuseOtherSystem(_ root: [String: Any]) throws {
    guard let system = root["crs"] as? [String: Any] else { return }
    let name = (system["properties"] as? [String: Any])?["name"] as? String ?? "of another kind"
    guard ["CRS84", "4326"].contains(where: { name.hasSuffix($0) }) else {
      throw RadarError(
        .unusable,
        "its coordinates are \(name.prefix(80)), and not longitude and latitude on WGS84 as RFC 7946 wants. Transform it, as "
          + "by ogr2ogr -t_srs EPSG:4326.", path: path)
    }
  }

  // MARK: Features

  private func area(of feature: [String: Any], number: Int) throws -> AreaPolygons? {
    guard feature["type"] as? String == "Feature" else { throw broken("feature \(number) has another type") }
    let name = try name(of: feature, number: number)
    guard let geometry = feature["geometry"] as? [String: Any] else { return nil }
    let polygons = try polygons(of: geometry, name)
    return polygons.isEmpty ? nil : AreaPolygons(name: name, polygons: polygons)
  }

  private func name(of feature: [String: Any], number: Int) throws -> String {
    let properties = feature["properties"] as? [String: Any] ?? [:]
    if let nameProperty {
      guard let name = GeoJSON.text(properties[nameProperty]) else {
        let others = properties.keys.sorted().prefix(12).map { "'\($0)'" }.joined(separator: ", ")
        throw RadarError(
          .unusable,
          "feature \(number) has no property '\(nameProperty)'; it has \(others.isEmpty ? "none" : others).", path: path
        )
      }
      return name
    }
    let named = properties.keys.sorted().first { $0.lowercased() == "name" && GeoJSON.text(properties[$0]) != nil }
    return named.flatMap { GeoJSON.text(properties[$0]) } ?? GeoJSON.text(feature["id"]) ?? "area \(number)"
  }

  private static func text(_ value: Any?) -> String? {
    let text = (value as? String) ?? (value as? NSNumber)?.stringValue
    return text?.isEmpty == true ? nil : text
  }

  // MARK: Geometries

  /// The polygons of a geometry; none for points and lines.
  private func polygons(of geometry: [String: Any], _ name: String) throws -> [[[EarthPlace]]] {
    switch geometry["type"] as? String {
    case "Polygon": return [try polygon(geometry["coordinates"], name)]
    case "MultiPolygon":
      guard let all = geometry["coordinates"] as? [Any] else { throw misshapen(name) }
      return try all.map { try polygon($0, name) }
    case "GeometryCollection":
      let all = geometry["geometries"] as? [[String: Any]] ?? []
      return try all.flatMap { try polygons(of: $0, name) }
    case "Point", "MultiPoint", "LineString", "MultiLineString": return []
    default: throw broken("the geometry of '\(name)' is of no known type")
    }
  }

  private func polygon(_ coordinates: Any?, _ name: String) throws -> [[EarthPlace]] {
    guard let rings = coordinates as? [Any], !rings.isEmpty else { throw misshapen(name) }
    return try rings.map { ring in
      guard let places = ring as? [Any] else { throw misshapen(name) }
      return try places.map { try place($0, name) }
    }
  }

  private func place(_ value: Any, _ name: String) throws -> EarthPlace {
    guard let numbers = value as? [NSNumber], numbers.count >= 2 else { throw misshapen(name) }
    let place = EarthPlace(longitude: numbers[0].doubleValue, latitude: numbers[1].doubleValue)
    guard abs(place.longitude) <= 360, abs(place.latitude) <= 90 else {
      throw RadarError(
        .unusable,
        "the area '\(name)' has a position \(numbers[0]), \(numbers[1]), which is no longitude and latitude in degrees. "
          + "Transform it, as by ogr2ogr -t_srs EPSG:4326.", path: path)
    }
    return place
  }

  private func misshapen(_ name: String) -> RadarError {
    broken("the coordinates of the area '\(name)' are not lists of rings of positions")
  }

  // MARK: Checks

  private func check(_ areas: [AreaPolygons]) throws {
    var names: Set<String> = []
    for area in areas {
      guard names.insert(area.name).inserted else {
        throw RadarError(
          .unusable,
          "two areas are called '\(area.name)'. Choose a property that tells them apart with --name-property.",
          path: path)
      }
      if let fault = area.fault {
        throw RadarError(.unusable, "the area '\(area.name)' cannot be used: \(fault).", path: path)
      }
    }
  }
}
