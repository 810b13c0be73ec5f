import Testing

@testable import RadarIO

@Suite struct ProjectionTests {
  private func number(_ text: String, _ name: String) throws -> [Double]? {
    try Projection(text).gridMapping?[name]?.numbers()
  }

  private func message(_ text: String) -> String? {
    do {
      _ = try Projection(text)
      return nil
    } catch { return (error as? Projection.Misunderstood)?.what }
  }

  @Test(arguments: [
    ("+proj=stere +lat_0=90 +lat_ts=60 +R=6371000", "polar_stereographic"),
    ("+proj=stere +lat_0=56 +lon_0=10.5666 +ellps=WGS84", "stereographic"),
    ("+proj=lcc +lat_1=45 +lat_0=45 +lon_0=3 +datum=WGS84", "lambert_conformal_conic"),
    ("+proj=laea +lat_0=52 +lon_0=10 +ellps=GRS80", "lambert_azimuthal_equal_area"),
    ("+proj=aea +lat_1=50 +lat_2=58.5 +lat_0=45 +lon_0=-126", "albers_conical_equal_area"),
    ("+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy", "transverse_mercator"),
    ("+proj=utm +zone=33 +ellps=WGS84 +no_defs", "transverse_mercator"),
    ("+proj=merc +lat_ts=20 +lon_0=3", "mercator"),
    ("+proj=aeqd +lat_0=42 +lon_0=12.5 +units=m", "azimuthal_equidistant"),
    ("+proj=latlong +datum=WGS84", "latitude_longitude"),
  ]) func namesOfCF(text: String, name: String) throws {
    #expect(try Projection(text).gridMapping?.text("grid_mapping_name") == name)
    #expect(try Projector(Projection(text)) != nil)
  }

  /// Codes of the EPSG come from PROJ's database; letters and words that say nothing are understood.
  @Test func otherWaysToSayIt() throws {
    for text in ["EPSG:3035", " epsg:3035", "+init=epsg:3035"] {
      #expect(
        try Projection(text)
          == Projection("+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m"))
    }
    #expect(
      try Projection("+proj=stere +lat_0=90N +lat_ts=60n +lon_0=10W +R=6371000 +axis=enu +pm=Greenwich +vunits=m")
        == Projection("+proj=stere +lat_0=90 +lat_ts=60 +lon_0=-10 +R=6371000"))
  }

  @Test func noNameInCF() throws {
    for text in [
      "+proj=somerc +lat_0=47 +lon_0=7 +ellps=bessel", "+proj=lcc +lat_1=46 +k_0=0.9998", "+proj=gnom +lat_0=40",
    ] {
      #expect(try Projection(text).gridMapping == nil)
      #expect(try Projector(Projection(text)) != nil)
    }
  }

  @Test func parameters() throws {
    #expect(try number("+proj=utm +zone=33 +south", "longitude_of_central_meridian") == [15])
    #expect(try number("+proj=utm +zone=33 +south", "false_northing") == [10_000_000])
    #expect(try number("+proj=stere +lat_0=-90 +k=0.97", "scale_factor_at_projection_origin") == [0.97])
    // One parallel says where the origin is only if it is there.
    #expect(try number("+proj=lcc +lat_1=45", "standard_parallel") == [45])
    #expect(try number("+proj=lcc +lat_1=45", "latitude_of_projection_origin") == [45])
    #expect(try number("+proj=lcc +lat_1=45 +lat_0=40", "standard_parallel") == [45, 45])
  }

  @Test func ellipsoids() throws {
    #expect(try number("+proj=laea +ellps=bessel", "inverse_flattening") == [299.1528128])
    #expect(try number("+proj=laea +datum=OSGB36", "semi_major_axis") == [6_377_563.396])
    #expect(try number("+proj=laea +a=6378.14 +b=6356.75", "semi_major_axis") == [6_378_140])
    #expect(try number("+proj=laea +a=6378.14 +b=6356.75", "semi_minor_axis") == [6_356_750])
    #expect(try number("+proj=laea +R=6370040", "earth_radius") == [6_370_040])
    #expect(try number("+proj=laea +a=6371000", "earth_radius") == [6_371_000])
    // PROJ's own default.
    #expect(try number("+proj=laea", "inverse_flattening") == [298.257222101])
  }

  @Test func whatIsNotUnderstoodIsNamed() {
    #expect(message("") == "+proj=")
    #expect(message("EPSG:99999") == "EPSG:99999")
    #expect(message("+proj=lcc +lat_1=46 +pm=paris") == "+pm" && message("+proj=stere +lat_0=60X") == "+lat_0=60X")
    #expect(message("+proj=pipeline +step +proj=laea") == "+proj=pipeline")
    #expect(message("+proj=laea +lat_0=north") == "+lat_0=north")
    #expect(message("+proj=laea +lat_0=nan") == "+lat_0=nan")
    #expect(message("+proj=laea +grids=/etc/passwd") == "+grids")
    #expect(message("+proj=laea +ellps=potato") == "+ellps=potato")
    #expect(message("+proj=laea +a=1") == "an Earth of 1000.0 by 1000.0 m")
    #expect(message("+proj=laea +units=us-ft") == "+units=us-ft")
  }

  /// Corners of a stated size that do not fit leave an image without coordinates, not in the wrong place.
  @Test func cornersMustFit() {
    func grid(_ projection: String?, _ change: (inout ImageGrid.Corners) -> Void = { _ in }) -> (
      grid: Grid, warnings: [String]
    ) {
      var corners = ImageGrid.Corners(
        upperLeft: (0, 50), upperRight: (10, 50), lowerLeft: (0, 40), lowerRight: (10, 40))
      change(&corners)
      return ImageGrid(
        height: 10, width: 10, projection: projection, placement: .corners(corners, pixelWidth: 1, pixelHeight: 1)
      ).grid()
    }
    let plain = grid("+proj=longlat")
    #expect(plain.grid.y?.first == 49.5 && plain.grid.x?.last == 9.5 && plain.warnings.isEmpty)
    for (text, change, words) in [
      (nil, { _ in }, "states no projection"),
      ("+proj=longlat", { $0.upperLeft?.latitude = 30 }, "do not enclose"),
      ("+proj=longlat", { $0.upperLeft?.latitude = 55 }, "make no rectangle"),
      ("+proj=longlat", { $0.upperLeft?.latitude = 95 }, "outside of its projection"),
      ("+proj=longlat", { $0 = ImageGrid.Corners() }, "does not state where its corners are"),
      ("+proj=what", { _ in }, "not understood (+proj=what)"),
      ("+proj=lcc +lat_1=40 +lat_2=-40", { _ in }, "cannot be computed"),
    ] as [(String?, (inout ImageGrid.Corners) -> Void, String)] {
      let found = grid(text, change)
      #expect(found.grid.y == nil && found.grid.georeference.variables.isEmpty)
      #expect(found.warnings.count == 1 && found.warnings[0].contains(words), "\(found.warnings)")
    }
  }
}
