/// What was read: sequences in the order of their first frames, and what people should know about the reading.
public struct RadarReading: Sendable {
  /// The sequences.
  public var sequences: [FrameSequence]
  /// Sentences for people about the files.
  public var warnings: [String]
  /// What came of the indexes of folders that were looked for.
  public internal(set) var indexes: [IndexReport] = []
  private var reader: FrameReader?

  /// A reading.
  public init(sequences: [FrameSequence], warnings: [String]) {
    self.init(sequences: sequences, warnings: warnings, reader: nil)
  }

  init(sequences: [FrameSequence], warnings: [String], reader: FrameReader?) {
    self.sequences = sequences
    self.warnings = warnings
    self.reader = reader
  }

  /// Sentences for people about the values of the frames that were read until now: what was taken as missing or cut.
  public var valueWarnings: [String] { reader?.warnings ?? [] }

  /// Checks that every sequence has the grid of the first.
  ///
  /// - Throws: ``RadarError`` `unusable` that names two files and their grids.
  public func requireOneGrid() throws {
    guard let first = sequences.first, let other = sequences.first(where: { !$0.grid.matches(first.grid) }) else {
      return
    }
    let elsewhere = first.grid.summary == other.grid.summary ? " in another place or projection" : ""
    throw RadarError(
      .unusable,
      "two grids are mixed: \(first.place) is \(first.grid.summary), \(other.place) is \(other.grid.summary)\(elsewhere). "
        + "Give frames of one grid.")
  }

  /// The one sequence there is, for a purpose that needs exactly one.
  ///
  /// - Parameter purpose: what it is needed for, as in "a forecast".
  /// - Throws: ``RadarError`` `unusable` when grids are mixed or there is a gap, with a sentence that says where.
  public func singleSequence(for purpose: String) throws -> FrameSequence {
    try requireOneGrid()
    guard let first = sequences.first else { throw RadarError(.unusable, "there are no frames for \(purpose).") }
    guard sequences.count > 1 else { return first }
    let second = sequences[1]
    throw RadarError(
      .unusable,
      "\(purpose) needs frames without a gap, but after \(TimeAxis.text(first.times[first.times.count - 1])) the next frame is "
        + "of \(TimeAxis.text(second.times[0])). Give frames at one regular step.")
  }
}

extension FrameSequence {
  fileprivate var place: String { source.files.first ?? name }
}
