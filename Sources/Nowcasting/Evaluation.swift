import RadarIO
import Tensor
import Verification

/// The result of an evaluation.
public struct Evaluation: Sendable {
  /// One sequence that was evaluated.
  public struct Event: Sendable, Codable, Equatable {
    /// The sequence's name.
    public let name: String
    /// Size, spacing and corner of its grid.
    public let grid: String
    /// Its files, in order.
    public var files: [String]
    /// The start times that were evaluated, in seconds since 1970, ascending.
    public var startTimes: [Double]

    enum CodingKeys: String, CodingKey {
      case name, grid, files
      case startTimes = "start_times"
    }
  }

  /// One start time to look at.
  public struct Case: Sendable {
    /// Which of all it is: the best, the median or the worst.
    public let title: String
    /// When the forecast starts, in seconds since 1970.
    public let startTime: Double
    /// Where the pixels are.
    public let grid: Grid
    /// The CSI that it was chosen by.
    public let csi: Double
    /// What was observed and forecast.
    public let leads: [LeadFrames]
  }

  /// The scores.
  public var book: ScoreBook
  /// What was evaluated, in order of time.
  public var events: [Event]
  /// What the forecasts came from: the model, or files.
  public var subjects: [String]
  /// Sentences for people.
  public var notes: [String] = []
  /// The best, the median and the worst start time; empty where the frames are not at hand any more.
  public var cases: [Case] = []

  /// The number of start times.
  public var startTimeCount: Int { events.reduce(0) { $0 + $1.startTimes.count } }

  /// The method that the evaluation is about: the first that is no baseline, or else the first.
  public var mainMethod: String? { book.methods.first }

  /// The threshold that sentences are about: that nearest to 1 mm/h.
  public var mainThreshold: Float? {
    book.settings.thresholds.min { ($0 - 1).magnitude < ($1 - 1).magnitude }
  }

  /// Adds another evaluation. The result does not depend on the order of merging.
  ///
  /// - Throws: ``NowcastError`` `usage` when it was computed in another way or has a start time that is here, too.
  public mutating func merge(_ other: Evaluation, path: String) throws {
    guard book.settings == other.book.settings, book.blockSeconds == other.book.blockSeconds else {
      let what =
        book.settings.definition != other.book.settings.definition
        ? "definition is '\(other.book.settings.definition.rawValue)', not '\(book.settings.definition.rawValue)'"
        : "thresholds, windows or blocks are others"
      throw NowcastError(
        .usage, "its \(what); only reports that were computed in one way can be added up.", path: path)
    }
    for event in other.events {
      for known in events where known.grid == event.grid {
        if let time = Set(known.startTimes).intersection(event.startTimes).min() {
          throw NowcastError(
            .usage,
            "its event \(event.name) overlaps \(known.name) of another report: both have the start time \(TimeAxis.text(time)), "
              + "which would count twice. Give each start time once; 'nowcast compare' sets methods side by side.",
            path: path)
        }
      }
      if let place = events.firstIndex(where: { $0.name == event.name && $0.grid == event.grid }) {
        events[place].startTimes = (events[place].startTimes + event.startTimes).sorted()
        events[place].files = Set(events[place].files).union(event.files).sorted()
      } else {
        guard !events.contains(where: { $0.name == event.name }) else {
          throw NowcastError(
            .usage, "its event \(event.name) is on another grid than that of the same name in another report.",
            path: path)
        }
        events.append(event)
      }
    }
    book.merge(other.book)
    subjects = Set(subjects).union(other.subjects).sorted()
    cases = []
    sortEvents()
  }

  mutating func sortEvents() {
    events.sort { ($0.startTimes.first ?? 0, $0.name) < ($1.startTimes.first ?? 0, $1.name) }
  }
}

/// What was observed, and what was forecast for it, at one lead time.
public struct LeadFrames: Sendable {
  /// The lead time in minutes.
  public let leadMinutes: Double
  /// `[h, w]` in mm/h.
  public let observation: Tensor
  /// What each method forecast.
  public let forecasts: [ScoredForecast]
}
