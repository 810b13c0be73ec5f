/// The share of each pixel of a part of a grid that polygons cover, computed exactly from their edges.
///
/// Every edge adds, in each row it passes, the area between it and the right end of the row, signed by whether it goes down
/// or up; the sums along a row are then the shares. This is how letters are drawn without jagged edges.
struct AreaCoverage {
  /// The part of the grid that was looked at.
  let rows: Range<Int>
  let columns: Range<Int>
  /// Signed shares, row by row with one more column than the part has, as differences from pixel to pixel until ``shares()``.
  private var differences: [Double]

  /// Looks at the pixels of a grid that lie within the bounds of `rings`; none where these lie outside.
  init(rings: [[GridPoint]], height: Int, width: Int) {
    func range(_ values: [Double], _ count: Int) -> Range<Int> {
      guard let least = values.min(), let most = values.max(), most > 0, least < Double(count) else { return 0..<0 }
      let first = max(0, Int(max(least, 0).rounded(.down)))
      return first..<max(first, Int(min(most, Double(count)).rounded(.up)))
    }
    rows = range(rings.joined().map(\.y), height)
    columns = range(rings.joined().map(\.x), width)
    differences = [Double](repeating: 0, count: rows.count * (columns.count + 2))
  }

  /// Adds a closed ring; `sign` is 1 for what it encloses and −1 for a hole, whichever way around its points go.
  mutating func add(_ ring: [GridPoint], sign: Double) {
    guard !rows.isEmpty, !columns.isEmpty else { return }
    // An edge that goes down covers what is to its right; around a ring of positive area that is the outside.
    let sign = AreaCoverage.area(of: ring) > 0 ? -sign : sign
    for (a, b) in zip(ring, ring.dropFirst()) where a.y != b.y { addEdge(a, b, sign: sign) }
  }

  /// The area that a ring encloses, in pixels; its sign tells the way around.
  static func area(of ring: [GridPoint]) -> Double {
    guard let origin = ring.first else { return 0 }
    // From the first point on, so that a ring far away loses no digits.
    return zip(ring, ring.dropFirst()).reduce(0) { sum, edge in
      sum + (edge.0.x - origin.x) * (edge.1.y - origin.y) - (edge.1.x - origin.x) * (edge.0.y - origin.y)
    } / 2
  }

  private mutating func addEdge(_ from: GridPoint, _ to: GridPoint, sign: Double) {
    let isDown = to.y > from.y
    let (top, bottom) = isDown ? (from, to) : (to, from)
    let direction = isDown ? sign : -sign
    let slope = (bottom.x - top.x) / (bottom.y - top.y)
    let (start, end) = (max(top.y, Double(rows.lowerBound)), min(bottom.y, Double(rows.upperBound)))
    guard start < end else { return }
    for row in Int(start.rounded(.down))..<Int(end.rounded(.up)) {
      let (high, low) = (max(start, Double(row)), min(end, Double(row + 1)))
      guard high < low else { continue }
      let left = top.x + (high - top.y) * slope
      let right = top.x + (low - top.y) * slope
      addPiece(row - rows.lowerBound, min(left, right), max(left, right), height: direction * (low - high))
    }
  }

  /// Adds a piece of an edge within one row; what lies beyond the part's sides counts there, standing upright.
  private mutating func addPiece(_ row: Int, _ left: Double, _ right: Double, height: Double) {
    let (west, east) = (Double(columns.lowerBound), Double(columns.upperBound))
    func cut(_ value: Double) -> Double { min(max(value, west), east) - west }
    let width = right - left
    guard width > 0 else { return addUpright(row, cut(left), height: height) }
    // Upright what is beyond either side, and between them the slanting rest.
    let (before, beyond) = (max(0, min(right, west) - left), max(0, right - max(left, east)))
    if before > 0 { addUpright(row, 0, height: height * before / width) }
    if beyond > 0 { addUpright(row, east - west, height: height * beyond / width) }
    let (start, end) = (cut(left), cut(right))
    guard start < end else { return }
    for column in Int(start.rounded(.down))..<max(Int(end.rounded(.up)), Int(start.rounded(.down)) + 1) {
      let (a, b) = (max(start, Double(column)), min(end, Double(column + 1)))
      guard a < b else { continue }
      addUpright(row, (a + b) / 2, column: column, height: height * (b - a) / width)
    }
  }

  /// Adds an upright piece: everything to its right is covered, and of its own pixel the part that is.
  private mutating func addUpright(_ row: Int, _ x: Double, column: Int? = nil, height: Double) {
    let column = column ?? min(Int(x.rounded(.down)), columns.count)
    let place = row * (columns.count + 2) + column
    let rest = Double(column + 1) - x
    differences[place] += height * rest
    differences[place + 1] += height * (1 - rest)
  }

  /// The share of each pixel, from 0 to 1, row by row of ``rows`` and ``columns``.
  func shares() -> [Double] {
    var shares: [Double] = []
    shares.reserveCapacity(rows.count * columns.count)
    for row in 0..<rows.count {
      var sum = 0.0
      for column in 0..<columns.count {
        sum += differences[row * (columns.count + 2) + column]
        // What is left of rounding is no area.
        shares.append(sum < 1e-9 ? 0 : min(sum, 1))
      }
    }
    return shares
  }
}
