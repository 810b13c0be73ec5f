import Testing

@testable import RadarIO

@Suite struct GridMappingRepairTests {
  private let stereographic = [
    CFAttribute("grid_mapping_name", "polar_stereographic"), CFAttribute("standard_parallel", [60]),
    CFAttribute("straight_vertical_longitude_from_pole", [25]),
  ]

  private func added(to attributes: [CFAttribute]) -> [CFAttribute] {
    GridMappingRepair.missing(in: attributes).map(\.attribute)
  }

  @Test func thePoleFollowsFromTheParallel() {
    #expect(added(to: stereographic) == [CFAttribute("latitude_of_projection_origin", [90])])
    let south = stereographic.map { $0.name == "standard_parallel" ? CFAttribute($0.name, [-70]) : $0 }
    #expect(added(to: south) == [CFAttribute("latitude_of_projection_origin", [-90])])
  }

  @Test func aTextOfTheSameProjectionSaysTheRest() {
    let text = "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=25 +a=6371288 +b=6371288 +x_0=380886.31 +y_0=3395677.92"
    let found = added(to: stereographic + [CFAttribute("proj4", text)])
    #expect(found.text("grid_mapping_name") == nil)
    #expect(Set(found.map(\.name)) == ["latitude_of_projection_origin", "false_easting", "false_northing"])
    #expect(found.number("latitude_of_projection_origin") == 90 && found.number("false_easting") == 380_886.31)
  }

  @Test func aTextThatContradictsSaysNothing() {
    let text = "+proj=stere +lat_0=90 +lat_ts=60 +lon_0=10 +a=6371288 +b=6371288 +x_0=1"
    #expect(
      added(to: stereographic + [CFAttribute("proj4", text)]) == [CFAttribute("latitude_of_projection_origin", [90])])
    #expect(added(to: stereographic + [CFAttribute("proj4", "+init=file")]).count == 1)
  }

  @Test func whatIsThereStays() {
    let whole = stereographic + [CFAttribute("latitude_of_projection_origin", [90])]
    #expect(added(to: whole).isEmpty)
    // A scale in place of the parallel needs no parallel.
    let scaled = [
      CFAttribute("grid_mapping_name", "polar_stereographic"), CFAttribute("latitude_of_projection_origin", [90]),
      CFAttribute("straight_vertical_longitude_from_pole", [0]),
      CFAttribute("scale_factor_at_projection_origin", [0.97]),
    ]
    #expect(added(to: scaled).isEmpty)
    #expect(added(to: [CFAttribute("grid_mapping_name", "lambert_conformal_conic")]).isEmpty)
    #expect(added(to: [CFAttribute("proj4", "+proj=longlat")]).isEmpty)
  }
}
