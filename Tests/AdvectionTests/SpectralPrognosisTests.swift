import ConvKernels
import Foundation
import Tensor
import Testing

@testable import Advection

/// Forecasts of pysteps' S-PROG: Scripts/make-sprog-fixture.py.
private struct Fixture: Decodable {
  let height, width, steps: Int
  let frames, forecast: [Float]

  static func load() throws -> Fixture {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appendingPathComponent("Fixtures/advection/sprog.json"))
    return try JSONDecoder().decode(Fixture.self, from: data)
  }
}

@Suite struct SpectralPrognosisTests {
  private let pool = WorkerPool(threadCount: 2)

  private func still(_ height: Int, _ width: Int, _ vector: SIMD2<Float> = .zero) -> MotionField {
    MotionField(height: height, width: width, vectors: [SIMD2<Float>](repeating: vector, count: height * width))
  }

  @Test func forecastsAsPystepsDoes() throws {
    let fixture = try Fixture.load()
    let frames = Tensor(shape: [3, fixture.height, fixture.width], fixture.frames)
    let forecast = SpectralPrognosis().prognosis((0..<3).map(frames.part), steps: fixture.steps, pool: pool)
    var (largest, apart) = (Float(0), 0)
    for (ours, theirs) in zip(forecast.elements, fixture.forecast) {
      largest = max(largest, abs(ours - theirs))
      if abs(ours - theirs) > 1e-3 { apart += 1 }
    }
    print(
      "largest difference from pysteps' S-PROG: \(largest) dB, \(apart) of \(forecast.count) values by more than 0.001")
    #expect(largest < 1e-3)
    // The frames do change, and the forecasts with the lead time.
    #expect(forecast.part(0) != forecast.part(4))
  }

