import Tensor

/// A forecast as it is written: rain rate at future times on the grid of the input.
public struct ForecastFile: Sendable {
  /// Rain rate in mm/h, `[t, h, w]`, `NaN` where it is missing.
  public var rainRate: Tensor
  /// The probabilities that the rain rate follows from, where they are to be written, too.
  public var exceedance: ExceedanceField?
  /// The valid time of each step in seconds since 1970-01-01 00:00:00 UTC, ascending.
  public var times: [Double]
  /// The time of the last input frame in the same seconds.
  public var referenceTime: Double
  /// The seconds over which each rate is a mean, ending at its time, as the input's frames are; `nil` for rates of a moment.
  public var intervalSeconds: Double?
  /// The grid, with what is copied from the input to say where it lies.
  public var grid: Grid
  /// The global attribute `title`.
  public var title: String
  /// The global attribute `institution`; left out when `nil`.
  public var institution: String?
  /// The global attribute `source`: the program, its version and the model.
  public var source: String?
  /// The global attribute `history`: what was done when. Leave it out for files that are to be equal byte for byte.
  public var history: String?
  /// The global attribute `references`.
  public var references: String?
  /// The global attribute `comment`.
  public var comment: String?
  /// The times of the input frames, written as the global attribute `input_times`.
  public var inputTimes: [Double]
  /// Those of ``inputTimes`` whose frames were not there or held no measurement, written as `input_missing`.
  public var missingTimes: [Double]
  /// Those of ``missingTimes`` that were interpolated between their neighbours, written as `input_interpolated`.
  public var interpolatedTimes: [Double]
  /// What stands behind each pixel, row by row, written as the variable `validity`.
  public var validity: [PixelValidity]
  /// More global attributes, in this order; at first those that the input's provenance asks for.
  public var attributes: [(name: String, value: String)]

  /// A forecast from the frames it was made from, all of them and no others: grid, institution, reference time (that of
  /// the last frame) and what was missing are theirs.
  ///
  /// - Precondition: the shape of `rainRate` is `[times.count, grid.height, grid.width]`, and there is at least one step.
  /// - Throws: ``RadarError`` when a file of the frames cannot be read any more.
  public init(
    rainRate: Tensor, times: [Double], from input: FrameSequence, title: String = "Rain forecast",
    source: String? = nil, history: String? = nil, references: String? = nil, comment: String? = nil
  ) throws {
    precondition(
      !times.isEmpty && rainRate.shape == [times.count, input.grid.height, input.grid.width],
      "\(times.count) steps of \(input.grid.height) × \(input.grid.width) are not a tensor of shape \(rainRate.shape)")
    self.rainRate = rainRate
    self.times = times
    referenceTime = input.times[input.count - 1]
    intervalSeconds = input.intervalSeconds?.last
    grid = input.grid
    self.title = title
    institution = input.source.provenance.institution
    self.source = source
    self.history = history
    self.references = references
    self.comment = comment
    let frames = try input.rainRate
    inputTimes = input.times
    interpolatedTimes = input.bridged.map { input.times[$0] }
    let bridged = Set(input.bridged)
    missingTimes = input.times.indices.filter { bridged.contains($0) || frames.part($0).isAllMissing }
      .map { input.times[$0] }
    validity = PixelValidity.plane(of: frames, hasInterpolated: !bridged.isEmpty)
    attributes = input.source.provenance.inherited
  }
}

extension Tensor {
  /// Whether every element is `NaN`.
  public var isAllMissing: Bool { withUnsafeBufferPointer { $0.allSatisfy(\.isNaN) } }
}
