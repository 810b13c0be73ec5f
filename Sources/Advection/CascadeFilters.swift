#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Filters that split a field into levels of scale, the largest first, whose sum is the field.
///
/// Gaussians of the logarithm of the wavenumber, as in pysteps' `filter_gaussian` (Pulkkinen et al. 2019, "Pysteps: an
/// open-source Python library for probabilistic precipitation nowcasting", Geosci. Model Dev. 12, 4185–4219): with l the
/// longer side and q = (l/2)^(1/n), level k is about the wavenumber (qᵏ⁻¹ + qᵏ)/2, with a standard deviation of half a
/// factor q. The mean of the field belongs to none of them.
struct CascadeFilters: Sendable {
  /// The levels of large fields (Pulkkinen et al. take as many).
  static let standardLevels = 6

  let levels: Int
  let height: Int
  let width: Int
  /// The wavenumbers of a quarter of the plane: the others are like one of them.
  private let quarterWidth: Int
  private let weights: [Float]

  /// - Precondition: sizes are positive.
  init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    let longest = max(height, width)
    // No level narrower than a factor of 1.4 in wavelength.
    levels = max(1, min(Self.standardLevels, Int(2 * log2(Double(max(longest, 4)) / 2))))
    let step = log(0.5 * Double(max(longest, 4))) / Double(levels)
    let centres = (1...levels).map { log(0.5 * (exp(step * Double($0 - 1)) + exp(step * Double($0)))) / step }
    quarterWidth = width / 2 + 1
    let rows = height / 2 + 1
    var weights = [Float](repeating: 0, count: levels * rows * quarterWidth)
    for y in 0..<rows {
      for x in 0..<quarterWidth where x + y > 0 {
        let place = 0.5 * log(Double(x * x + y * y)) / step
        let values = centres.map { exp(-2 * (place - $0) * (place - $0)) }
        let sum = values.reduce(0, +)
        for (level, value) in values.enumerated() {
          weights[(y * quarterWidth + x) * levels + level] = Float(value / sum)
        }
      }
    }
    self.weights = weights
  }

  /// Calls `body` for each wavenumber but zero, with its row and column in the transform of the field, those of its
  /// opposite, and the weight of each level.
  @inline(__always)
  func forEachWavenumber(
    _ body: (_ row: Int, _ column: Int, _ opposite: (row: Int, column: Int), _ weights: UnsafePointer<Float>) -> Void
  ) {
    weights.withUnsafeBufferPointer { weights in
      guard let weights = weights.baseAddress else { return }
      for row in 0..<height {
        let (otherRow, y) = ((height - row) % height, min(row, height - row))
        for column in 0..<width where row + column > 0 {
          let x = min(column, width - column)
          body(row, column, (otherRow, (width - column) % width), weights + (y * quarterWidth + x) * levels)
        }
      }
    }
  }
}
