import Tensor

/// How sure a score is: the block bootstrap (Künsch 1989, Annals of Statistics 17; Wilks, "Statistical Methods in the
/// Atmospheric Sciences", chapter on hypothesis testing).
///
/// As many blocks as there are are drawn with replacement, a thousand times; their counts and sums are added and
/// scored. The middle 95 % of these scores are the interval. All methods and lead times are scored on the same
/// draws, so that the interval of a difference is that of pairs.
public struct Bootstrap: Sendable {
  /// An interval of 95 %.
  public struct Interval: Sendable, Equatable {
    /// The lower end.
    public let low: Double
    /// The upper end.
    public let high: Double

    /// Whether a number lies outside.
    public func excludes(_ value: Double) -> Bool { low > value || high < value }
  }

  /// With fewer blocks than this nothing is said about how sure a score is.
  public static let fewestBlocks = 5
  /// More blocks than this are joined to longer ones.
  private static let mostGroups = 100

  /// The blocks that are drawn from, in order of time; each is one block or several in a row.
  public let groups: [[ScoreBook.Block]]
  /// How often each group was drawn, for each draw.
  private let draws: [[Int]]

  /// Draws blocks.
  ///
  /// - Parameters:
  ///   - blocks: what is drawn from.
  ///   - resamples: how often is drawn.
  ///   - seed: of the random numbers.
  public init(blocks: some Collection<ScoreBook.Block>, resamples: Int = 1000, seed: UInt64 = 1) {
    let sorted = Set(blocks).sorted()
    let count = min(sorted.count, Self.mostGroups)
    groups = (0..<count).map { Array(sorted[$0 * sorted.count / count..<($0 + 1) * sorted.count / count]) }
    var source = RandomSource(seed: seed)
    draws = (0..<(count < Self.fewestBlocks ? 0 : resamples)).map { _ in
      var times = [Int](repeating: 0, count: count)
      for _ in 0..<count { times[source.index(below: count)] += 1 }
      return times
    }
  }

  /// How often was drawn: 0 when there are too few blocks.
  public var count: Int { draws.count }

  /// The scores of each draw in a range, of what blocks hold.
  public func scores(of blocks: [ScoreBook.Block: FieldScores], draws range: Range<Int>) -> [[Score]] {
    guard let empty = blocks.first.map({ FieldScores(settings: $0.value.settings) }) else { return [] }
    let sums = groups.map { group in
      var sum = empty
      for block in group { if let scores = blocks[block] { sum.merge(scores) } }
      return sum
    }
    return range.map { draw in
      var sum = empty
      for (group, times) in zip(sums, draws[draw]) where times > 0 { sum.merge(group, times: times) }
      return sum.all
    }
  }

  /// The interval of the values of all draws; `nil` when too many of them are undefined.
  public static func interval(_ values: [Double?]) -> Interval? {
    let known = values.compactMap(\.self).sorted()
    guard !known.isEmpty, known.count * 20 >= values.count * 19 else { return nil }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(known.count - 1)
      let below = Int(place)
      let above = min(below + 1, known.count - 1)
      return known[below] + (place - Double(below)) * (known[above] - known[below])
    }
    return Interval(low: quantile(0.025), high: quantile(0.975))
  }
}
