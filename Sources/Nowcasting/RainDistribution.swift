import ConvKernels
import Tensor

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How likely rain is to reach some rates at every pixel, and the fields that follow from it.
///
/// Between two thresholds the probability is linear in the logarithm of the rate, below the first one it stays, and above
/// the last it falls with the third power of the rate.
public struct RainDistribution: Sendable {
  /// The rates, rising, in mm/h.
  public let thresholds: [Float]
  /// The probabilities that rain reaches them, `[t, thresholds, h, w]`, never rising with the threshold; NaN where
  /// missing.
  public let exceedance: Tensor

  private static let tail: Float = 3
  /// Below this no rain is likely enough to be chosen, however much there should be.
  private static let leastLimit: Float = 1e-6
  /// How much larger than observed an area may become.
  private static let mostGrowth = 1.15
  /// The largest power that rates between thresholds are thinned by.
  private static let mostPower: Float = 8
  /// No quantile is further beyond the last threshold than this.
  private static let furthest: Float = 5

  /// Takes what a network says of each threshold by itself: a probability above that of a lower threshold is cut to it.
  ///
  /// - Parameter probabilities: `[t, thresholds, h, w]`, NaN where missing.
  /// - Precondition: there are as many thresholds, rising and above 0.
  public init(thresholds: [Float], probabilities: Tensor) {
    precondition(
      probabilities.rank == 4 && probabilities.shape[1] == thresholds.count && thresholds.allSatisfy { $0 > 0 }
        && zip(thresholds, thresholds.dropFirst()).allSatisfy(<), "thresholds and probabilities that do not fit")
    self.thresholds = thresholds
    var exceedance = probabilities
    let pixels = probabilities.shape[2] * probabilities.shape[3]
    exceedance.withUnsafeMutableBufferPointer { values in
      for frame in 0..<probabilities.shape[0] {
        for index in 1..<max(thresholds.count, 1) {
          let place = (frame * thresholds.count + index) * pixels
          for pixel in place..<place + pixels where values[pixel] > values[pixel - pixels] {
            values[pixel] = values[pixel - pixels]
          }
        }
      }
    }
    self.exceedance = exceedance
  }

  private var pixels: Int { exceedance.shape[2] * exceedance.shape[3] }
  private var fieldShape: [Int] { Array(exceedance.shape.suffix(2)) }

