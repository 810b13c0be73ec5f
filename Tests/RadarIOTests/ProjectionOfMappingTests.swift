import Foundation
import Testing

@testable import RadarIO

/// Projections from the attributes of grid mappings.
@Suite struct ProjectionOfMappingTests {
  /// What a projection says in CF's words is understood as the same projection.
  @Test(arguments: [
    "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10 +x_0=380000 +y_0=4000 +a=6370040 +b=6370040",
    "+proj=stere +lat_0=90 +k_0=0.94 +lon_0=-20 +ellps=bessel", "+proj=stere +lat_0=52 +lon_0=5 +k_0=0.9999 +R=6371000",
    "+proj=laea +lat_0=55 +lon_0=10 +x_0=1950000 +y_0=-2100000 +ellps=WGS84",
    "+proj=aeqd +lat_0=40 +lon_0=-3 +a=6378388 +rf=297",
    "+proj=lcc +lat_1=48 +lat_2=50 +lat_0=49 +lon_0=7 +ellps=GRS80",
    "+proj=lcc +lat_1=47 +lat_0=47 +lon_0=7 +ellps=GRS80",
    "+proj=aea +lat_1=-26 +lat_2=-29 +lat_0=-27 +lon_0=153 +ellps=GRS80",
    "+proj=tmerc +lat_0=0 +lon_0=9 +k_0=0.9996 +x_0=500000 +ellps=WGS84", "+proj=utm +zone=32 +ellps=WGS84",
    "+proj=merc +lat_ts=20 +lon_0=0 +ellps=WGS84", "+proj=merc +k_0=1 +lon_0=-90 +R=6378137",
  ])
  func thereAndBack(text: String) throws {
    let projection = try Projection(text)
    let mapping = try #require(projection.gridMapping).filter { $0.name != "proj4" }
    let again = try #require(Projection(mapping: mapping, metresPerUnit: 1))
    let (one, other) = (try #require(Projector(projection)), try #require(Projector(again)))
    let (lon, lat) = (projection.parameters["lon_0"] ?? 9, projection.parameters["lat_0"] ?? 48)
    for (east, north) in [(0.5, 0.3), (-2, -1), (3, -2.5)] {
      let latitude = abs(lat) == 90 ? 52 + north : lat + north
      let a = try #require(one.project(longitude: lon + east, latitude: latitude))
      let b = try #require(other.project(longitude: lon + east, latitude: latitude))
      #expect(abs(a.x - b.x) < 1e-3 && abs(a.y - b.y) < 1e-3)
    }
  }

  /// False origins are counted in the coordinates' own units, the Earth perhaps in kilometres.
  @Test func kilometres() throws {
    let mapping = [
      CFAttribute("grid_mapping_name", "lambert_azimuthal_equal_area"),
      CFAttribute("longitude_of_projection_origin", [10]),
      CFAttribute("latitude_of_projection_origin", [50]), CFAttribute("false_easting", [100]),
      CFAttribute("earth_radius", [6371]),
    ]
    let projection = try #require(Projection(mapping: mapping, metresPerUnit: 1000))
    let projector = try #require(Projector(projection))
    let point = try #require(projector.project(longitude: 10, latitude: 50))
    #expect(abs(point.x - 100_000) < 1e-6 && abs(point.y) < 1e-6)
  }

  /// What is missing is not guessed; a PROJ text beside will do.
  @Test func incompleteMappings() {
    var mapping = [CFAttribute("grid_mapping_name", "lambert_azimuthal_equal_area")]
    #expect(Projection(mapping: mapping, metresPerUnit: 1) == nil)
    mapping.append(CFAttribute("proj4", "+proj=laea +lat_0=50 +lon_0=10 +R=6371000"))
    #expect(Projection(mapping: mapping, metresPerUnit: 1)?.parameters["lat_0"] == 50)
    #expect(Projection(mapping: [CFAttribute("grid_mapping_name", "geostationary")], metresPerUnit: 1) == nil)
    #expect(Projection(mapping: [], metresPerUnit: 1) == nil)
  }
}
