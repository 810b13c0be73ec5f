/// A place on the Earth in degrees.
struct EarthPlace: Equatable {
  var longitude: Double
  var latitude: Double
}

/// An area of the Earth as a file draws it: a river's catchment, a county.
struct AreaPolygons {
  /// What the area is called.
  var name: String
  /// Its polygons: each has an outer ring, and rings of what is cut out of it behind that. The last place of a ring is its
  /// first again.
  var polygons: [[[EarthPlace]]]

  /// Says what is wrong with the rings, or nothing: a ring that is not closed, has no inside, crosses itself or another one, a
  /// hole outside of its ring, a polygon within another one. Rings may touch.
  var fault: String? {
    for ring in polygons.joined() {
      guard ring.count >= 4 else {
        return
          "one of its rings has \(ring.count) positions; a closed ring has at least four, the last equal to the first"
      }
      guard ring.first == ring.last else {
        return "a ring that begins at \(AreaPolygons.text(ring[0])) is not closed: its last position must be its first"
      }
    }
    if let place = RingCrossing.first(in: Array(polygons.joined())) {
      return "its rings cross near \(AreaPolygons.text(place))"
    }
    for ring in polygons.joined() where AreaPolygons.isFlat(ring) {
      return "the ring at \(AreaPolygons.text(ring[0])) has no inside"
    }
    for (index, polygon) in polygons.enumerated() {
      for hole in polygon.dropFirst() where !hole.contains(where: { AreaPolygons.encloses([polygon[0]], $0) }) {
        return "the hole at \(AreaPolygons.text(hole[0])) is not within its outer ring"
      }
      for (other, around) in polygons.enumerated() where other != index {
        if polygon[0].allSatisfy({ AreaPolygons.encloses(around, $0) }) {
          return "the polygon at \(AreaPolygons.text(polygon[0][0])) is within another one"
        }
      }
    }
    return nil
  }

  /// Whether a ring encloses nothing but what rounding makes of nothing.
  private static func isFlat(_ ring: [EarthPlace]) -> Bool {
    var (sum, size) = (0.0, 0.0)
    for (from, to) in zip(ring, ring.dropFirst()) {
      let right = (from.longitude - ring[0].longitude) * (to.latitude - ring[0].latitude)
      let left = (to.longitude - ring[0].longitude) * (from.latitude - ring[0].latitude)
      sum += right - left
      size += abs(right) + abs(left)
    }
    return abs(sum) <= 1e-10 * size
  }

  /// Whether a place is inside of an odd number of rings.
  private static func encloses(_ rings: [[EarthPlace]], _ place: EarthPlace) -> Bool {
    var isInside = false
    for (a, b) in rings.lazy.flatMap({ zip($0, $0.dropFirst()) })
    where (a.latitude > place.latitude) != (b.latitude > place.latitude) {
      let share = (place.latitude - a.latitude) / (b.latitude - a.latitude)
      if a.longitude + share * (b.longitude - a.longitude) > place.longitude { isInside.toggle() }
    }
    return isInside
  }

  private static func text(_ place: EarthPlace) -> String {
    func short(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e4)" }
    return "\(short(place.longitude)), \(short(place.latitude))"
  }
}

/// The search for two edges of rings that cross, which those of an area must not.
enum RingCrossing {
  private typealias Edge = (from: EarthPlace, to: EarthPlace)

  /// A place near which two edges cross; `nil` where edges at most touch.
  ///
  /// Edges are compared in the order of their western ends, and only with those that begin before they end.
  static func first(in rings: [[EarthPlace]]) -> EarthPlace? {
    let edges = rings.flatMap { zip($0, $0.dropFirst()) }.map { a, b -> Edge in
      a.longitude <= b.longitude ? (a, b) : (b, a)
    }.sorted { $0.from.longitude < $1.from.longitude }
    for (index, edge) in edges.enumerated() {
      let south = min(edge.from.latitude, edge.to.latitude)
      let north = max(edge.from.latitude, edge.to.latitude)
      for other in edges[(index + 1)...] {
        guard other.from.longitude <= edge.to.longitude else { break }
        guard max(other.from.latitude, other.to.latitude) >= south,
          min(other.from.latitude, other.to.latitude) <= north, cross(edge, other)
        else { continue }
        return other.from
      }
    }
    return nil
  }

  private static func cross(_ a: Edge, _ b: Edge) -> Bool {
    side(a, b.from) * side(a, b.to) < 0 && side(b, a.from) * side(b, a.to) < 0
  }

  /// On which side of an edge a place lies; 0 where rounding leaves that open, as for the end that two edges share.
  private static func side(_ edge: Edge, _ place: EarthPlace) -> Int {
    let left = (edge.from.longitude - place.longitude) * (edge.to.latitude - place.latitude)
    let right = (edge.from.latitude - place.latitude) * (edge.to.longitude - place.longitude)
    let bound = 4e-16 * (abs(left) + abs(right))
    return left - right > bound ? 1 : left - right < -bound ? -1 : 0
  }
}