  /// Calls `body` with the probabilities of a frame, `[thresholds, h, w]`.
  private func withFrame<T>(_ frame: Int, _ body: (UnsafePointer<Float>) -> T) -> T {
    exceedance.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { preconditionFailure("a distribution of no pixel") }
      return body(base + frame * thresholds.count * pixels)
    }
  }

  /// The expected rain of a frame, `[h, w]` in mm/h: the integral of the probability over the rate.
  public func mean(_ frame: Int) -> Tensor {
    // It is linear in the probabilities.
    var weights = [Float](repeating: 0, count: thresholds.count)
    weights[0] = thresholds[0]
    for index in 1..<max(thresholds.count, 1) {
      let (low, high) = (thresholds[index - 1], thresholds[index])
      let upper = (high * logf(high / low) - (high - low)) / logf(high / low)
      weights[index - 1] += high - low - upper
      weights[index] += upper
    }
    weights[thresholds.count - 1] += thresholds[thresholds.count - 1] / (Self.tail - 1)
    var result = Tensor(shape: fieldShape)
    withFrame(frame) { values in
      result.withUnsafeMutableBufferPointer { target in
        for (index, weight) in weights.enumerated() {
          let place = index * pixels
          for pixel in target.indices { target[pixel] += weight * values[place + pixel] }
        }
      }
    }
    return result
  }

  /// The rain of a frame that is exceeded with a probability, `[h, w]` in mm/h: 0 where the first threshold is reached less
  /// often.
  public func quantile(_ frame: Int, exceededBy probability: Float) -> Tensor {
    let limits = [Float](repeating: probability, count: thresholds.count)
    return withFrame(frame) { field($0, limits: limits) }
  }

  /// Quantiles of a frame that stand for its distribution with equal weights, `[count, h, w]` in mm/h.
  public func members(_ frame: Int, count: Int, pool: WorkerPool) -> Tensor {
    var result = Tensor(uninitialized: [count] + fieldShape)
    result.withUnsafeMutableBufferPointer { target in
      // Each task writes a member of its own.
      nonisolated(unsafe) let target = target
      pool.run(tasks: count) { member in
        let field = quantile(frame, exceededBy: (Float(count - member) - 0.5) / Float(count))
        field.withUnsafeBufferPointer { values in
          for pixel in values.indices { target[member * pixels + pixel] = values[pixel] }
        }
      }
    }
    return result
  }

  /// One field of a frame that looks like rain, `[h, w]` in mm/h: it rains where that is most likely, about as much as in an
  /// observed field.
  ///
  /// The median or the mean would have too little strong rain the longer the lead time is. That rain keeps its distribution
  /// is what S-PROG assumes, too (Seed 2003); here it holds for each threshold by itself, as in the probability-matched mean of
  /// an ensemble (Ebert 2001, "Ability of a poor man's ensemble to predict the probability and distribution of
  /// precipitation", Mon. Weather Rev. 129, 2461–2480), and rain that is stronger or weaker than any the network has learned
  /// from stays so. A threshold is reached at as large a share of the pixels as in the observed field or, where places are
  /// uncertain, at up to 15 % more: at as many as have the greatest critical success index to be expected. The sum of
  /// the rain stays that of the observed field, so what is more in area is less within the thresholds.
  ///
  /// - Parameters:
  ///   - frame: which one.
  ///   - observed: a field of the same size in mm/h, NaN where missing.
  public func matched(_ frame: Int, to observed: UnsafeBufferPointer<Float>) -> Tensor {
    withFrame(frame) { values in
      let areas = areas(observed)
      let measured = (0..<pixels).filter { !values[$0].isNaN }
      var candidates = measured
      let scale = Double(measured.count) / Double(max(areas.valid, 1))
      var limits = [Float](repeating: 2, count: thresholds.count)
      var above = 0
      // From the highest one down: what reaches one reaches all below it, and the rest of their pixels are others.
      for index in thresholds.indices.reversed() {
        let probabilities = values + index * pixels
        let kept = Double(areas.reached[index]) * scale
        guard kept >= 0.5, !candidates.isEmpty else { continue }
        let best = ProbabilityHistogram(measured.map { probabilities[$0] })
          .bestCount(expected: kept, most: Self.mostGrowth * kept)
        let wanted = Int(best.rounded())
        // Pixels that are as likely as each other are taken together, so there may be none left.
        if wanted > above {
          let rank = min(wanted - above, candidates.count)
          limits[index] = max(
            ProbabilityHistogram(candidates.map { probabilities[$0] }).largest(rank), Self.leastLimit)
          candidates.removeAll { probabilities[$0] >= limits[index] }
          above = wanted
        }
      }
      return thinned(values, limits: limits, sum: areas.sum * scale)
    }
  }

  /// The field of some limits, with about so large a sum where it would be larger: rates between two thresholds are nearer to the lower one, all by
  /// the same power of their place between them.
  private func thinned(_ values: UnsafePointer<Float>, limits: [Float], sum: Double) -> Tensor {
    func made(_ power: Float) -> (field: Tensor, sum: Double) {
      let field = field(values, limits: limits, power: power)
      return (field, field.withUnsafeBufferPointer { $0.reduce(0.0) { $1.isNaN ? $0 : $0 + Double($1) } })
    }
    var best = made(1)
    guard best.sum > sum else { return best.field }
    var (low, high): (Float, Float) = (1, Self.mostPower)
    for _ in 0..<6 {
      let power = (low * high).squareRoot()
      let next = made(power)
      if next.sum > sum { low = power } else { high = power }
      if abs(next.sum - sum) < abs(best.sum - sum) { best = next }
    }
    return best.field
  }

  /// The measured pixels of a field, those that reach each threshold, and the sum of its rain in mm/h.
  private func areas(_ field: UnsafeBufferPointer<Float>) -> (valid: Int, reached: [Int], sum: Double) {
    var (valid, sum) = (0, 0.0)
    var reached = [Int](repeating: 0, count: thresholds.count)
    for value in field where !value.isNaN {
      valid += 1
      sum += Double(value)
      for index in thresholds.indices where value >= thresholds[index] { reached[index] += 1 }
    }
    return (valid, reached, sum)
  }

  /// ``matched(_:to:)`` of every frame, `[t, h, w]` in mm/h.
  ///
  /// - Parameter observed: a field `[h, w]` in mm/h, NaN where missing.
  public func matched(to observed: Tensor, pool: WorkerPool) -> Tensor {
    precondition(
      observed.shape == fieldShape,
      "observed fields of shape \(observed.shape) for probabilities of \(exceedance.shape)")
    var result = Tensor(uninitialized: [exceedance.shape[0]] + fieldShape)
    result.withUnsafeMutableBufferPointer { target in
      // Each task writes a frame of its own.
      nonisolated(unsafe) let target = target
      pool.run(tasks: exceedance.shape[0]) { frame in
        let field = observed.withUnsafeBufferPointer { matched(frame, to: $0) }
        field.withUnsafeBufferPointer { values in
          for pixel in values.indices { target[frame * pixels + pixel] = values[pixel] }
        }
      }
    }
    return result
  }

  /// The rate of each pixel: a threshold is reached where its probability reaches its limit.
  ///
  /// Between the highest one that is reached and the next the rate is where the logarithm of the probability, over that of
  /// the limit, would be zero; a power above 1 of this place between them brings it nearer to the lower one.
  private func field(_ values: UnsafePointer<Float>, limits: [Float], power: Float = 1) -> Tensor {
    var result = Tensor(shape: fieldShape)
    let logarithms = limits.map(logf)
    let steps = zip(thresholds, thresholds.dropFirst()).map { logf($1 / $0) }
    let pixels = pixels
    result.withUnsafeMutableBufferPointer { target in
      for pixel in target.indices {
        guard !values[pixel].isNaN else {
          target[pixel] = .nan
          continue
        }
        guard let last = thresholds.indices.last(where: { values[$0 * pixels + pixel] >= limits[$0] }) else { continue }
        let margin = logf(values[last * pixels + pixel]) - logarithms[last]
        if last + 1 < thresholds.count {
          let next = logf(max(values[(last + 1) * pixels + pixel], 1e-9)) - logarithms[last + 1]
          var share = margin - next > 0 ? margin / (margin - next) : 0
          if power != 1 { share = powf(share, power) }
          // Rounding must not make it reach the next one.
          target[pixel] = min(thresholds[last] * expf(steps[last] * share), thresholds[last + 1].nextDown)
        } else {
          target[pixel] = thresholds[last] * min(expf(margin / (Self.tail * power)), Self.furthest)
        }
      }
    }
    return result
  }
}
