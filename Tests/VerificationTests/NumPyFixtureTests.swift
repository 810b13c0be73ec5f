import Foundation
import Tensor
import Testing
import Verification

/// Fields and scores that Scripts/make-verification-fixture.py computed with NumPy.
private struct Fixture: Decodable {
  struct Table: Decodable {
    let threshold: Float
    let counts: [Int]
    let csi, pod, far, bias, hss, ets: Double?
  }
  struct Fractions: Decodable {
    let threshold: Float
    let window: Int
    let fss: Double?
  }
  struct Scores: Decodable {
    let count: Int
    let tables: [Table]
    let fractions: [Fractions]
    let mse, rmse, mae, me, correlation: Double?
  }
  let height, width: Int
  let thresholds: [Float]
  let windows: [Int]
  let observations: [[Float?]]
  let forecasts: [String: [[Float?]]]
  let scores: [String: Scores]

  static func load() throws -> Fixture {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appendingPathComponent("Fixtures/verification/scores.json"))
    return try JSONDecoder().decode(Fixture.self, from: data)
  }

  func field(_ values: [Float?]) -> Tensor { Tensor(shape: [height, width], values.map { $0 ?? .nan }) }
}

@Suite struct NumPyFixtureTests {
  private func close(_ ours: Double?, _ numpy: Double?) -> Bool {
    guard let ours, let numpy else { return ours == nil && numpy == nil }
    return abs(ours - numpy) <= 1e-12 * max(1, abs(numpy))
  }

  @Test func scoresAreThoseOfNumPy() throws {
    let fixture = try Fixture.load()
    let methods = fixture.forecasts.keys.sorted()
    let settings = ScoreSettings(thresholds: fixture.thresholds, windows: fixture.windows)
    let scorer = FrameScorer(settings: settings, height: fixture.height, width: fixture.width)
    var sums = methods.map { _ in FieldScores(settings: settings) }
    for (start, observation) in fixture.observations.enumerated() {
      let scores = scorer.scores(
        observation: fixture.field(observation),
        forecasts: try methods.map {
          ScoredForecast(method: $0, field: fixture.field(try #require(fixture.forecasts[$0])[start]))
        })
      for index in methods.indices { sums[index].merge(scores[index]) }
    }
    for (method, ours) in zip(methods, sums) {
      let numpy = try #require(fixture.scores[method])
      #expect(ours.continuous.count == numpy.count)
      for (table, other) in zip(ours.tables, numpy.tables) {
        #expect([table.hits, table.misses, table.falseAlarms, table.correctNegatives] == other.counts)
        for (score, value) in zip(
          [table.csi, table.pod, table.far, table.frequencyBias, table.hss, table.ets],
          [other.csi, other.pod, other.far, other.bias, other.hss, other.ets])
        {
          #expect(close(score, value), "\(method) at \(other.threshold)")
        }
      }
      let sums = ours.continuous
      for (score, value) in zip(
        [sums.mse, sums.rmse, sums.mae, sums.meanError, sums.correlation],
        [numpy.mse, numpy.rmse, numpy.mae, numpy.me, numpy.correlation])
      {
        #expect(close(score, value), "\(method)")
      }
      #expect(ours.fractions.count == numpy.fractions.count)
      for (fractions, other) in zip(ours.fractions, numpy.fractions) {
        #expect(fractions.threshold == other.threshold && fractions.window == other.window)
        #expect(close(fractions.fss, other.fss), "\(method) fss at \(other.threshold), window \(other.window)")
      }
    }
  }
}
