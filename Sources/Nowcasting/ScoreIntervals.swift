import ConvKernels
import Verification

/// How sure the scores of an evaluation are, and the differences between methods.
public struct ScoreIntervals: Sendable {
  /// One method at one lead time; `nil` is all lead times.
  public struct Place: Sendable, Hashable {
    let method: String
    let leadMinutes: Double?
  }

  /// A difference between a method and a baseline.
  public struct Difference: Sendable {
    /// Method minus baseline.
    let value: Double
    /// Of 95 %; `nil` where nothing can be said.
    let interval: Bootstrap.Interval?

    /// Whether the method is better (`true`) or worse; `nil` when the interval does not tell.
    func isBetter(_ metric: Metric) -> Bool? {
      guard let interval, interval.excludes(0) else { return nil }
      switch metric.orientation {
      case .higher: return interval.low > 0
      case .lower: return interval.high < 0
      case .nearOne, .nearZero, .none: return nil
      }
    }
  }

  /// The number of blocks that were drawn from.
  public let blockCount: Int
  /// The intervals of the scores.
  private(set) var intervals: [Place: [ScoreName: Bootstrap.Interval]] = [:]
  /// The differences of each method from each one listed after it, by that one's name.
  private(set) var differences: [Place: [String: [ScoreName: Difference]]] = [:]

  /// Draws blocks and scores them.
  public init(_ book: ScoreBook, pool: WorkerPool) {
    let blocks = Set(book.columns.values.joined().map(\.key))
    let bootstrap = Bootstrap(blocks: blocks)
    blockCount = bootstrap.groups.count
    let methods = book.methods
    let leads = book.leadMinutes()
    // Where the mean over lead times counts, it is taken of each draw: sum and number of the values.
    var ofLeads: [String: [ScoreName: [SIMD2<Double>]]] = [:]
    let pools = book.settings.definition.leadPooling == .sums
    for lead in leads {
      let present = methods.filter { book.columns[.init(method: $0, leadMinutes: lead)] != nil }
      let columns = present.map { book.columns[.init(method: $0, leadMinutes: lead)] ?? [:] }
      let values = present.map { book.scores(method: $0, leadMinutes: lead)?.all ?? [] }
      let series = Self.series(columns, values, bootstrap, pool)
      add(present, columns, values, series, leadMinutes: lead)
      guard !pools else { continue }
      let none = [SIMD2<Double>](repeating: .zero, count: bootstrap.count)
      for (method, series) in zip(present, series) {
        for (name, values) in series {
          for (draw, value) in values.enumerated() {
            if let value { ofLeads[method, default: [:]][name, default: none][draw] += SIMD2(value, 1) }
          }
        }
      }
    }
    let columns = methods.map { method in
      leads.reduce(into: [ScoreBook.Block: FieldScores]()) { sum, lead in
        for (block, scores) in book.columns[.init(method: method, leadMinutes: lead)] ?? [:] {
          sum[block, default: FieldScores(settings: book.settings)].merge(scores)
        }
      }
    }
    let values = methods.map { book.scoresOverLeads(method: $0) }
    let series =
      pools
      ? Self.series(columns, values, bootstrap, pool)
      : zip(methods, values).map { method, values in
        Series(
          uniqueKeysWithValues: values.map { score in
            (score.name, (ofLeads[method]?[score.name] ?? []).map { $0.y > 0 ? $0.x / $0.y : nil })
          })
      }
    add(methods, columns, values, series, leadMinutes: nil)
  }

  /// The values of each score, draw by draw.
  private typealias Series = [ScoreName: [Double?]]

  /// The series of the scores of each method. A draw may lack bands that no frame of its has.
  ///
  /// All scores of all draws are many times the size of their values, so there are those of a few draws at a time.
  private static func series(
    _ columns: [[ScoreBook.Block: FieldScores]], _ values: [[Score]], _ bootstrap: Bootstrap, _ pool: WorkerPool
  ) -> [Series] {
    let share = 50
    let parts = (bootstrap.count + share - 1) / share
    var results = [Series](repeating: [:], count: columns.count * parts)
    results.withUnsafeMutableBufferPointer { results in
      // Each task writes a place of its own.
      nonisolated(unsafe) let results = results
      pool.run(tasks: columns.count * parts) { task in
        let start = task % parts * share
        let draws = bootstrap.scores(
          of: columns[task / parts], draws: start..<min(start + share, bootstrap.count))
        let none = [Double?](repeating: nil, count: draws.count)
        var series = Series(uniqueKeysWithValues: values[task / parts].map { ($0.name, none) })
        for (draw, scores) in draws.enumerated() {
          for score in scores { series[score.name]?[draw] = score.value }
        }
        results[task] = series
      }
    }
    return columns.indices.map { index in
      let parts = results[index * parts..<(index + 1) * parts]
      return Series(
        uniqueKeysWithValues: values[index].map { score in (score.name, parts.flatMap { $0[score.name] ?? [] }) })
    }
  }

  private mutating func add(
    _ methods: [String], _ columns: [[ScoreBook.Block: FieldScores]], _ values: [[Score]], _ series: [Series],
    leadMinutes: Double?
  ) {
    for (index, method) in methods.enumerated() {
      let place = Place(method: method, leadMinutes: leadMinutes)
      intervals[place] = series[index].compactMapValues(Bootstrap.interval)
      for other in methods.indices where other > index && Set(columns[other].keys) == Set(columns[index].keys) {
        let known = Dictionary(uniqueKeysWithValues: values[other].map { ($0.name, $0.value) })
        var found: [ScoreName: Difference] = [:]
        for score in values[index] where score.name.metric.orientation != .none {
          guard let value = score.value, let base = known[score.name] ?? nil else { continue }
          let pairs = zip(series[index][score.name] ?? [], series[other][score.name] ?? []).map { a, b in
            a.flatMap { a in b.map { a - $0 } }
          }
          found[score.name] = Difference(value: value - base, interval: Bootstrap.interval(pairs))
        }
        differences[place, default: [:]][methods[other]] = found
      }
    }
  }
}
