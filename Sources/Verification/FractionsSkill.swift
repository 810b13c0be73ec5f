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
/// window reaches one pixel further up and left. A forecast is called useful from 0.5 + b/2 on, with the base rate `b`
/// of observed events.
public struct FractionsSkill: Sendable, Equatable {
  /// An event is a value of at least this, in mm/h.
  public let threshold: Float
  /// The width of the window in pixels.
  public let window: Int
  /// The number of pixels.
  public internal(set) var count = 0
  /// Σ f² with `f` as the number of events in the window.
  public internal(set) var sumForecastSquared: Int128 = 0
  /// Σ o², as ``sumForecastSquared``.
  public internal(set) var sumObservationSquared: Int128 = 0
  /// Σ f·o, as ``sumForecastSquared``.
  public internal(set) var sumProduct: Int128 = 0

  /// Makes an empty score.
  ///
  /// - Precondition: `window` is positive and at most 2¹⁵.
  public init(threshold: Float, window: Int) {
    precondition(window > 0 && window <= 1 << 15, "a window has 1 to 32768 pixels, not \(window)")
    self.threshold = threshold
    self.window = window
  }

  /// The fractions skill score. The size of the window cancels out of the fraction.
  public var fss: Double? { ratio(2 * Double(sumProduct), Double(sumForecastSquared + sumObservationSquared)) }

  /// Adds the sums of other fields, `times` over. They are whole numbers, so the order of merging does not matter.
  ///
  /// - Precondition: threshold and window are the same.
  public mutating func merge(_ other: FractionsSkill, times: Int = 1) {
    precondition(threshold == other.threshold && window == other.window, "fractions of different thresholds or windows")
    count += other.count * times
    sumForecastSquared += other.sumForecastSquared * Int128(times)
    sumObservationSquared += other.sumObservationSquared * Int128(times)
    sumProduct += other.sumProduct * Int128(times)
  }
}

extension FractionsSkill: Codable {
  enum CodingKeys: String, CodingKey {
    case threshold, window, count, sums
  }

  /// Reads threshold, window, number of pixels and the three sums.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    threshold = try values.decode(Float.self, forKey: .threshold)
    window = try values.decode(Int.self, forKey: .window)
    count = try values.decode(Int.self, forKey: .count)
    let sums = try values.decode([String].self, forKey: .sums).compactMap { Int128($0) }
    guard sums.count == 3, (1...1 << 15).contains(window) else {
      throw DecodingError.dataCorruptedError(forKey: .sums, in: values, debugDescription: "no sums of fractions")
    }
    (sumForecastSquared, sumObservationSquared, sumProduct) = (sums[0], sums[1], sums[2])
  }

  /// Writes the sums as texts, because they may have more digits than a number of JSON keeps.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(threshold, forKey: .threshold)
    try values.encode(window, forKey: .window)
    try values.encode(count, forKey: .count)
    try values.encode([sumForecastSquared, sumObservationSquared, sumProduct].map(String.init), forKey: .sums)
  }
}

/// The number of events above and left of each corner of a pixel: the events of any rectangle are then four of these
/// numbers, whatever its size.
struct EventCorners {
  private let height: Int
  private let width: Int
  private var corners: [Int32]

  /// The events of a field that is −∞ where it does not count: values of at least the threshold.
  init(_ values: UnsafePointer<Float>, height: Int, width: Int, threshold: Float) {
    (self.height, self.width) = (height, width)
    let row = width + 1
    corners = [Int32](unsafeUninitializedCapacity: (height + 1) * row) { corners, count in
      corners[..<row].update(repeating: 0)
      guard let start = corners.baseAddress else { return }
      for y in 0..<height {
        let (above, here, pixels) = (start + y * row, start + (y + 1) * row, values + y * width)
        here[0] = 0
        var left: Int32 = 0
        for x in 0..<width {
          left &+= pixels[x] >= threshold ? 1 : 0
          here[x + 1] = above[x + 1] &+ left
        }
      }
      count = (height + 1) * row
    }
  }

  /// Whether there is any event.
  var hasEvents: Bool { corners.last != 0 }

