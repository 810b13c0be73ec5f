import Tensor

/// The fractions skill score of one threshold and one neighbourhood: is the rain about right in about the right place?
///
/// Roberts and Lean, "Scale-selective verification of rainfall accumulations from high-resolution forecasts of
/// convective events", Monthly Weather Review 136, 2008. Around each pixel the share of pixels with an event is taken
/// in a square window, of the forecast and of the observation; with these fractions `f` and `o`,
///
///     FSS = 1 − Σ (f − o)² / (Σ f² + Σ o²),     0 to 1, best 1
///
/// summed over all pixels that count and all fields, `nil` when there was no event at all. Outside of the field, and
/// where the mask is not set, there is no event, and the divisor is always the whole window, as in pysteps; an even
/// window reaches one pixel further up and left.
public struct FractionsSkill: Sendable, Equatable, Codable {
  /// An event is a value of at least this, in mm/h.
  public let threshold: Float
  /// The width of the window in pixels.
  public let window: Int
  /// The number of pixels.
  public private(set) var count = 0
  /// Σ f² with `f` as the number of events in the window. Whole numbers, so sums up to 2⁵³ are exact in any order.
  public private(set) var sumForecastSquared = 0.0
  /// Σ o², as ``sumForecastSquared``.
  public private(set) var sumObservationSquared = 0.0
  /// Σ f·o, as ``sumForecastSquared``.
  public private(set) var sumProduct = 0.0

  /// Makes an empty score.
  ///
  /// - Precondition: `window` is positive and at most 2¹⁵.
  public init(threshold: Float, window: Int) {
    precondition(window > 0 && window <= 1 << 15, "a window has 1 to 32768 pixels, not \(window)")
    self.threshold = threshold
    self.window = window
  }

  /// The fractions skill score. The size of the window cancels out of the fraction.
  public var fss: Double? { ratio(2 * sumProduct, sumForecastSquared + sumObservationSquared) }

  /// Adds the sums of other fields.
  ///
  /// - Precondition: threshold and window are the same.
  public mutating func merge(_ other: FractionsSkill) {
    precondition(threshold == other.threshold && window == other.window, "fractions of different thresholds or windows")
    count += other.count
    sumForecastSquared += other.sumForecastSquared
    sumObservationSquared += other.sumObservationSquared
    sumProduct += other.sumProduct
  }

  /// Adds a field to the scores of one threshold and several windows.
  static func add(
    to scores: inout ArraySlice<FractionsSkill>, forecast: UnsafeBufferPointer<Float>,
    observation: UnsafeBufferPointer<Float>, width: Int, mask: PixelMask
  ) {
    guard let threshold = scores.first?.threshold, width > 0 else { return }
    let height = observation.count / width
    precondition(height * width == observation.count, "\(observation.count) pixels do not make rows of \(width)")

    // The number of events (forecast, observed) above and left of each pixel corner: the events of any rectangle are
    // then four of these numbers, whatever its size.
    let row = width + 1
    var corners = [SIMD2<Int32>](repeating: .zero, count: (height + 1) * row)
    corners.withUnsafeMutableBufferPointer { corners in
      for y in 0..<height {
        var left = SIMD2<Int32>.zero
        for x in 0..<width {
          let pixel = y * width + x
          let isValid = mask.flags[pixel] != 0
          left &+= SIMD2(
            isValid && forecast[pixel] >= threshold ? 1 : 0, isValid && observation[pixel] >= threshold ? 1 : 0)
          corners[(y + 1) * row + x + 1] = corners[y * row + x + 1] &+ left
        }
      }
    }

    for index in scores.indices { scores[index].count += mask.validCount }
    // A dry field, or a high threshold: all sums would be zero.
    guard let all = corners.last, all != .zero else { return }

    corners.withUnsafeBufferPointer { corners in
      for index in scores.indices {
        let window = scores[index].window
        let (before, after) = (window / 2, window - window / 2)
        for y in 0..<height {
          let top = max(y - before, 0) * row
          let bottom = min(y + after, height) * row
          // In Double, because the products of a row of large windows may not fit an integer.
          var (ff, oo, fo) = (0.0, 0.0, 0.0)
          for x in 0..<width where mask.flags[y * width + x] != 0 {
            let (left, right) = (max(x - before, 0), min(x + after, width))
            let events =
              corners[bottom + right] &- corners[bottom + left] &- corners[top + right] &+ corners[top + left]
            let (f, o) = (Double(events[0]), Double(events[1]))
            ff += f * f
            oo += o * o
            fo += f * o
          }
          scores[index].sumForecastSquared += ff
          scores[index].sumObservationSquared += oo
          scores[index].sumProduct += fo
        }
      }
    }
  }
}
