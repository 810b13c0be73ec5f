import Foundation

/// The grid of a radar image whose file states a projection and where the image lies in it, and what a forecast will
/// say about it in CF's words.
struct ImageGrid {
  var height: Int
  var width: Int
  /// The projection text of the file.
  var projection: String?
  var placement: Placement

  /// Where an image lies.
  enum Placement {
    /// Longitude and latitude in degrees of the outer corners of the image, and the stated size of a pixel.
    case corners(Corners, pixelWidth: Double?, pixelHeight: Double?)
    /// Coordinates in metres of the outer upper left corner, and signed steps from pixel to pixel.
    case origin(x: Double, y: Double, stepX: Double, stepY: Double, check: Corners)
    case unknown
  }

  /// The corners of an image as far as a file gives them.
  struct Corners {
    typealias Place = (longitude: Double, latitude: Double)
    var upperLeft: Place?
    var upperRight: Place?
    var lowerLeft: Place?
    var lowerRight: Place?
  }

  /// Coordinates of the outer edges of an image and the steps between pixels.
  private struct Frame {
    var left: Double
    var top: Double
    var stepX: Double
    var stepY: Double
  }

  /// Why an image has no coordinates.
  private struct Unplaced: Error {
    var why: String
  }

  /// The grid, and what people should know about it. A grid that cannot be placed has no coordinates.
  func grid() -> (grid: Grid, warnings: [String]) {
    do {
      guard let text = projection else { throw Unplaced(why: "it states no projection") }
      let projection: Projection
      do { projection = try Projection(text) } catch let error as Projection.Misunderstood {
        throw Unplaced(why: "its projection is not understood (\(error.what))")
      }
      guard let projector = Projector(projection) else {
        throw Unplaced(why: "its projection cannot be computed (\(projection.text))")
      }
      var warnings: [String] = []
      let frame = try frame(projection, projector, &warnings)
      let grid = placed(frame, projection, projector)
      if grid.georeference.gridMapping == nil {
        warnings.append(
          "the projection '\(projection.name)' has no CF grid mapping; latitude and longitude of every pixel are given "
            + "in its place")
      }
      return (grid, warnings)
    } catch {
      let why = (error as? Unplaced)?.why ?? "\(error)"
      var grid = Grid(height: height, width: width, yName: "y", xName: "x")
      grid.spacingMetres = statedSpacing
      return (grid, ["\(why), so its pixels have no coordinates, and a forecast from it will have none"])
    }
  }

  /// The spacing without a projection, in the metres that both formats count in by rule.
  private var statedSpacing: Double? {
    let sizes: [Double]
    switch placement {
    case .corners(_, let width?, let height?): sizes = [abs(width), abs(height)]
    case .origin(_, _, let stepX, let stepY, _): sizes = [abs(stepX), abs(stepY)]
    default: return nil
    }
    let mean = sizes.reduce(0, +) / 2
    // Less than that is an angle.
    return mean.isFinite && mean >= 10 ? mean : nil
  }

  // MARK: Placing

  private func frame(_ projection: Projection, _ projector: Projector, _ warnings: inout [String]) throws -> Frame {
    switch placement {
    case .unknown: throw Unplaced(why: "it does not state where its corners are")
    case .origin(let x, let y, let stepX, let stepY, let corners):
      guard [x, y, stepX, stepY].allSatisfy({ $0.isFinite && abs($0) < 1e8 }), stepX != 0, stepY != 0 else {
        throw Unplaced(why: "its pixel sizes or offsets are no usable numbers")
      }
      let frame = Frame(left: x, top: y, stepX: stepX, stepY: stepY)
      let misfit = try misfit(of: frame, corners, projector)
      if misfit > 1 { warnings.append(cornerWarning(misfit, "its offsets and pixel sizes are used")) }
      return frame
    case .corners(let corners, let pixelWidth, let pixelHeight):
      return try frame(corners, pixelWidth, pixelHeight, projection, projector, &warnings)
    }
  }

  private func frame(
    _ corners: Corners, _ pixelWidth: Double?, _ pixelHeight: Double?, _ projection: Projection,
    _ projector: Projector, _ warnings: inout [String]
  ) throws -> Frame {
    func mean(_ places: [Corners.Place?], _ value: ((x: Double, y: Double)) -> Double) throws -> Double {
      let values = try places.compactMap(\.self).map { value(try projected($0, projector)) }
      guard !values.isEmpty else { throw Unplaced(why: "it does not state where its corners are") }
      return values.reduce(0, +) / Double(values.count)
    }
    let left = try mean([corners.upperLeft, corners.lowerLeft]) { $0.x }
    var right = try mean([corners.upperRight, corners.lowerRight]) { $0.x }
    let top = try mean([corners.upperLeft, corners.upperRight]) { $0.y }
    let bottom = try mean([corners.lowerLeft, corners.lowerRight]) { $0.y }
    let isAngular = projection.name == "longlat"
    if isAngular, right <= left { right += 360 }
    guard right - left > 1e-6 * Double(width), top - bottom > 1e-6 * Double(height) else {
      throw Unplaced(why: "its corners do not enclose an image in its projection")
    }
    var frame = Frame(
      left: left, top: top, stepX: (right - left) / Double(width), stepY: (bottom - top) / Double(height))
    let misfit = try misfit(of: frame, corners, projector)
    guard misfit <= 1 else {
      throw Unplaced(
        why: "its corners make no rectangle in its projection (they are off by \(Int(min(misfit, 1e6))) pixels)")
    }
    // The stated size of a pixel is the rounder number; it counts in the projection's units, or in metres all the same.
    func exact(_ step: Double, _ stated: Double?, _ count: Int) -> Double? {
      guard let stated else { return step }
      let units = isAngular ? [1] : [projection.metresPerUnit, 1]
      return units.map { (step < 0 ? -1 : 1) * abs(stated) * $0 }
        .first { abs($0 - step) * Double(count) <= 0.5 * abs(step) }
    }
    let (stepX, stepY) = (exact(frame.stepX, pixelWidth, width), exact(frame.stepY, pixelHeight, height))
    if stepX == nil || stepY == nil {
      warnings.append(
        String(
          format: "its corners say pixels of %.7g × %.7g, not the stated %.7g × %.7g; the corners are used",
          frame.stepX, -frame.stepY, pixelWidth ?? .nan, pixelHeight ?? .nan))
    }
    frame.stepX = stepX ?? frame.stepX
    frame.stepY = stepY ?? frame.stepY
    // Corners are written in rounded degrees: a millionth of a pixel is no information.
    frame.left = (left / frame.stepX * 1e6).rounded() / 1e6 * frame.stepX
    frame.top = (top / frame.stepY * 1e6).rounded() / 1e6 * frame.stepY
    return frame
  }

