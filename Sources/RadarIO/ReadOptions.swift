/// What a user may say about the files to be read.
public struct ReadOptions: Sendable, Equatable {
  /// The variable that holds the rain; `nil` to let the reader choose.
  public var variable: String?
  /// The units of the variable for files that do not say (or say something UDUNITS does not understand).
  public var units: String?
  /// How reflectivity becomes rain rate.
  public var relation: ReflectivityRelation
  /// The most missing frames in a row that are interpolated between their neighbours; with 0 a gap ends a sequence.
  public var maxGap: Int
  /// The seconds from frame to frame where they are known, as of frames taken out of a longer sequence; `nil` to take the
  /// most common difference of the times.
  public var stepSeconds: Double?
  /// Whether files that hold forecasts are what is wanted: then nothing is said about them, unless others are among them.
  public var expectsForecasts = false
  /// Which member of an ensemble is read, from 0; `nil` refuses files with several.
  public var member: Int?

  /// Options, all with a default.
  public init(
    variable: String? = nil, units: String? = nil, relation: ReflectivityRelation = ReflectivityRelation(),
    maxGap: Int = 0, member: Int? = nil
  ) {
    self.variable = variable
    self.units = units
    self.relation = relation
    self.maxGap = maxGap
    self.member = member
  }
}
