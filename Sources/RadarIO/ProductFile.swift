import Tensor

/// Fields made from frames as they are written: sums over time, exceedance of thresholds, each with its own times.
public struct ProductFile: Sendable {
  /// The grid of the frames, with what is copied from their file to say where it lies.
  public var grid: Grid
  /// The fields.
  public var fields: [ProductField]
  /// The moment the forecast starts from, in seconds since 1970-01-01 00:00:00 UTC; `nil` for what was measured.
  public var referenceTime: Double?
  /// The global attribute `title`.
  public var title: String
  /// The global attribute `source`: the program and its version.
  public var source: String?
  /// The global attribute `history`; without times of day, so that the same input gives the same bytes.
  public var history: String?
  /// The global attribute `comment`.
  public var comment: String?
  /// What the frames' files say of themselves: their terms of use and institution go on.
  public var provenance: Provenance

  /// Fields on a grid.
  public init(
    grid: Grid, fields: [ProductField], referenceTime: Double? = nil, title: String, source: String? = nil,
    history: String? = nil, comment: String? = nil, provenance: Provenance = Provenance()
  ) {
    self.grid = grid
    self.fields = fields
    self.referenceTime = referenceTime
    self.title = title
    self.source = source
    self.history = history
    self.comment = comment
    self.provenance = provenance
  }
}

/// One field of a ``ProductFile``.
public struct ProductField: Sendable {
  /// The times of a field. Fields of the same name of an axis share it.
  public struct Times: Sendable, Equatable {
    /// The name of the coordinate, such as `time_60min`.
    public var name: String
    /// Valid times in seconds since 1970-01-01 00:00:00 UTC, ascending: the ends of intervals.
    public var ends: [Double]
    /// The starts of the intervals; `nil` for moments.
    public var starts: [Double]?

    /// Times of that name.
    public init(name: String, ends: [Double], starts: [Double]? = nil) {
      (self.name, self.ends, self.starts) = (name, ends, starts)
    }
  }

  /// The thresholds of a field of exceedance, a dimension before that of time.
  public struct Thresholds: Sendable, Equatable {
    /// The name of the coordinate, such as `rate_threshold`.
    public var name: String
    /// What is compared with them, as a CF standard name.
    public var standardName: String
    /// Their units.
    public var units: String
    /// The thresholds.
    public var values: [Double]

    /// Thresholds of that name.
    public init(name: String, standardName: String, units: String, values: [Double]) {
      (self.name, self.standardName, self.units, self.values) = (name, standardName, units, values)
    }
  }

  /// What a field holds.
  public enum Content: Sendable, Equatable {
    /// Amounts of rain over intervals, in kg m-2, which is mm.
    case amount
    /// 1 where a threshold is reached, 0 where not.
    case exceedance(Thresholds)
  }

  /// The name of the variable.
  public var name: String
  /// What it is, for people.
  public var longName: String
  /// What it holds.
  public var content: Content
  /// Its times.
  public var times: Times
  /// The values of a time, by its position: `[p, h, w]` with a plane for each threshold, or one; `NaN` where missing.
  public var planes: @Sendable (Int) throws -> Tensor

  /// A field whose values are made when they are written.
  public init(
    name: String, longName: String, content: Content, times: Times, planes: @escaping @Sendable (Int) throws -> Tensor
  ) {
    (self.name, self.longName, self.content, self.times, self.planes) = (name, longName, content, times, planes)
  }
}