  private func cornerWarning(_ misfit: Double, _ instead: String) -> String {
    "its corners do not fit its projection and size (they are off by \(Int(min(misfit, 1e6))) pixels); \(instead)"
  }

  /// The largest distance, in pixels, of a stated corner from that of a frame.
  private func misfit(of frame: Frame, _ corners: Corners, _ projector: Projector) throws -> Double {
    let right = frame.left + frame.stepX * Double(width)
    let bottom = frame.top + frame.stepY * Double(height)
    let expected = [
      (corners.upperLeft, frame.left, frame.top), (corners.upperRight, right, frame.top),
      (corners.lowerLeft, frame.left, bottom), (corners.lowerRight, right, bottom),
    ]
    var largest = 0.0
    for (place, x, y) in expected {
      guard let place else { continue }
      let found = try projected(place, projector)
      var dx = abs(found.x - x)
      if projector.isAngular { dx = abs(dx.remainder(dividingBy: 360)) }
      largest = max(largest, dx / abs(frame.stepX), abs(found.y - y) / abs(frame.stepY))
    }
    return largest
  }

  private func projected(_ place: Corners.Place, _ projector: Projector) throws -> (x: Double, y: Double) {
    guard let point = projector.project(longitude: place.longitude, latitude: place.latitude) else {
      throw Unplaced(why: "a corner lies outside of its projection")
    }
    return point
  }

  // MARK: CF

  private func placed(_ frame: Frame, _ projection: Projection, _ projector: Projector) -> Grid {
    let isAngular = projection.name == "longlat"
    var grid = Grid(height: height, width: width, yName: isAngular ? "lat" : "y", xName: isAngular ? "lon" : "x")
    let y = (0..<height).map { frame.top + (Double($0) + 0.5) * frame.stepY }
    let x = (0..<width).map { frame.left + (Double($0) + 0.5) * frame.stepX }
    (grid.y, grid.x) = (y, x)
    grid.isGeographic = isAngular
    (grid.yUnits, grid.xUnits) = isAngular ? ("degrees_north", "degrees_east") : ("m", "m")
    if isAngular {
      let middle = (y[0] + y[height - 1]) / 2 * .pi / 180
      let metres = Grid.earthRadius * .pi / 180
      grid.spacingMetres = (abs(frame.stepX) * cos(middle) + abs(frame.stepY)) / 2 * metres
    } else {
      grid.spacingMetres = (abs(frame.stepX) + abs(frame.stepY)) / 2
    }
    let names =
      isAngular ? ("latitude", "longitude") : ("projection_y_coordinate", "projection_x_coordinate")
    grid.georeference.variables = [
      Grid.coordinate(grid.yName, y, standardName: names.0, units: grid.yUnits ?? "", axis: "Y"),
      Grid.coordinate(grid.xName, x, standardName: names.1, units: grid.xUnits ?? "", axis: "X"),
    ]
    if let mapping = projection.gridMapping {
      grid.mapping = mapping
      grid.georeference.gridMapping = "crs"
      grid.georeference.variables.append(
        StoredVariable(name: "crs", type: .int, dimensions: [], bytes: [0, 0, 0, 0], attributes: mapping))
    } else {
      // Only to tell grids apart: it is not written.
      grid.mapping = projection.parameters.sorted { $0.key < $1.key }.map { CFAttribute($0.key, [$0.value]) }
      addPlaces(to: &grid, y, x, projector)
    }
    return grid
  }

  /// Latitude and longitude of every pixel.
  private func addPlaces(to grid: inout Grid, _ y: [Double], _ x: [Double], _ projector: Projector) {
    let places = y.flatMap { y in x.map { projector.place(x: $0, y: y) } }
    for (name, units, values) in [
      ("latitude", "degrees_north", places.map(\.latitude)), ("longitude", "degrees_east", places.map(\.longitude)),
    ] {
      grid.georeference.variables.append(
        StoredVariable(
          name: name, type: .double,
          dimensions: [.init(name: grid.yName, length: height), .init(name: grid.xName, length: width)],
          bytes: values.withUnsafeBytes { Array($0) },
          attributes: [CFAttribute("standard_name", name), CFAttribute("units", units)]))
      grid.georeference.auxiliaryCoordinates.append(name)
    }
  }
}
