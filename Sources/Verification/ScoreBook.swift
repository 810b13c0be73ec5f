/// The scores of all methods and lead times of an evaluation, apart for blocks of start times.
///
/// Everything in it can be added up in any order. Blocks are what intervals are made from: start times that follow each
/// other see the same rain, and only those hours apart tell something new.
public struct ScoreBook: Sendable, Equatable {
  /// The start times of one event that lie in the same stretch of time.
  public struct Block: Sendable, Hashable, Comparable {
    /// The event: a sequence's name.
    public let event: String
    /// When the stretch begins, in seconds since 1970: a multiple of its length.
    public let start: Int

    /// A block.
    public init(event: String, start: Int) { (self.event, self.start) = (event, start) }

    /// By time, then by name.
    public static func < (a: Block, b: Block) -> Bool { (a.start, a.event) < (b.start, b.event) }
  }

  /// One method at one lead time.
  public struct Column: Sendable, Hashable {
    /// The method.
    public let method: String
    /// The lead time in minutes.
    public let leadMinutes: Double

    /// A column.
    public init(method: String, leadMinutes: Double) { (self.method, self.leadMinutes) = (method, leadMinutes) }
  }

  /// The name that all events together have in reports.
  public static let allEvents = "all"
  /// Methods that others are compared with, which come last.
  public static let baselines = ["sprog", "advection", "persistence"]

  /// What is computed.
  public let settings: ScoreSettings
  /// The length of blocks in seconds.
  public let blockSeconds: Int
  /// The scores.
  public private(set) var columns: [Column: [Block: FieldScores]] = [:]

  /// An empty book.
  ///
  /// - Precondition: blocks have a length.
  public init(settings: ScoreSettings, blockSeconds: Int = 3600) {
    precondition(blockSeconds > 0, "blocks have a length")
    (self.settings, self.blockSeconds) = (settings, blockSeconds)
  }

  /// The block of a start time, in seconds since 1970.
  public func block(event: String, startTime: Double) -> Block {
    Block(event: event, start: Int((startTime / Double(blockSeconds)).rounded(.down)) * blockSeconds)
  }

  /// Adds scores.
  public mutating func add(_ scores: FieldScores, to column: Column, _ block: Block) {
    columns[column, default: [:]][block, default: FieldScores(settings: settings)].merge(scores)
  }

  /// Adds all of another book.
  ///
  /// - Precondition: settings and length of blocks are the same.
  public mutating func merge(_ other: ScoreBook) {
    precondition(settings == other.settings && blockSeconds == other.blockSeconds, "books of different settings")
    for (column, blocks) in other.columns { for (block, scores) in blocks { add(scores, to: column, block) } }
  }

  /// All methods: baselines last, others by name.
  public var methods: [String] {
    let names = Set(columns.keys.map(\.method))
    return names.subtracting(Self.baselines).sorted() + Self.baselines.filter(names.contains)
  }

  /// All events by the time of their first block, then by name.
  public var events: [String] {
    var first: [String: Int] = [:]
    for block in columns.values.joined().map(\.key) {
      first[block.event] = min(first[block.event] ?? .max, block.start)
    }
    return first.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key)
  }

  /// The lead times in minutes, of one method or all, the shortest first.
  public func leadMinutes(event: String? = nil, method: String? = nil) -> [Double] {
    Set(
      columns.filter { column, blocks in
        (method == nil || column.method == method) && (event == nil || blocks.keys.contains { $0.event == event })
      }.map(\.key.leadMinutes)
    ).sorted()
  }

  /// The scores of a method and a lead time: of one event or all, added up. `nil` when there are none.
  public func scores(event: String? = nil, method: String, leadMinutes: Double) -> FieldScores? {
    let blocks = columns[Column(method: method, leadMinutes: leadMinutes)]?.filter {
      event == nil || $0.key.event == event
    }
    guard let blocks, !blocks.isEmpty else { return nil }
    var sum = FieldScores(settings: settings)
    for scores in blocks.values { sum.merge(scores) }
    return sum
  }

  /// The scores of a method over all lead times, as the definition combines them.
  public func scoresOverLeads(event: String? = nil, method: String) -> [Score] {
    FieldScores.overLeads(
      leadMinutes(event: event, method: method).compactMap { scores(event: event, method: method, leadMinutes: $0) })
  }
}
