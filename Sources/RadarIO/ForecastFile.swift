import Tensor

/// A forecast as it is written: rain rate at future times on the grid of the input.
public struct ForecastFile: Sendable {
  /// Rain rate in mm/h, `[t, h, w]`, `NaN` where it is missing.
  public var rainRate: Tensor
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
  /// The times of the input frames, written as the global attribute `input_times` when there are any.
  public var inputTimes: [Double]
  /// Those of ``inputTimes`` whose frames were missing and filled in, written as `input_times_interpolated`.
  public var bridgedTimes: [Double] = []
  /// More global attributes, in this order.
  public var attributes: [(name: String, value: String)]

  /// A forecast from a sequence that was read: grid and institution are those of the input, and the reference time and
  /// the input times those of its frames unless they are given.
  ///
  /// - Precondition: the shape of `rainRate` is `[times.count, grid.height, grid.width]`, and there is at least one step.
  public init(
    rainRate: Tensor, times: [Double], from input: FrameSequence, referenceTime: Double? = nil,
    inputTimes: [Double]? = nil, title: String = "Rain forecast", source: String? = nil, history: String? = nil,
    references: String? = nil, comment: String? = nil
  ) {
    precondition(
      !times.isEmpty && rainRate.shape == [times.count, input.grid.height, input.grid.width],
      "\(times.count) steps of \(input.grid.height) × \(input.grid.width) are not a tensor of shape \(rainRate.shape)")
    self.rainRate = rainRate
    self.times = times
    self.referenceTime = referenceTime ?? input.times[input.times.count - 1]
    intervalSeconds = input.intervalSeconds?.last
    grid = input.grid
    self.title = title
    institution = input.source.institution
    self.source = source
    self.history = history
    self.references = references
    self.comment = comment
    self.inputTimes = inputTimes ?? input.times
    attributes = []
  }
}
