import Foundation
import Tensor
import Testing
import Verification

@Suite struct FieldScoresTests {
  private func row(_ values: Float...) -> Tensor { Tensor(shape: [1, values.count], values) }

  private func randomRain(_ shape: [Int], missing: Float, using source: inout RandomSource) -> Tensor {
    Tensor(
      shape: shape,
      (0..<Tensor.elementCount(of: shape)).map { _ in
        let isMissing = source.uniform() < missing
        // Quarters, so that sums are exact in any order.
        return isMissing ? .nan : max(0, (source.normal() * 12).rounded() / 4)
      })
  }

  @Test func countsAgainstSums() {
    var scores = FieldScores(settings: ScoreSettings(thresholds: [1, 10]))
    scores.add(forecast: row(0, 2, 4, 0, 12), observation: row(0, 1, 0, 3, 10))
    #expect(scores.tables[0] == ContingencyTable(hits: 2, misses: 1, falseAlarms: 1, correctNegatives: 1))
    #expect(scores.tables[1] == ContingencyTable(hits: 1, misses: 0, falseAlarms: 0, correctNegatives: 4))
    #expect(scores.continuous.count == 5)
    #expect(scores.continuous.sumError == 4)
    #expect(scores.continuous.sumAbsoluteError == 10)
    #expect(scores.continuous.sumSquaredError == 30)
    #expect(scores.continuous.mse == 6)
    #expect(scores.continuous.mae == 2)
    #expect(scores.continuous.meanError == 0.8)
    #expect(scores.continuous.rmse == 6.0.squareRoot())
    #expect(scores.sums.fields == 1)
  }

  @Test func aValueAtTheThresholdIsAnEvent() {
    let thresholds: [Float] = [0, 0.1, 0.5, 5]
    for (index, threshold) in thresholds.enumerated() {
      var scores = FieldScores(settings: ScoreSettings(thresholds: thresholds))
      scores.add(
        forecast: row(threshold, threshold.nextDown, threshold.nextUp),
        observation: row(threshold, threshold, threshold.nextDown))
      #expect(scores.tables[index] == ContingencyTable(hits: 1, misses: 1, falseAlarms: 1, correctNegatives: 0))
    }
  }

