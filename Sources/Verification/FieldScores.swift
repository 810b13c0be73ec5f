import Tensor

/// The scores of one method at one lead time: counts and sums over all pixels and start times added so far.
///
/// An event is a value of at least the threshold, in mm/h. Counts are added first and scored last, so a start time
/// weighs by its rain and not by being one of many. The accumulators can be merged: a month is the sum of its days.
public struct FieldScores: Sendable, Equatable, Codable {
  /// The thresholds in mm/h, in the order of ``tables``.
  public let thresholds: [Float]
  /// The widths in pixels of the neighbourhoods in ``fractions``.
  public let windows: [Int]
  /// A contingency table for each threshold.
  public private(set) var tables: [ContingencyTable]
  /// Fractions for each threshold and window, all windows of the first threshold first.
  public private(set) var fractions: [FractionsSkill]
  /// The sums over the pixels that count.
  public private(set) var continuous = ContinuousSums()
  /// The number of fields added.
  public private(set) var fieldCount = 0
  /// The number of pixels of all fields added, whether they count or not.
  public private(set) var pixelCount = 0

  /// Makes empty scores.
  ///
  /// - Precondition: thresholds are finite, windows positive.
  public init(thresholds: [Float], windows: [Int] = []) {
    precondition(thresholds.allSatisfy(\.isFinite), "thresholds must be finite")
    self.thresholds = thresholds
    self.windows = windows
    tables = thresholds.map { _ in ContingencyTable() }
    fractions = thresholds.flatMap { threshold in windows.map { FractionsSkill(threshold: threshold, window: $0) } }
  }

  /// The share of pixels that count, 0 to 1; `nil` when nothing was added.
  public var validShare: Double? { ratio(Double(continuous.count), Double(pixelCount)) }

  /// The fractions of a threshold and a window, by their positions.
  public func fractions(threshold: Int, window: Int) -> FractionsSkill { fractions[threshold * windows.count + window] }

  /// Adds one forecast field, `[h, w]` in mm/h.
  ///
  /// - Parameters:
  ///   - forecast: the field.
  ///   - observation: what was measured at its valid time.
  ///   - mask: the pixels that count. When methods are compared it must be the same for all of them; without it, the
  ///     pixels count that are measured in these two fields.
  /// - Precondition: the shapes are equal and have two dimensions, and nothing is missing where the mask is set.
  public mutating func add(forecast: Tensor, observation: Tensor, mask: PixelMask? = nil) {
    precondition(forecast.shape == observation.shape, "a forecast of \(forecast.shape) for \(observation.shape)")
    precondition(observation.rank == 2, "a field has the shape [h, w], not \(observation.shape)")
    forecast.withUnsafeBufferPointer { forecast in
      observation.withUnsafeBufferPointer {
        add(forecast: forecast, observation: $0, width: observation.shape[1], mask: mask)
      }
    }
  }