  /// What is expected, given the distribution of the last frame, is the forecast; and it tends to the mean.
  @Test func expectation() {
    var source = RandomSource(seed: 2)
    var rain = Tensor.uniform(shape: [3, 30, 37], low: -3, high: 4, using: &source)
    rain = Tensor(shape: rain.shape, rain.elements.map { max($0, 0) })
    let decibels = FlowImages.decibels(rain, pool: pool)
    let motion = still(30, 37)
    let expected = SpectralPrognosis().expectation(rain, along: motion, steps: 12, pool: pool)
    let forecast = SpectralPrognosis().prognosis((0..<3).map(decibels.part), steps: 12, pool: pool)
    let matching = decibels.part(2).withUnsafeBufferPointer {
      RankMatching(of: $0, wetFrom: FlowImages.dryLimitDecibels, dry: FlowImages.dryDecibels)
    }
    var spreads: [Float] = []
    for step in 0..<12 {
      var field = expected.part(step)
      let mean = field.elements.reduce(0, +) / Float(field.count)
      spreads.append(field.elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) })
      field.withUnsafeMutableBufferPointer { matching.apply(to: $0) }
      #expect(field == forecast.part(step))
    }
    #expect(zip(spreads, spreads.dropFirst()).allSatisfy(>))
  }

  /// The filters of all levels add up to the field, and none takes its mean.
  @Test(arguments: [(30, 37), (8, 6), (3, 4), (64, 64)]) func levelsAddUp(height: Int, width: Int) {
    let filters = CascadeFilters(height: height, width: width)
    var visited: Set<[Int]> = []
    filters.forEachWavenumber { row, column, opposite, weights in
      visited.insert([row, column])
      #expect((opposite.row + row) % height == 0 && (opposite.column + column) % width == 0)
      let sum = (0..<filters.levels).reduce(Float(0)) { $0 + weights[$1] }
      #expect(abs(sum - 1) < 1e-5)
    }
    #expect(visited.count == height * width - 1 && !visited.contains([0, 0]))
    #expect((1...6).contains(filters.levels))
  }

  /// Yule and Walker by hand: the correlations that the parameters imply are those that they were made from.
  @Test(arguments: [(0.9, 0.75), (0.5, 0.2), (0.99, 0.97)]) func parametersGiveTheCorrelations(one: Double, two: Double)
  {
    let model = AutoregressiveModel(correlations: one, two)
    let (a, b) = (model.parameters.x, model.parameters.y)
    #expect(abs(a / (1 - b) - one) < 1e-12 && abs(a * one + b - two) < 1e-12)
    let shares = model.shares(steps: 3)
    #expect(shares[0] == model.parameters)
    #expect(abs(shares[2].x - (a * shares[1].x + b * shares[0].x)) < 1e-15)
  }

  /// A correlation of two steps that no stationary process has is raised; what says nothing is forgotten at once, and what
  /// does not change stays.
  @Test func extremeCorrelations() {
    let shares = AutoregressiveModel(correlations: 0.9, -0.5).shares(steps: 200)
    // Both roots of z² − φ₁z − φ₂ lie inside of the unit circle, so that everything fades.
    #expect(abs(shares[199].x) < 1e-9 && abs(shares[199].y) < 1e-9)
    let unchecked = SIMD2(0.9 * 1.5, -0.5 - 0.81) / 0.19
    #expect(abs(unchecked.y) > 1, "the correlations as they are make no stationary process")
    #expect(AutoregressiveModel(correlations: -0.1, 0.5).parameters == .zero)
    #expect(AutoregressiveModel(correlations: 1, 1).shares(steps: 5)[4] == SIMD2(1, 0))
  }

  @Test func distributionOfTheLastFrame() {
    var wetness: [Float] = (0..<500).map { Float(($0 * 7919) % 500) - 400 }
    let pattern: [Float] = (0..<500).map { sin(Float($0)) }
    let wet = wetness.filter { $0 >= 50 }.count
    let matching = wetness.withUnsafeBufferPointer { RankMatching(of: $0, wetFrom: 50, dry: -15) }
    var field = pattern
    field.withUnsafeMutableBufferPointer { matching.apply(to: $0) }
    #expect(field.filter { $0 > -15 }.sorted() == wetness.filter { $0 >= 50 }.sorted())
    // The order is that of the pattern.
    let places = pattern.indices.sorted { pattern[$0] > pattern[$1] }
    #expect(zip(places, places.dropFirst()).allSatisfy { field[$0] >= field[$1] })
    #expect(places[..<wet].allSatisfy { field[$0] >= 50 })
    // Equal values are told apart by their place, and a dry field makes everything dry.
    field = [Float](repeating: 3, count: 500)
    field.withUnsafeMutableBufferPointer { matching.apply(to: $0) }
    #expect(field.filter { $0 >= 50 }.count == wet && field[499] == wetness.max())
    wetness = [Float](repeating: -15, count: 500)
    let dry = wetness.withUnsafeBufferPointer { RankMatching(of: $0, wetFrom: 50, dry: -15) }
    field.withUnsafeMutableBufferPointer { dry.apply(to: $0) }
    #expect(dry.isDry && field.allSatisfy { $0 == -15 })
  }

  /// Rain that moves and does not change is forecast as it will be; missing pixels and those from outside are missing.
  @Test func steadyRainIsCarriedAlong() {
    var frames = Tensor(shape: [3, 40, 48])
    func rate(_ t: Float, _ y: Int, _ x: Int) -> Float {
      let (dx, dy) = ((Float(x) - 18 - 2 * t) / 5, (Float(y) - 20) / 6)
      let value = 12 * exp(-dx * dx - dy * dy)
      return value < 0.1 ? 0 : value
    }
    for t in 0..<3 {
      for y in 0..<40 { for x in 0..<48 { frames[t, y, x] = y < 2 ? .nan : rate(Float(t), y, x) } }
    }
    let forecast = SpectralPrognosis().forecast(frames, along: still(40, 48, SIMD2(2, 0)), steps: 4, pool: pool)
    #expect(forecast.shape == [4, 40, 48])
    for lead in 0..<4 {
      for y in 0..<40 {
        for x in 0..<48 {
          let value = forecast[lead, y, x]
          #expect(value.isNaN == (y < 2 || x < 2 * (lead + 1)), "\(lead) \(y) \(x)")
          if !value.isNaN { #expect(abs(value - rate(Float(lead + 3), y, x)) < 0.02) }
        }
      }
    }
  }

  @Test func dryStaysDry() {
    let forecast = SpectralPrognosis().forecast(
      Tensor(shape: [3, 12, 9]), along: still(12, 9), steps: 3, pool: pool)
    #expect(forecast.elements.allSatisfy { $0 == 0 })
    let missing = SpectralPrognosis().forecast(
      Tensor(shape: [3, 12, 9], repeating: .nan), along: still(12, 9), steps: 3, pool: pool)
    #expect(missing.elements.allSatisfy { $0.isNaN })
  }

  @Test func threadsChangeNothing() throws {
    let fixture = try Fixture.load()
    let rates = fixture.frames.map { $0 < -10 ? 0 : powf(10, $0 / 10) }
    let frames = Tensor(shape: [3, fixture.height, fixture.width], rates)
    func bits(_ threads: Int) -> [UInt32] {
      SpectralPrognosis().forecast(
        frames, along: still(fixture.height, fixture.width, SIMD2(0.7, -0.4)), steps: 5,
        pool: WorkerPool(threadCount: threads)
      ).elements.map(\.bitPattern)
    }
    let one = bits(1)
    #expect(one == bits(2) && one == bits(3))
  }
}
