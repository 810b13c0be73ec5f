import Tensor

/// The scores of all events, methods and lead times of an evaluation.
public struct ScoreBook: Sendable, Equatable {
  /// What a set of scores belongs to.
  public struct Key: Sendable, Hashable {
    /// The event: a sequence's name, or ``ScoreBook/allEvents``.
    public let event: String
    /// The method.
    public let method: String
    /// The lead time in minutes.
    public let leadMinutes: Double
  }

  /// The event that all events are added up in.
  public static let allEvents = "all"

  /// Thresholds in mm/h.
  public let thresholds: [Float]
  /// The widths of the neighbourhoods of the fractions skill score in pixels.
  public let windows: [Int]
  /// All events, in the order they came, after ``allEvents``.
  public private(set) var events: [String] = [ScoreBook.allEvents]
  /// All methods, in the order they came.
  public private(set) var methods: [String] = []
  private var scores: [Key: FieldScores] = [:]

  /// An empty book.
  public init(thresholds: [Float], windows: [Int] = []) {
    self.thresholds = thresholds
    self.windows = windows
  }

  /// Adds what several methods forecast for one time, `[h, w]` in mm/h each.
  ///
  /// A pixel that is missing in the observation or in any of the forecasts counts for none of them.
  public mutating func add(
    event: String, leadMinutes: Double, observation: Tensor, forecasts: [(method: String, field: Tensor)]
  ) {
    let mask = PixelMask(observation: observation, forecasts: forecasts.map(\.field))
    if !events.contains(event) { events.append(event) }
    for (method, field) in forecasts {
      if !methods.contains(method) { methods.append(method) }
      var one = FieldScores(thresholds: thresholds, windows: windows)
      one.add(forecast: field, observation: observation, mask: mask)
      for name in [ScoreBook.allEvents, event] {
        let key = Key(event: name, method: method, leadMinutes: leadMinutes)
        scores[key, default: FieldScores(thresholds: thresholds, windows: windows)].merge(one)
      }
    }
  }

  /// The scores of an event, a method and a lead time.
  public func scores(event: String = ScoreBook.allEvents, method: String, leadMinutes: Double) -> FieldScores? {
    scores[Key(event: event, method: method, leadMinutes: leadMinutes)]
  }

  /// The lead times in minutes that an event and a method have scores for, the shortest first.
  public func leadMinutes(event: String = ScoreBook.allEvents, method: String? = nil) -> [Double] {
    Set(scores.keys.filter { $0.event == event && (method == nil || $0.method == method) }.map(\.leadMinutes)).sorted()
  }

  /// All scores: events first, then methods, then lead times.
  public var ordered: [(key: Key, scores: FieldScores)] {
    events.flatMap { event in
      methods.flatMap { method in
        leadMinutes(event: event, method: method).compactMap { lead in
          let key = Key(event: event, method: method, leadMinutes: lead)
          return scores[key].map { (key, $0) }
        }
      }
    }
  }
}