  /// Adds the products of the fractions of a forecast and an observation to a score.
  ///
  /// - Parameter flags: 1 for pixels that count; `nil` when all do.
  static func add(
    _ forecast: EventCorners, _ observation: EventCorners, flags: UnsafePointer<UInt8>?, to score: inout FractionsSkill
  ) {
    let (height, width) = (forecast.height, forecast.width)
    let row = width + 1
    let (before, after) = (score.window / 2, score.window - score.window / 2)
    forecast.corners.withUnsafeBufferPointer { f in
      observation.corners.withUnsafeBufferPointer { o in
        guard let f = f.baseAddress, let o = o.baseAddress else { return }
        for y in 0..<height {
          let (top, bottom) = (max(y - before, 0) * row, min(y + after, height) * row)
          var sums = RowSums()
          // Between the edges, where no window is cut, several pixels at once.
          let inner = max(min(before, width), 0)..<max(min(before, width), min(width - after + 1, width))
          let flags = flags.map { $0 + y * width }
          sums.add(edge: 0..<inner.lowerBound, f, o, top, bottom, before, after, width, flags)
          sums.add(inner: inner, f, o, top, bottom, before, after, flags)
          sums.add(edge: inner.upperBound..<width, f, o, top, bottom, before, after, width, flags)
          let (ff, oo, fo) = sums.totals
          score.sumForecastSquared += Int128(ff)
          score.sumObservationSquared += Int128(oo)
          score.sumProduct += Int128(fo)
        }
      }
    }
  }

  /// The sums of one row. In Double, because the products of large windows may not fit an integer.
  private struct RowSums {
    private var (ff, oo, fo) = (SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero)

    var totals: (ff: Double, oo: Double, fo: Double) { (ff.sum(), oo.sum(), fo.sum()) }

    @inline(__always)
    mutating func add(
      inner range: Range<Int>, _ f: UnsafePointer<Int32>, _ o: UnsafePointer<Int32>, _ top: Int, _ bottom: Int,
      _ before: Int, _ after: Int, _ flags: UnsafePointer<UInt8>?
    ) {
      @inline(__always) func load(_ p: UnsafePointer<Int32>, _ place: Int) -> SIMD8<Int32> {
        UnsafeRawPointer(p + place).loadUnaligned(as: SIMD8<Int32>.self)
      }
      @inline(__always) func events(_ p: UnsafePointer<Int32>, _ x: Int) -> SIMD8<Int32> {
        load(p, bottom + x + after) &- load(p, bottom + x - before) &- load(p, top + x + after)
          &+ load(p, top + x - before)
      }
      var x = range.lowerBound
      while x + 8 <= range.upperBound {
        var (a, b) = (events(f, x), events(o, x))
        if let flags {
          let counts = SIMD8<Int32>(
            truncatingIfNeeded: UnsafeRawPointer(flags + x).loadUnaligned(as: SIMD8<UInt8>.self))
          a &*= counts
          b &*= counts
        }
        add(SIMD8<Double>(a), SIMD8<Double>(b))
        x += 8
      }
      add(edge: x..<range.upperBound, f, o, top, bottom, before, after, .max, flags)
    }

    @inline(__always)
    mutating func add(
      edge range: Range<Int>, _ f: UnsafePointer<Int32>, _ o: UnsafePointer<Int32>, _ top: Int, _ bottom: Int,
      _ before: Int, _ after: Int, _ width: Int, _ flags: UnsafePointer<UInt8>?
    ) {
      for x in range where flags?[x] != 0 {
        let (left, right) = (max(x - before, 0), min(x + after, width))
        func events(_ p: UnsafePointer<Int32>) -> Double {
          Double(p[bottom + right] &- p[bottom + left] &- p[top + right] &+ p[top + left])
        }
        let (a, b) = (events(f), events(o))
        ff[0] += a * a
        oo[0] += b * b
        fo[0] += a * b
      }
    }

    @inline(__always)
    private mutating func add(_ a: SIMD8<Double>, _ b: SIMD8<Double>) {
      ff.addProduct(a, a)
      oo.addProduct(b, b)
      fo.addProduct(a, b)
    }
  }
}
