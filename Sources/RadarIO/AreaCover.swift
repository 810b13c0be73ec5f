/// An area on a grid: the pixels it lies on, and how much of each of them.
public struct AreaCover: Sendable, Equatable {
  /// A pixel that the area touches.
  public struct Pixel: Sendable, Equatable {
    /// Its place in a frame, row by row.
    public var index: Int
    /// How much of the area lies on it: pixels, or parts of one; on a grid of latitudes as large as one at the equator.
    public var weight: Double

    /// A pixel of that place and weight.
    public init(index: Int, weight: Double) { (self.index, self.weight) = (index, weight) }
  }

  /// What the area is called.
  public var name: String
  /// The pixels it touches, in the order of a frame; none where it lies outside of the grid.
  public var pixels: [Pixel]
  /// The whole area in the units of the weights, with what lies outside of the grid.
  public var total: Double

  /// An area on those pixels.
  ///
  /// - Precondition: `total` is above 0.
  public init(name: String, pixels: [Pixel], total: Double) {
    precondition(total > 0, "an area is larger than nothing")
    (self.name, self.pixels, self.total) = (name, pixels, total)
  }

  /// The share of the area that lies on the grid, from 0 to 1.
  public var shareOnGrid: Double { min(1, pixels.reduce(0) { $0 + $1.weight } / total) }

  /// Rain over the area in a frame.
  ///
  /// - Parameter frame: the pixels of a frame, row by row, `NaN` where missing.
  /// - Returns: the mean of the measured pixels by their weights, the largest of them, and the share of the area that was
  ///   measured; no mean and no largest value where nothing was.
  public func summary(of frame: UnsafeBufferPointer<Float>) -> (mean: Double?, largest: Float?, covered: Double) {
    var (sum, weight) = (0.0, 0.0)
    var largest: Float?
    for pixel in pixels {
      let value = frame[pixel.index]
      if value.isNaN { continue }
      sum += pixel.weight * Double(value)
      weight += pixel.weight
      largest = max(largest ?? value, value)
    }
    return (weight > 0 ? sum / weight : nil, largest, min(1, weight / total))
  }
}

extension AreaCover {
  /// An area of polygons on a grid; `nil` where the grid's projection does not reach all of it, but parts of it lie on the
  /// grid.
  init?(_ area: AreaPolygons, on places: GridPlaces, height: Int, width: Int) {
    let trace = RingTrace(places: places)
    let traced = area.polygons.map { $0.map(trace.points) }
    let known = traced.joined().compactMap(\.self)
    let isWhole = known.count == traced.joined().count
    func isOnGrid(_ point: GridPoint) -> Bool {
      (0...Double(width)).contains(point.x) && (0...Double(height)).contains(point.y)
    }
    guard isWhole else {
      // What the projection has no place for is outside; one that is both is not to be cut in two by guessing.
      let vertices = area.polygons.joined().joined().lazy.compactMap(places.point)
      guard !vertices.contains(where: isOnGrid) else { return nil }
      self.init(name: area.name, pixels: [], total: 1)
      return
    }
    var weights: [Int: Double] = [:]
    var total = 0.0
    for polygon in traced {
      let rings = polygon.compactMap(\.self)
      for (index, ring) in rings.enumerated() {
        let area = AreaCoverage.area(of: ring.map { GridPoint(x: $0.x, y: places.equalAreaRow($0.y)) }).magnitude
        total += index == 0 ? area : -area
      }
      // On a globe what lies there lies there again a whole turn away.
      for turn in places.columnsAround.map({ [-$0, 0, $0] }) ?? [0] {
        let shifted = rings.map { $0.map { GridPoint(x: $0.x + turn, y: $0.y) } }
        var coverage = AreaCoverage(rings: shifted, height: height, width: width)
        for (index, ring) in shifted.enumerated() { coverage.add(ring, sign: index == 0 ? 1 : -1) }
        let shares = coverage.shares()
        for (place, row) in coverage.rows.enumerated() {
          let size = places.equalAreaRow(Double(row + 1)) - places.equalAreaRow(Double(row))
          for (offset, column) in coverage.columns.enumerated() {
            let share = shares[place * coverage.columns.count + offset]
            if share > 0 { weights[row * width + column, default: 0] += share * size.magnitude }
          }
        }
      }
    }
    let pixels = weights.sorted { $0.key < $1.key }.map { Pixel(index: $0.key, weight: $0.value) }
    self.init(name: area.name, pixels: pixels, total: max(total, .leastNormalMagnitude))
  }
}

/// The way of a ring over a grid. Between two positions it is straight in degrees (RFC 7946, section 3.1.1), and so bent in a
/// projection: it goes through as many points as that takes.
struct RingTrace {
  let places: GridPlaces
  /// How far, in pixels, the way may be off.
  private static let tolerance = 1e-3
  /// The longest step in degrees: how bent a longer one is its middle alone does not tell, and of latitudes equal steps are no
  /// equal areas.
  private static let longest = 0.25

  /// The points of a closed ring; `nil` where one has no place in the projection.
  func points(of ring: [EarthPlace]) -> [GridPoint]? {
    guard let first = places.point(of: ring[0]) else { return nil }
    var points = [first]
    for (from, to) in zip(ring, ring.dropFirst()) {
      let length = max(abs(to.longitude - from.longitude), abs(to.latitude - from.latitude))
      let steps = max(1, Int((length / Self.longest).rounded(.up)))
      var before = from
      for step in 1...steps {
        let place = step == steps ? to : RingTrace.place(from, to, Double(step) / Double(steps))
        guard let point = places.point(of: place), add(before, place, point, to: &points, depth: 12) else { return nil }
        before = place
      }
    }
    // Closed to the last digit, whatever the projection makes of the first place the second time.
    points[points.count - 1] = first
    return points
  }

  private func add(
    _ from: EarthPlace, _ to: EarthPlace, _ end: GridPoint, to points: inout [GridPoint], depth: Int
  ) -> Bool {
    if !places.isStraight, depth > 0, from != to {
      let start = points[points.count - 1]
      let middle = RingTrace.place(from, to, 0.5)
      guard let point = places.point(of: middle) else { return false }
      let miss = max(abs(point.x - (start.x + end.x) / 2), abs(point.y - (start.y + end.y) / 2))
      if miss > Self.tolerance {
        return add(from, middle, point, to: &points, depth: depth - 1)
          && add(middle, to, end, to: &points, depth: depth - 1)
      }
    }
    points.append(end)
    return true
  }

  private static func place(_ from: EarthPlace, _ to: EarthPlace, _ share: Double) -> EarthPlace {
    EarthPlace(
      longitude: from.longitude + share * (to.longitude - from.longitude),
      latitude: from.latitude + share * (to.latitude - from.latitude))
  }
}
