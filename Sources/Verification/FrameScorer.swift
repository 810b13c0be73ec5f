import Tensor

/// What one method forecast for one time.
public struct ScoredForecast: Sendable {
  /// The method's name in the report.
  public let method: String
  /// `[h, w]` in mm/h, NaN where missing; of an ensemble its mean.
  public let field: Tensor
  /// The members of an ensemble, `[m, h, w]` in mm/h.
  public let members: Tensor?

  /// - Precondition: shapes agree, and there are at least two members if any.
  public init(method: String, field: Tensor, members: Tensor? = nil) {
    precondition(
      members.map { $0.shape[0] > 1 && Array($0.shape.dropFirst()) == field.shape } ?? true, "members of another shape")
    (self.method, self.field, self.members) = (method, field, members)
  }

  /// Takes an ensemble, `[m, h, w]` in mm/h: its field is the mean, missing where any member is.
  ///
  /// - Precondition: there are at least two members.
  public init(method: String, members: Tensor) {
    let shape = Array(members.shape.dropFirst())
    let (count, pixels) = (members.shape[0], Tensor.elementCount(of: shape))
    var mean = Tensor(shape: shape)
    mean.withUnsafeMutableBufferPointer { mean in
      members.withUnsafeBufferPointer { values in
        for pixel in 0..<pixels {
          var sum = 0.0
          for member in 0..<count { sum += Double(values[member * pixels + pixel]) }
          mean[pixel] = Float(sum / Double(count))
        }
      }
    }
    self.init(method: method, field: mean, members: members)
  }
}

/// Scores the frames of one size. Several threads may use it at once.
public final class FrameScorer: Sendable {
  /// What is computed.
  public let settings: ScoreSettings
  private let height: Int
  private let width: Int
  private let spectrum: SpectrumPlan?
  /// An event is a value of at least this: the threshold, or the next number above it.
  private let limits: [Float]

  /// - Precondition: sizes are not negative.
  public init(settings: ScoreSettings, height: Int, width: Int) {
    (self.settings, self.height, self.width) = (settings, height, width)
    spectrum = height > 1 && width > 1 ? SpectrumPlan(height: height, width: width) : nil
    limits = settings.definition.isStrict ? settings.thresholds.map(\.nextUp) : settings.thresholds
  }

  /// The scores of what several methods forecast for one time, in their order.
  ///
  /// A pixel that is missing in the observation or in any of the forecasts counts for none of them.
  ///
  /// - Parameters:
  ///   - observation: `[h, w]` in mm/h.
  ///   - forecasts: of the same shape each.
  /// - Precondition: all fields have the scorer's size, fewer than 2³¹ pixels.
  public func scores(observation: Tensor, forecasts: [ScoredForecast]) -> [FieldScores] {
    let all = forecasts.flatMap { forecast in
      [forecast.field] + (forecast.members.map { members in (0..<members.shape[0]).map(members.part) } ?? [])
    }
    precondition(
      observation.shape == [height, width] && all.allSatisfy { $0.shape == [height, width] },
      "frames of \(height) × \(width) pixels are scored here")
    precondition(height * width <= Int(Int32.max), "a frame of \(height * width) pixels is too large")
    let mask = PixelMask(observation: observation, forecasts: all)
    let observed = observation.withUnsafeBufferPointer { Frame($0, mask, self) }
    return forecasts.map { forecast in
      let frame = forecast.field.withUnsafeBufferPointer { Frame($0, mask, self) }
      var scores = FieldScores(settings: settings)
      add(frame, observed, mask, to: &scores)
      if let members = forecast.members {
        let pixels = height * width
        var ensemble = EnsembleScores(thresholds: settings.thresholds.count)
        members.withUnsafeBufferPointer { values in
          observation.withUnsafeBufferPointer { observation in
            ensemble.add(
              members: (0..<members.shape[0]).map {
                UnsafeBufferPointer(rebasing: values[$0 * pixels..<($0 + 1) * pixels])
              }, observation: observation, mask: mask, settings: settings)
          }
        }
        scores.sums.ensemble = ensemble
      }
      return scores
    }
  }