  @Test func missingIsNotDry() {
    // Thresholds before masks, as in pysteps, would make three correct negatives, a miss and a false alarm of this.
    var scores = FieldScores(settings: ScoreSettings(thresholds: [-1, 0, 1]))
    scores.add(forecast: row(.nan, .nan, 0, .nan, 5, 2), observation: row(.nan, 0, .nan, 5, .nan, 2))
    for table in scores.tables { #expect(table == ContingencyTable(hits: 1)) }
    #expect(scores.continuous.count == 1)
    #expect(scores.continuous.mse == 0)
    #expect(scores.sums.pixels == 6)
    #expect(scores.validShare == 1.0 / 6)
  }

  @Test func infinitiesAreMissing() {
    var scores = FieldScores(settings: ScoreSettings(thresholds: [1]))
    scores.add(forecast: row(.infinity, 3, 2), observation: row(3, -.infinity, 2))
    #expect(scores.tables[0] == ContingencyTable(hits: 1))
    #expect(scores.continuous.mse == 0)
  }

  @Test func aPixelMissingInOneMethodCountsForNone() throws {
    let settings = ScoreSettings(thresholds: [1])
    let scores = FrameScorer(settings: settings, height: 1, width: 4).scores(
      observation: row(5, 5, .nan, 0),
      forecasts: [
        ScoredForecast(method: "b", field: row(5, .nan, 5, 0)), ScoredForecast(method: "a", field: row(0, 5, 5, 5)),
      ])
    #expect(scores[0].tables[0] == ContingencyTable(hits: 1, correctNegatives: 1))
    #expect(scores[1].tables[0] == ContingencyTable(misses: 1, falseAlarms: 1))
    #expect(scores.allSatisfy { $0.continuous.count == 2 })
    var book = ScoreBook(settings: settings)
    book.add(scores[0], to: .init(method: "b", leadMinutes: 10), book.block(event: "day", startTime: 7300))
    book.add(scores[1], to: .init(method: "persistence", leadMinutes: 10), book.block(event: "day", startTime: 10799))
    book.add(scores[1], to: .init(method: "z", leadMinutes: 20), book.block(event: "eve", startTime: -1))
    #expect(book.scores(event: "day", method: "b", leadMinutes: 10) == scores[0])
    #expect(book.scores(method: "a", leadMinutes: 5) == nil && book.scores(method: "c", leadMinutes: 10) == nil)
    #expect(book.events == ["eve", "day"] && book.methods == ["b", "z", "persistence"])
    #expect(book.leadMinutes() == [10, 20] && book.leadMinutes(event: "eve") == [20])
    #expect(Set(book.columns.values.joined().map(\.key.start)) == [7200, -3600])
  }

  @Test func everythingMissingIsUndefined() {
    var scores = FieldScores(settings: ScoreSettings(thresholds: [0, 1], windows: [1, 3]))
    scores.add(forecast: Tensor(shape: [4, 5], repeating: .nan), observation: Tensor(shape: [4, 5], repeating: 1))
    for score in scores.all { #expect(score.value == nil && score.count == 0, "\(score.name)") }
    #expect(scores.validShare == 0)
    #expect(FieldScores(settings: ScoreSettings(thresholds: [])).validShare == nil)
  }

  @Test func emptyFieldsAddNothing() {
    var scores = FieldScores(settings: ScoreSettings(thresholds: [1], windows: [3]))
    scores.add(forecast: Tensor(shape: [0, 4]), observation: Tensor(shape: [0, 4]))
    scores.add(forecast: Tensor(shape: [4, 0]), observation: Tensor(shape: [4, 0]))
    #expect(scores.tables[0].count == 0)
    #expect(scores.continuous.mse == nil)
  }

  @Test func correlationOfAConstantIsUndefined() {
    var scores = FieldScores(settings: ScoreSettings(thresholds: []))
    scores.add(
      forecast: Tensor(shape: [30, 30], repeating: 0.1), observation: Tensor(shape: [30, 30], repeating: 0.3))
    #expect(scores.continuous.correlation == nil)
    var varying = FieldScores(settings: ScoreSettings(thresholds: []))
    varying.add(forecast: row(1, 2, 3), observation: row(2, 4, 6))
    #expect(varying.continuous.correlation.map { abs($0 - 1) < 1e-12 } == true)
  }

  @Test(arguments: [1, 7, 8, 9, 1023, 1024, 1025, 5000])
  func anyNumberOfPixelsIsCountedAsOneByOne(count: Int) {
    var source = RandomSource(seed: UInt64(count))
    let f = randomRain([1, count], missing: 0.2, using: &source)
    let o = randomRain([1, count], missing: 0.2, using: &source)
    let thresholds: [Float] = [-1, 0, 0.25, 1, 3]
    var scores = FieldScores(settings: ScoreSettings(thresholds: thresholds))
    scores.add(forecast: f, observation: o)
    let pairs = zip(f.elements, o.elements).filter { !$0.isNaN && !$1.isNaN }
    for (threshold, table) in zip(thresholds, scores.tables) {
      #expect(table.hits == pairs.count { $0 >= threshold && $1 >= threshold })
      #expect(table.misses == pairs.count { $0 < threshold && $1 >= threshold })
      #expect(table.falseAlarms == pairs.count { $0 >= threshold && $1 < threshold })
      #expect(table.correctNegatives == pairs.count { $0 < threshold && $1 < threshold })
    }
    #expect(scores.continuous.count == pairs.count)
    #expect(scores.continuous.sumAbsoluteError.value == pairs.reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) })
    #expect(scores.continuous.sumProduct.value == pairs.reduce(0) { $0 + Double($1.0) * Double($1.1) })
    #expect(scores.continuous.sumForecastSquared.value == pairs.reduce(0) { $0 + Double($1.0) * Double($1.0) })
  }

  @Test func mergingEqualsOnePass() {
    var source = RandomSource(seed: 3)
    var whole = FieldScores(settings: ScoreSettings(thresholds: [0.25, 2], windows: [1, 4]))
    var parts = Array(repeating: whole, count: 4)
    for index in 0..<20 {
      let observation = randomRain([13, 17], missing: 0.1, using: &source)
      let forecast = randomRain([13, 17], missing: 0.1, using: &source)
      whole.add(forecast: forecast, observation: observation)
      parts[index % 4].add(forecast: forecast, observation: observation)
    }
    var merged = parts[3]
    for part in parts[..<3] { merged.merge(part) }
    #expect(merged == whole)
  }

  @Test func survivesJSON() throws {
    var scores = FieldScores(settings: ScoreSettings(thresholds: [0.1], windows: [2]))
    scores.add(forecast: row(0.3, 0.1, 0.2), observation: row(0.1, 0.7, .nan))
    let sums = try JSONDecoder().decode(FieldScores.Sums.self, from: JSONEncoder().encode(scores.sums))
    #expect(FieldScores(settings: scores.settings, sums: sums) == scores)
    #expect(FieldScores(settings: ScoreSettings(thresholds: [0.1, 2], windows: [2]), sums: sums) == nil)
  }

  @Test func sharesAndFractionsOfAShiftedRainBand() throws {
    // A band moved by two pixels: no skill pixel by pixel, and more the larger the neighbourhood.
    var band = Tensor(shape: [40, 40])
    var moved = Tensor(shape: [40, 40])
    for y in 0..<40 {
      band[y, 20] = 5
      moved[y, 22] = 5
    }
    var scores = FieldScores(settings: ScoreSettings(thresholds: [1], windows: [1, 3, 5, 9, 21]))
    scores.add(forecast: moved, observation: band)
    let skills = try scores.fractions.map { try #require($0.fss) }
    #expect(skills[0] == 0)
    #expect(skills == skills.sorted())
    #expect(try #require(skills.last) > 0.8)
    #expect(scores.fractions[4].window == 21)
  }
}