  /// Adds one forecast field of rows of `width` pixels, in mm/h. See ``add(forecast:observation:mask:)``.
  ///
  /// - Precondition: fields and mask have the same number of pixels, fewer than 2³¹; nothing is missing where the mask
  ///   is set.
  public mutating func add(
    forecast: UnsafeBufferPointer<Float>, observation: UnsafeBufferPointer<Float>, width: Int, mask: PixelMask? = nil
  ) {
    let pixels = observation.count
    let mask = mask ?? PixelMask(observation: observation, forecasts: [forecast])
    precondition(forecast.count == pixels && mask.flags.count == pixels, "fields and mask differ in size")
    precondition(pixels <= Int(Int32.max), "a field of \(pixels) pixels is too large")
    fieldCount += 1
    pixelCount += pixels
    guard let f = forecast.baseAddress, let o = observation.baseAddress, pixels > 0 else { return }
    mask.flags.withUnsafeBufferPointer { flags in
      guard let flags = flags.baseAddress else { return }
      var sums = BlockSums()
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * FieldScores.blockSize) { scratch in
        guard let maskedForecast = scratch.baseAddress else { return }
        let maskedObservation = maskedForecast + FieldScores.blockSize
        // In blocks that stay in the first-level cache, so that memory is read once for all thresholds.
        for start in stride(from: 0, to: pixels, by: FieldScores.blockSize) {
          let count = min(FieldScores.blockSize, pixels - start)
          for i in 0..<count {
            let isValid = flags[start + i] != 0
            maskedForecast[i] = isValid ? f[start + i] : 0
            maskedObservation[i] = isValid ? o[start + i] : 0
          }
          sums.add(maskedForecast, maskedObservation, count: count)
          for i in 0..<count {
            // Below every threshold, also below zero and negative ones.
            let isValid = flags[start + i] != 0
            maskedForecast[i] = isValid ? maskedForecast[i] : -.infinity
            maskedObservation[i] = isValid ? maskedObservation[i] : -.infinity
          }
          countEvents(maskedForecast, maskedObservation, count: count)
        }
      }
      var added = sums.total
      precondition(added.sumError.isFinite, "the mask is set where a field is missing")
      added.count = mask.validCount
      continuous.merge(added)
    }
    for index in tables.indices {
      // Events were counted; what counts and is no event is a correct negative.
      let events = tables[index].hits + tables[index].misses + tables[index].falseAlarms
      tables[index].correctNegatives = continuous.count - events
    }
    for index in fractions.indices where index % windows.count == 0 {
      FractionsSkill.add(
        to: &fractions[index..<index + windows.count], forecast: forecast, observation: observation, width: width,
        mask: mask)
    }
  }

  /// Adds the scores of other fields.
  ///
  /// - Precondition: thresholds and windows are the same.
  public mutating func merge(_ other: FieldScores) {
    precondition(
      thresholds == other.thresholds && windows == other.windows, "scores of different thresholds or windows")
    for index in tables.indices { tables[index].merge(other.tables[index]) }
    for index in fractions.indices { fractions[index].merge(other.fractions[index]) }
    continuous.merge(other.continuous)
    fieldCount += other.fieldCount
    pixelCount += other.pixelCount
  }

  private static let blockSize = 1024

  /// Counts the events of one block for every threshold. Missing pixels hold −∞ in both.
  private mutating func countEvents(_ f: UnsafePointer<Float>, _ o: UnsafePointer<Float>, count: Int) {
    for (index, threshold) in thresholds.enumerated() {
      var (both, forecast, observed) = (Int32(0), Int32(0), Int32(0))
      // No branch and no check, so that the compiler makes vectors of it.
      for i in 0..<count {
        let isForecast: Int32 = f[i] >= threshold ? 1 : 0
        let isObserved: Int32 = o[i] >= threshold ? 1 : 0
        both &+= isForecast & isObserved
        forecast &+= isForecast
        observed &+= isObserved
      }
      tables[index].hits += Int(both)
      tables[index].misses += Int(observed - both)
      tables[index].falseAlarms += Int(forecast - both)
    }
  }
}

/// The sums of ``ContinuousSums`` in lanes: lane `k` holds the pixels at positions `k` modulo 8 of every block.
private struct BlockSums {
  private typealias Lanes = SIMD8<Double>
  private var forecast = Lanes.zero
  private var observation = Lanes.zero
  private var error = Lanes.zero
  private var absoluteError = Lanes.zero
  private var squaredError = Lanes.zero
  private var forecastSquared = Lanes.zero
  private var observationSquared = Lanes.zero
  private var product = Lanes.zero

  /// Adds `count` pixels, missing ones being zero in both.
  mutating func add(_ f: UnsafePointer<Float>, _ o: UnsafePointer<Float>, count: Int) {
    var i = 0
    while i + 8 <= count {
      add(
        Lanes(UnsafeRawPointer(f + i).loadUnaligned(as: SIMD8<Float>.self)),
        Lanes(UnsafeRawPointer(o + i).loadUnaligned(as: SIMD8<Float>.self)))
      i += 8
    }
    guard i < count else { return }
    var (x, y) = (Lanes.zero, Lanes.zero)
    for k in 0..<count - i {
      x[k] = Double(f[i + k])
      y[k] = Double(o[i + k])
    }
    add(x, y)
  }

  @inline(__always)
  private mutating func add(_ x: Lanes, _ y: Lanes) {
    // From the single precision of the fields to double before anything is subtracted or multiplied.
    let difference = x - y
    forecast += x
    observation += y
    error += difference
    absoluteError += difference.replacing(with: -difference, where: difference .< 0)
    squaredError.addProduct(difference, difference)
    forecastSquared.addProduct(x, x)
    observationSquared.addProduct(y, y)
    product.addProduct(x, y)
  }

  /// The lanes added up, in a fixed order.
  var total: ContinuousSums {
    var sums = ContinuousSums()
    sums.sumForecast = forecast.sum()
    sums.sumObservation = observation.sum()
    sums.sumError = error.sum()
    sums.sumAbsoluteError = absoluteError.sum()
    sums.sumSquaredError = squaredError.sum()
    sums.sumForecastSquared = forecastSquared.sum()
    sums.sumObservationSquared = observationSquared.sum()
    sums.sumProduct = product.sum()
    return sums
  }
}
