import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

/// Sums of rain over windows, and where thresholds are reached.
@Suite struct RainSumsTests {
  /// Frames of 1 × 3 pixels whose first two pixels hold the given rates and three times those; the third is never measured.
  private func sequence(
    _ rates: [Float], start: Double = 0, step: Double = 300, interval: Double? = nil, reference: Double? = nil
  ) -> FrameSequence {
    FrameSequence(
      grid: Grid(height: 1, width: 3, spacingMetres: 1000), times: rates.indices.map { start + Double($0) * step },
      stepSeconds: rates.count > 1 ? step : 0,
      intervalSeconds: interval.map { [Double](repeating: $0, count: rates.count) },
      referenceTime: reference,
      rainRate: Tensor(shape: [rates.count, 1, 3], rates.flatMap { [$0, 3 * $0, .nan] }))
  }

  @Test func windowsAreWholeAndRoll() throws {
    let sums = try RainSums(minutes: 15, of: [sequence([12, 24, 36, 0, 6])])
    #expect(sums.count == 3 && sums.ends == [600, 900, 1200] && sums.starts == [-300, 0, 300])
    // Each frame is a twelfth of an hour.
    for (window, amount) in [6, 5, 3.5].enumerated() {
      let elements = try sums.amounts(of: window).elements
      #expect(elements[0] == Float(amount) && elements[1] == Float(3 * amount) && elements[2].isNaN)
    }
    #expect(sums.window(endingAt: 1, of: 0) == nil && sums.window(endingAt: 2, of: 0) == 0)
    #expect(sums.window(endingAt: 4, of: 0) == 2)
  }

  @Test func aMissingFrameIsNoDryOne() throws {
    let sums = try RainSums(minutes: 10, of: [sequence([6, .nan, 6, 6])])
    let first = try (0..<3).map { try sums.amounts(of: $0).elements[0] }
    #expect(first[0].isNaN && first[1].isNaN && first[2] == 1)
  }

  /// No window reaches across a gap, and a sequence that is too short has none.
  @Test func gapsEndWindows() throws {
    let sums = try RainSums(
      minutes: 10, of: [sequence([6, 6, 6]), sequence([60], start: 3000), sequence([12, 0], start: 6000)])
    #expect(sums.ends == [300, 600, 6300])
    #expect(try (0..<3).map { try sums.amounts(of: $0).elements[0] } == [1, 1, 1])
    #expect(sums.window(endingAt: 0, of: 1) == nil && sums.window(endingAt: 1, of: 2) == 2)
  }

  @Test func meansOverAnIntervalAreAmounts() throws {
    let sums = try RainSums(minutes: 10, of: [sequence([6, 12], interval: 300)])
    #expect(try sums.amounts(of: 0).elements[0] == 1.5 && sums.starts == [-300])
    // A lone amount is a window of its own.
    let alone = try RainSums(minutes: 60, of: [sequence([4], interval: 3600)])
    #expect(try alone.amounts(of: 0).elements[0] == 4 && alone.starts == [-3600])
  }

  @Test func windowsThatDoNotFit() throws {
    func refusal(_ minutes: Int, _ sequences: FrameSequence...) -> NowcastError? {
      #expect(throws: NowcastError.self) { try RainSums(minutes: minutes, of: sequences) }
    }
    let error = refusal(12, sequence([1, 2, 3]))
    #expect(error?.code == .usage && error?.message.contains("steps of 5 min") == true)
    #expect(
      refusal(20, sequence([1, 2, 3]))?.message.contains("needs 4 frames without a gap, and there are 3") == true)
    #expect(refusal(20, sequence([1, 2, 3]))?.code == .unusable)
    #expect(refusal(5, sequence([1]))?.message.contains("one frame only") == true)
    #expect(refusal(10, sequence([1, 2, 3], interval: 900))?.message.contains("15 min every 5 min") == true)
  }

  @Test func usualWindowsAreThoseThatFit() throws {
    let sequences = [sequence([Float](repeating: 1, count: 8))]
    var (sums, leftOut) = try RainProducts().sums(of: sequences)
    #expect(sums.map(\.minutes) == [15, 30] && leftOut == [60])
    (sums, leftOut) = try RainProducts(rateThresholds: [1]).sums(of: sequences)
    #expect(sums.isEmpty && leftOut.isEmpty)
    (sums, leftOut) = try RainProducts(rateThresholds: [1], amountThresholds: [1]).sums(of: sequences)
    #expect(sums.count == 2)
    #expect(throws: NowcastError.self) { try RainProducts().sums(of: [sequence([1, 2])]) }
    #expect(throws: NowcastError.self) { try RainProducts(windows: [60]).sums(of: sequences) }
  }

  @Test func aThresholdIsReachedAtItself() {
    let field = Tensor(shape: [1, 4], [0.1, Float(0.1).nextDown, .nan, 7])
    let flags = RainProducts.exceedance(of: field, thresholds: [0.1, 7])
    #expect(flags.shape == [2, 1, 4])
    #expect(flags.elements.map { $0.isNaN ? -1 : $0 } == [1, 0, -1, 1, 0, 0, -1, 1])
  }

  // MARK: Areas

  private let covers = [
    AreaCover(name: "Oder, \"upper\"", pixels: [.init(index: 0, weight: 1), .init(index: 1, weight: 0.5)], total: 2),
    AreaCover(name: "West", pixels: [.init(index: 2, weight: 1)], total: 1),
  ]

  @Test func aLineForEachTimeAndArea() throws {
    let sequences = [sequence([3, 6], start: 600, reference: 300)]
    let series = try AreaSeries(covers, sequences: sequences, sums: [RainSums(minutes: 10, of: sequences)])
    #expect(
      series.csv == #"""
        time,lead_minutes,catchment,mean_mm_h,max_mm_h,covered,mean_10min_mm,max_10min_mm,covered_10min
        1970-01-01T00:10Z,5,"Oder, ""upper""",5.0000,9.0000,0.7500,,,
        1970-01-01T00:10Z,5,West,,,0.0000,,,
        1970-01-01T00:15Z,10,"Oder, ""upper""",10.0000,18.0000,0.7500,1.2500,2.2500,0.7500
        1970-01-01T00:15Z,10,West,,,0.0000,,,0.0000

        """#)
    #expect(
      series.table() == """
        catchment       largest mean                   largest pixel                  covered at least
        Oder, "upper"   10.0 mm/h  1970-01-01T00:15Z   18.0 mm/h  1970-01-01T00:15Z   75 %
        West            not measured                   not measured                   0 %
        """)
    #expect(series.table(most: 1).hasSuffix("… and 1 more"))
  }

  @Test func framesOfNoForecastHaveNoLeadTime() throws {
    let csv = try AreaSeries(covers, sequences: [sequence([3])]).csv
    #expect(csv.hasPrefix("time,lead_minutes,catchment,mean_mm_h,max_mm_h,covered\n1970-01-01T00:00Z,,\"Oder"))
  }
}
