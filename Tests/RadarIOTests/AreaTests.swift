import Foundation
import Testing

@testable import RadarIO

/// Areas of GeoJSON and of masks, and what of a grid they cover.
@Suite struct AreaTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Ten columns from 10° to 11° E and five rows from 50.5° to 50° N, of a tenth of a degree.
  private var degrees: Grid {
    var grid = Grid(height: 5, width: 10, spacingMetres: 1000)
    (grid.isGeographic, grid.mapping, grid.yUnits, grid.xUnits) = (true, [], "degrees_north", "degrees_east")
    grid.y = (0..<5).map { 50.45 - Double($0) * 0.1 }
    grid.x = (0..<10).map { 10.05 + Double($0) * 0.1 }
    return grid
  }

  private func file(_ text: String, _ name: String = "areas.geojson") throws -> String {
    try text.write(toFile: folder.file(name), atomically: true, encoding: .utf8)
    return folder.file(name)
  }

  private func covers(_ text: String, nameProperty: String? = nil) throws -> [AreaCover] {
    try AreaReader(nameProperty: nameProperty).covers(at: file(text), on: degrees).covers
  }

  private func refusal(_ text: String, nameProperty: String? = nil) -> String {
    let error = #expect(throws: RadarError.self) { try covers(text, nameProperty: nameProperty) }
    #expect(error?.code == .unusable && error?.path?.hasSuffix("areas.geojson") == true)
    return error?.message ?? ""
  }

  private func polygon(_ rings: String, _ properties: String = "\"name\": \"a\"") -> String {
    "{\"type\": \"Feature\", \"properties\": {\(properties)}, \"geometry\": {\"type\": \"Polygon\", \"coordinates\": [\(rings)]}}"
  }

  private let square = "[[10.1, 50.1], [10.4, 50.1], [10.4, 50.3], [10.1, 50.3], [10.1, 50.1]]"

  /// Six whole pixels: rows 2 and 3, columns 1 to 3; whichever way around, and as all kinds of objects.
  @Test func aSquareOfWholePixels() throws {
    let turned = "[[10.1, 50.1], [10.1, 50.3], [10.4, 50.3], [10.4, 50.1], [10.1, 50.1]]"
    let geometry = "{\"type\": \"Polygon\", \"coordinates\": [\(square)]}"
    for text in [
      polygon(square), polygon(turned), geometry,
      "{\"type\": \"FeatureCollection\", \"features\": [\(polygon(square))]}",
      "{\"type\": \"MultiPolygon\", \"coordinates\": [[\(square)]]}",
      "{\"type\": \"GeometryCollection\", \"geometries\": [{\"type\": \"Point\", \"coordinates\": [1, 2]}, \(geometry)]}",
    ] {
      let cover = try #require(try covers(text).first)
      #expect(cover.pixels.map(\.index) == [21, 22, 23, 31, 32, 33])
      // As large as at that latitude, in pixels of the equator.
      for pixel in cover.pixels {
        let latitude = (pixel.index < 30 ? 50.25 : 50.15) * Double.pi / 180
        #expect(abs(pixel.weight - cos(latitude)) < 1e-6)
      }
      #expect(abs(cover.shareOnGrid - 1) < 1e-9)
    }
    #expect(try covers(geometry)[0].name == "areas")
  }

  /// A hole, parts of pixels, and what lies beyond the edge, by hand.
  @Test func partsOfPixels() throws {
    let hole = "[[10.2, 50.15], [10.3, 50.15], [10.3, 50.25], [10.2, 50.25], [10.2, 50.15]]"
    let cover = try #require(try covers(polygon("\(square), \(hole)")).first)
    let shares = Dictionary(
      uniqueKeysWithValues: cover.pixels.map {
        ($0.index, $0.weight / cos(($0.index < 30 ? 50.25 : 50.15) * .pi / 180))
      })
    #expect(Set(shares.keys) == [21, 22, 23, 31, 32, 33])
    for (index, share) in shares { #expect(abs(share - ([22, 32].contains(index) ? 0.5 : 1)) < 1e-5) }

    // A triangle whose slanting side cuts pixels in halves; a quarter of its area lies west of the grid.
    let triangle = try #require(
      try covers(polygon("[[9.8, 50.1], [10.2, 50.1], [10.2, 50.5], [9.8, 50.1]]")).first)
    #expect(triangle.pixels.map(\.index) == [1, 10, 11, 20, 21, 30, 31])
    #expect(abs(triangle.pixels[0].weight / cos(50.45 * .pi / 180) - 0.5) < 1e-3)
    #expect(abs(triangle.shareOnGrid - 0.75) < 1e-3)
  }

  /// Longitudes that are counted from 0 to 360 in the frames, and from −180 in the polygons.
  @Test func aWholeTurnIsNoDistance() throws {
    var grid = degrees
    grid.x = (0..<10).map { (359.55 + Double($0) * 0.1).truncatingRemainder(dividingBy: 360) }
    let path = try file(polygon("[[-0.2, 50.1], [0.1, 50.1], [0.1, 50.2], [-0.2, 50.2], [-0.2, 50.1]]"))
    let cover = try #require(try AreaReader().covers(at: path, on: grid).covers.first)
    #expect(cover.pixels.map(\.index) == [33, 34, 35])
    #expect(abs(cover.shareOnGrid - 1) < 1e-9)
  }

  @Test func meansAreOfWhatWasMeasured() {
    let cover = AreaCover(
      name: "a", pixels: [.init(index: 0, weight: 1), .init(index: 2, weight: 0.5), .init(index: 3, weight: 0.5)],
      total: 4)
    func summary(_ values: [Float]) -> (mean: Double?, largest: Float?, covered: Double) {
      values.withUnsafeBufferPointer { cover.summary(of: $0) }
    }
    #expect(summary([1, 99, 4, 0]) == (1.5, 4, 0.5))
    #expect(summary([1, 99, 4, .nan]) == (2, 4, 0.375))
    #expect(summary([.nan, 99, .nan, .nan]) == (nil, nil, 0))
  }

  @Test func namesOfAreas() throws {
    func names(_ properties: String..., key: String? = nil) throws -> [String] {
      let features = properties.map { polygon(square, $0) }.joined(separator: ", ")
      return try covers("{\"type\": \"FeatureCollection\", \"features\": [\(features)]}", nameProperty: key).map(\.name)
    }
    #expect(try names("\"NAME\": \"Elbe\"", "\"other\": 1") == ["Elbe", "area 2"])
    #expect(try names("\"name\": \"a\", \"id\": 7", "\"name\": \"a\", \"id\": 8", key: "id") == ["7", "8"])
    let collection = "{\"type\": \"FeatureCollection\", \"features\": [\(polygon(square)), \(polygon(square))]}"
    #expect(refusal(collection).contains("two areas are called 'a'"))
    #expect(refusal(polygon(square), nameProperty: "code").contains("no property 'code'; it has 'name'"))
  }

  @Test(arguments: [
    ("", "empty"), ("{\"type\": ", "not JSON"), ("[1, 2]", "no object"), ("{}", "no 'type'"),
    ("{\"type\": \"FeatureCollection\"}", "no 'features'"),
    ("{\"type\": \"FeatureCollection\", \"features\": []}", "no polygon"),
    ("{\"type\": \"Point\", \"coordinates\": [10, 50]}", "no polygon"),
    ("{\"type\": \"Feature\", \"properties\": null, \"geometry\": null}", "no polygon"),
    ("{\"type\": \"Circle\", \"coordinates\": [10, 50]}", "no known type"),
    ("{\"type\": \"Polygon\", \"coordinates\": [[10, 50]]}", "not lists of rings"),
    ("{\"type\": \"Polygon\", \"coordinates\": [[[\"10\", \"50\"]]]}", "not lists of rings"),
  ])
  func brokenFiles(text: String, words: String) { #expect(refusal(text).contains(words)) }

  @Test(arguments: [
    ("[[10.1, 50.1], [10.4, 50.1], [10.4, 50.3], [10.1, 50.3]]", "not closed"),
    ("[[10.1, 50.1], [10.4, 50.1], [10.1, 50.1]]", "at least four"),
    ("[[10.1, 50.1], [10.2, 50.2], [10.3, 50.3], [10.1, 50.1]]", "no inside"),
    ("[[10.1, 50.1], [10.4, 50.3], [10.4, 50.1], [10.1, 50.3], [10.1, 50.1]]", "rings cross near 10.1"),
    (
      "[[10.1, 50.1], [10.4, 50.1], [10.4, 50.3], [10.1, 50.3], [10.1, 50.1]], [[10.6, 50.1], [10.7, 50.1], [10.7, 50.2], [10.6, 50.1]]",
      "not within its outer ring"
    ),
    (
      "[[10.1, 50.1], [10.4, 50.1], [10.4, 50.3], [10.1, 50.3], [10.1, 50.1]], [[10.3, 50.15], [10.6, 50.15], [10.6, 50.2], [10.3, 50.15]]",
      "rings cross"
    ),
    ("[[500000, 5500000], [510000, 5500000], [510000, 5510000], [500000, 5500000]]", "no longitude and latitude"),
    ("[[50.1, 10.1], [50.4, 10.1], [50.4, 10.3], [50.1, 10.1]]", "longitude first"),
  ])
  func brokenRings(rings: String, words: String) { #expect(refusal(polygon(rings)).contains(words)) }

  @Test func polygonsOfOneAreaLieApart() {
    let inner = "[[10.2, 50.15], [10.3, 50.15], [10.3, 50.25], [10.2, 50.15]]"
    #expect(
      refusal("{\"type\": \"MultiPolygon\", \"coordinates\": [[\(square)], [\(inner)]]}").contains("within another"))
    let old =
      "{\"type\": \"Polygon\", \"crs\": {\"type\": \"name\", \"properties\": {\"name\": \"EPSG:31467\"}}, \"coordinates\": [\(square)]}"
    #expect(refusal(old).contains("EPSG:31467"))
  }

  /// Rings may touch themselves and each other, as those that were drawn around pixels do.
  @Test func ringsMayTouch() throws {
    let pinched =
      "[[10.1, 50.1], [10.2, 50.1], [10.2, 50.2], [10.3, 50.2], [10.3, 50.3], [10.2, 50.3], [10.2, 50.2], [10.1, 50.2], [10.1, 50.1]]"
    #expect(try covers(polygon(pinched))[0].pixels.map(\.index) == [22, 31])
    let neighbour = "[[10.4, 50.1], [10.5, 50.1], [10.5, 50.2], [10.4, 50.2], [10.4, 50.1]]"
    let both = try covers("{\"type\": \"MultiPolygon\", \"coordinates\": [[\(square)], [\(neighbour)]]}")
    #expect(both[0].pixels.map(\.index) == [21, 22, 23, 31, 32, 33, 34])
  }

  @Test func aGridWithoutAPlaceNeedsAMask() throws {
    var grid = degrees
    (grid.isGeographic, grid.y, grid.x) = (false, nil, nil)
    grid.georeference = Georeference()
    let path = try file(polygon(square))
    let error = #expect(throws: RadarError.self) { try AreaReader().covers(at: path, on: grid) }
    #expect(error?.message.contains("has no projection") == true && error?.message.contains("mask") == true)
    grid = degrees
    grid.y?[1] += 0.02
    let uneven = #expect(throws: RadarError.self) { try AreaReader().covers(at: path, on: grid) }
    #expect(uneven?.message.contains("rows that are not evenly spaced") == true)
  }

  // MARK: Masks

  private func mask(
    _ values: [Double], attributes: [(String, TestFile.Value)] = [], origin: Double = 0, more: Bool = false
  ) throws -> String {
    let file = try TestFile(folder.file("mask.nc"))
    try file.plane(height: 2, width: 3, origin: origin)
    try file.variable("areas", .int, ["y", "x"], attributes, values)
    if more { try file.variable("others", .int, ["y", "x"], [], values) }
    try file.close()
    return file.path
  }

  private func plane() throws -> Grid {
    let path = try TestFile.frames(folder.file("r.nc"), times: [0, 300], height: 2, width: 3)
    return try #require(try read(path).sequences.first).grid
  }

  @Test func masksNameTheirNumbers() throws {
    let grid = try plane()
    let path = try mask([0, 1, 1, 2, -1, 2], attributes: [("_FillValue", .numbers(.int, [-1]))])
    let (covers, notes) = try AreaReader().covers(at: path, on: grid)
    #expect(covers.map(\.name) == ["1", "2"] && notes.isEmpty)
    #expect(covers[0].pixels == [.init(index: 1, weight: 1), .init(index: 2, weight: 1)] && covers[0].total == 2)
    #expect(covers[1].pixels.map(\.index) == [3, 5])
    let named = try mask(
      [0, 1, 1, 2, 0, 2],
      attributes: [("flag_values", .numbers(.int, [1, 2])), ("flag_meanings", .text("upper_dry lower"))])
    #expect(try AreaReader().covers(at: named, on: grid).covers.map(\.name) == ["upper_dry", "lower"])
  }

  @Test func masksThatDoNotFit() throws {
    let grid = try plane()
    func refusal(_ path: String, _ variable: String? = nil, on grid: Grid) -> String {
      let error = #expect(throws: RadarError.self) { try AreaReader(variable: variable).covers(at: path, on: grid) }
      #expect(error?.code == .unusable)
      return error?.description ?? ""
    }
    #expect(refusal(try mask([0, 1, 1, 2, 0, 2], origin: 500), on: grid).contains("another grid than the frames"))
    #expect(refusal(try mask([0, 0, 0, 0, 0, 0]), on: grid).contains("no pixel"))
    #expect(refusal(try mask([0, 1, 1, 2, 0, 2], more: true), on: grid).contains("'areas', 'others'"))
    #expect(try AreaReader(variable: "others").covers(at: folder.file("mask.nc"), on: grid).covers.count == 2)
    #expect(refusal(folder.file("mask.nc"), "none", on: grid).contains("no variable 'none'"))
    #expect(refusal(folder.file("mask.nc"), "areas", on: degrees).contains("2 × 3"))
    let frames = folder.file("r.nc")
    #expect(refusal(frames, on: grid).contains("no map of areas"))
  }
}
