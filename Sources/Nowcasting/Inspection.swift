import Foundation
import RadarIO

/// What the reader makes of radar files, as `nowcast inspect` tells it to people and programs.
public struct Inspection: Encodable, Sendable {
  /// One sequence.
  public struct Sequence: Encodable, Sendable {
    /// Where the pixels are.
    public struct Grid: Encodable, Sendable {
      /// Rows.
      public let height: Int
      /// Columns.
      public let width: Int
      /// Metres; absent where the files do not tell.
      public let spacingMetres: Double?
      /// The coordinates of the first and the last row in ``yUnits``; absent where the files give none.
      public let y: [Double]?
      /// The coordinates of the first and the last column in ``xUnits``.
      public let x: [Double]?
      /// The dimension of rows.
      public let yName: String
      /// The dimension of columns.
      public let xName: String
      /// As the file states them.
      public let yUnits: String?
      /// As the file states them.
      public let xUnits: String?
      /// Whether the coordinates are angles.
      public let isGeographic: Bool
      /// The `grid_mapping_name` of the projection.
      public let gridMappingName: String?
    }

    /// What lies between this sequence and the one on the same grid before it.
    public struct Gap: Encodable, Sendable {
      /// The name of the sequence before it.
      public let after: String
      /// The time from its last frame.
      public let seconds: Double
      /// The frames that are missing, where the steps agree.
      public let missingFrames: Int?
    }

    /// Unique among the sequences.
    public let name: String
    /// In the order of time.
    public let files: [String]
    /// The variable taken for the rain.
    public let variable: String
    /// Why it was taken for the rain.
    public let reason: String?
    /// As the file states them.
    public let units: String
    /// How the numbers became mm/h.
    public let conversion: String
    /// Where the pixels are.
    public let grid: Grid
    /// Their number.
    public let frames: Int
    /// ISO 8601, UTC.
    public let firstTime: String
    /// ISO 8601, UTC.
    public let lastTime: String
    /// Seconds; absent for one frame.
    public let stepSeconds: Double?
    /// The largest difference from the step in seconds.
    public let jitterSeconds: Double?
    /// Absent for the first sequence on a grid.
    public let gapBefore: Gap?
    /// The times of frames that were filled in.
    public let bridged: [String]
    /// Of all pixels.
    public let missingShare: Double?
    /// Of measured pixels, those with 0.1 mm/h or more.
    public let wetShare: Double?
    /// In mm/h.
    public let maximumRainRate: Double?
    /// What was done that one may want to know.
    public let notes: [String]
    /// What the files leave open.
    public let notUnderstood: [String]
  }

  /// A file that could not be used.
  public struct Failure: Encodable, Sendable {
    /// The file or folder.
    public let path: String?
    /// The variable of the file.
    public let variable: String?
    /// What is wrong and what to do.
    public let message: String
    /// The exit status that stands for its kind.
    let status: Int32

    enum CodingKeys: String, CodingKey { case path, variable, message }

    init(_ error: RadarError) {
      (path, variable, message) = (error.path, error.variable, error.message)
      status = (error.code == .notFound ? NowcastError.Code.notFound : .unusable).rawValue
    }

    /// The whole sentence.
    public var description: String {
      [path, variable.map { "variable '\($0)'" }, message].compactMap(\.self).joined(separator: ": ")
    }
  }

  /// In the order of their first frames.
  public private(set) var sequences: [Sequence] = []
  /// Sentences for people.
  public private(set) var warnings: [String] = []
  /// What was left out.
  public private(set) var failures: [Failure] = []

  /// Reads files and folders; what cannot be read is left out and listed.
  ///
  /// - Throws: `RadarError` `internalError` alone.
  public init(_ paths: [String], reader: RadarReader) throws {
    var failures: [Failure] = []
    let reading = try reader.sequences(at: paths) { failures.append(Failure($0)) }
    for (index, sequence) in reading.sequences.enumerated() {
      let before = reading.sequences[..<index].last { $0.grid.matches(sequence.grid) }
      var statistics = RainStatistics()
      for frame in 0..<sequence.count {
        do {
          statistics.add(try sequence.rainRate(of: frame..<frame + 1))
        } catch let error as RadarError {
          let failure = Failure(error)
          if failures.last?.description != failure.description { failures.append(failure) }
        }
      }
      sequences.append(Sequence(sequence, before: before, statistics))
    }
    warnings = reading.warnings + reading.valueWarnings
    self.failures = failures
  }

  /// 0 when all could be used, else that of the first file that could not.
  public var exitStatus: Int32 {
    failures.first { $0.status == NowcastError.Code.unusable.rawValue }?.status ?? failures.first?.status ?? 0
  }

  /// All of it as JSON text.
  public var json: String {
    get throws { String(decoding: try JSONText.encode(self, pretty: true).dropLast(), as: UTF8.self) }
  }
}

extension Inspection.Sequence {
  init(_ sequence: FrameSequence, before: FrameSequence?, _ statistics: RainStatistics) {
    let source = sequence.source
    name = sequence.name
    files = source.files
    variable = source.variable
    reason = source.reason
    units = source.units
    conversion = source.conversion
    grid = Grid(
      height: sequence.grid.height, width: sequence.grid.width, spacingMetres: sequence.grid.spacingMetres,
      y: sequence.grid.y.map(Self.ends), x: sequence.grid.x.map(Self.ends), yName: sequence.grid.yName,
      xName: sequence.grid.xName, yUnits: sequence.grid.yUnits, xUnits: sequence.grid.xUnits,
      isGeographic: sequence.grid.isGeographic, gridMappingName: sequence.grid.mappingName)
    frames = sequence.count
    firstTime = TimeAxis.text(sequence.times[0])
    lastTime = TimeAxis.text(sequence.times[sequence.count - 1])
    let isAlone = sequence.count == 1
    stepSeconds = isAlone ? nil : sequence.stepSeconds
    jitterSeconds =
      isAlone
      ? nil : zip(sequence.times, sequence.times.dropFirst()).map { abs($1 - $0 - sequence.stepSeconds) }.max()
    gapBefore = before.map { before in
      let seconds = sequence.times[0] - before.times[before.count - 1]
      let step = max(before.stepSeconds, sequence.stepSeconds)
      let steps = step > 0 && seconds / step < 1e9 ? (seconds / step).rounded() : 0
      return Gap(
        after: before.name, seconds: seconds,
        missingFrames: steps > 1 && abs(seconds - steps * step) <= 30 ? Int(steps) - 1 : nil)
    }
    bridged = sequence.bridged.map { TimeAxis.text(sequence.times[$0]) }
    missingShare = statistics.missingShare
    wetShare = statistics.wetShare
    maximumRainRate = statistics.largest
    notes = source.notes
    notUnderstood = Self.openQuestions(sequence.grid)
  }

  private static func ends(_ values: [Double]) -> [Double] { [values[0], values[values.count - 1]] }

  private static func openQuestions(_ grid: RadarIO.Grid) -> [String] {
    var questions: [String] = []
    if grid.y == nil || grid.x == nil {
      questions.append("where the rows and columns lie: there are no coordinates along them")
    }
    if grid.spacingMetres == nil {
      questions.append("the distance of the pixels: the coordinates are in no units of length or angle")
    }
    if !grid.isGeographic && grid.mappingName == nil && !grid.hasPlaneCoordinates {
      questions.append("the projection: there is no grid_mapping, so the forecast will have none")
    }
    return questions
  }
}