  /// A forecast or an observation in the forms that scores need.
  private struct Frame {
    /// −∞ where it does not count: below every threshold.
    let events: [Float]
    /// 0 where it does not count.
    let rates: [Float]
    /// What errors are of, if not the rates.
    let errors: [Float]?
    /// From 0 to 1, for structural similarity.
    let unit: [Float]
    /// The events of each threshold of the fractions skill score.
    let corners: [EventCorners]
    /// The largest values of blocks, for each width.
    let maxima: [[Float]]

    init(_ values: UnsafeBufferPointer<Float>, _ mask: PixelMask, _ scorer: FrameScorer) {
      let settings = scorer.settings
      let definition = settings.definition
      func made(_ value: (Float, Bool) -> Float) -> [Float] {
        [Float](unsafeUninitializedCapacity: values.count) { target, count in
          for i in values.indices { target[i] = value(values[i], mask.flags[i] != 0) }
          count = values.count
        }
      }
      let events = made { $1 ? $0 : -.infinity }
      self.events = events
      rates = made { $1 ? $0 : 0 }
      unit = made { $1 ? definition.unitValue($0) : 0 }
      errors = definition.errorsAreOfRates ? nil : made { $1 ? definition.errorValue($0) : 0 }
      let (height, width) = (scorer.height, scorer.width)
      corners =
        settings.windows.isEmpty
        ? []
        : settings.thresholds.map { threshold in
          events.withUnsafeBufferPointer { events in
            guard let events = events.baseAddress else {
              return EventCorners([0], height: 0, width: 0, threshold: threshold)
            }
            return EventCorners(events, height: height, width: width, threshold: threshold)
          }
        }
      maxima = settings.pools.map { Frame.maxima(events, height: height, width: width, pool: $0) }
    }

    /// Blocks that do not fit are left out; a block without a pixel that counts is −∞.
    private static func maxima(_ values: [Float], height: Int, width: Int, pool: Int) -> [Float] {
      let (rows, columns) = (height / pool, width / pool)
      var result = [Float](repeating: -.infinity, count: rows * columns)
      for y in 0..<rows * pool {
        for x in 0..<columns * pool {
          let place = y / pool * columns + x / pool
          result[place] = max(result[place], values[y * width + x])
        }
      }
      return result
    }
  }

  private func add(_ f: Frame, _ o: Frame, _ mask: PixelMask, to scores: inout FieldScores) {
    scores.sums.fields += 1
    scores.sums.pixels += height * width
    for (index, limit) in limits.enumerated() {
      scores.sums.tables[index].merge(FrameScorer.table(f.events, o.events, limit: limit, valid: mask.validCount))
      for pool in settings.pools.indices {
        let valid = o.maxima[pool].lazy.filter { $0 > -.infinity }.count
        scores.sums.pooled[pool][index].merge(
          FrameScorer.table(f.maxima[pool], o.maxima[pool], limit: limit, valid: valid))
      }
    }
    var continuous = FrameScorer.sums(f.errors ?? f.rates, o.errors ?? o.rates, rates: o.rates)
    continuous.count = mask.validCount
    continuous.frames = mask.validCount > 0 ? 1 : 0
    scores.sums.continuous.merge(continuous)
    guard mask.validCount > 0 else { return }
    let isWhole = mask.validCount == height * width
    mask.flags.withUnsafeBufferPointer { flags in
      guard let flags = flags.baseAddress else { return }
      for index in scores.sums.fractions.indices {
        scores.sums.fractions[index].count += mask.validCount
        let threshold = index / settings.windows.count
        let (events, observed) = (f.corners[threshold], o.corners[threshold])
        // A dry field, or a high threshold: all sums would be zero.
        guard events.hasEvents || observed.hasEvents else { continue }
        EventCorners.add(
          events, observed, flags: isWhole || settings.definition.countsFractionsOfMissing ? nil : flags,
          to: &scores.sums.fractions[index])
      }
      f.unit.withUnsafeBufferPointer { f in
        o.unit.withUnsafeBufferPointer { o in
          guard let f = f.baseAddress, let o = o.baseAddress else { return }
          scores.sums.structure.add(f, o, flags: isWhole ? nil : flags, height: height, width: width)
        }
      }
    }
    f.rates.withUnsafeBufferPointer { f in
      o.rates.withUnsafeBufferPointer { o in
        guard let f = f.baseAddress, let o = o.baseAddress, let spectrum else { return }
        scores.sums.spectrum.add(frame: spectrum.bands(f, o))
      }
    }
  }

  private static func table(_ f: [Float], _ o: [Float], limit: Float, valid: Int) -> ContingencyTable {
    var (both, forecast, observed) = (Int32(0), Int32(0), Int32(0))
    let count = f.count
    f.withUnsafeBufferPointer { f in
      o.withUnsafeBufferPointer { o in
        guard let f = f.baseAddress, let o = o.baseAddress else { return }
        // No branch and no check, so that the compiler makes vectors of it.
        for i in 0..<count {
          let isForecast: Int32 = f[i] >= limit ? 1 : 0
          let isObserved: Int32 = o[i] >= limit ? 1 : 0
          both &+= isForecast & isObserved
          forecast &+= isForecast
          observed &+= isObserved
        }
      }
    }
    return ContingencyTable(
      hits: Int(both), misses: Int(observed - both), falseAlarms: Int(forecast - both),
      correctNegatives: valid - Int(forecast + observed - both))
  }

  /// The sums without the counts, in lanes: lane `k` holds the pixels at positions `k` modulo 8.
  private static func sums(_ f: [Float], _ o: [Float], rates: [Float]) -> ContinuousSums {
    var lanes = Lanes()
    let whole = f.count / 8 * 8
    f.withUnsafeBytes { f in
      o.withUnsafeBytes { o in
        rates.withUnsafeBytes { rates in
          for i in stride(from: 0, to: 4 * whole, by: 32) {
            lanes.add(
              f.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self),
              o.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self),
              rates.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self))
          }
        }
      }
    }
    var (x, y, rate) = (SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero)
    for i in whole..<f.count { (x[i - whole], y[i - whole], rate[i - whole]) = (f[i], o[i], rates[i]) }
    lanes.add(x, y, rate)
    return lanes.total
  }

  private struct Lanes {
    private typealias Sum = SIMD8<Double>
    private var forecast = Sum.zero
    private var observation = Sum.zero
    private var error = Sum.zero
    private var absoluteError = Sum.zero
    private var squaredError = Sum.zero
    private var forecastSquared = Sum.zero
    private var observationSquared = Sum.zero
    private var product = Sum.zero
    private var weightedAbsolute = Sum.zero
    private var weightedSquared = Sum.zero

    @inline(__always)
    mutating func add(_ f: SIMD8<Float>, _ o: SIMD8<Float>, _ rate: SIMD8<Float>) {
      // From the single precision of the fields to double before anything is subtracted or multiplied.
      let (x, y) = (Sum(f), Sum(o))
      let difference = x - y
      let magnitude = difference.replacing(with: -difference, where: difference .< 0)
      var weight = SIMD8<Float>(repeating: 1)
      weight.replace(with: 2, where: rate .>= 2)
      weight.replace(with: 5, where: rate .>= 5)
      weight.replace(with: 10, where: rate .>= 10)
      weight.replace(with: 30, where: rate .>= 30)
      let weighted = Sum(weight) * magnitude
      forecast += x
      observation += y
      error += difference
      absoluteError += magnitude
      squaredError.addProduct(difference, difference)
      forecastSquared.addProduct(x, x)
      observationSquared.addProduct(y, y)
      product.addProduct(x, y)
      weightedAbsolute += weighted
      weightedSquared.addProduct(weighted, magnitude)
    }

    /// The lanes added up, in a fixed order.
    var total: ContinuousSums {
      var sums = ContinuousSums()
      sums.sumForecast = ExactSum(forecast.sum())
      sums.sumObservation = ExactSum(observation.sum())
      sums.sumError = ExactSum(error.sum())
      sums.sumAbsoluteError = ExactSum(absoluteError.sum())
      sums.sumSquaredError = ExactSum(squaredError.sum())
      sums.sumForecastSquared = ExactSum(forecastSquared.sum())
      sums.sumObservationSquared = ExactSum(observationSquared.sum())
      sums.sumProduct = ExactSum(product.sum())
      sums.sumWeightedAbsoluteError = ExactSum(weightedAbsolute.sum())
      sums.sumWeightedSquaredError = ExactSum(weightedSquared.sum())
      return sums
    }
  }
}
