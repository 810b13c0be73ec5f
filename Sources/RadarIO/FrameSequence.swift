import Tensor

/// Where a sequence came from and how it became rain rate.
public struct SourceDescription: Sendable, Equatable {
  /// The files, in time order.
  public var files: [String]
  /// The variable that held the rain.
  public var variable: String
  /// The units in the file.
  public var units: String
  /// How the numbers became mm/h, in words.
  public var conversion: String
  /// The members of the ensemble that the files hold, of which one was read; 1 for what is none.
  public var memberCount = 1
  /// Why the variable was taken for the rain.
  public var reason: String?
  /// What else people may want to know of how the files were understood.
  public var notes: [String] = []
  /// What the first file says of itself, with the terms of use of all.
  public var provenance: Provenance

  /// A description; everything may be left out for sequences that come from no file.
  public init(
    files: [String] = [], variable: String = "rainfall_rate", units: String = "mm h-1",
    conversion: String = "rain rate in mm h-1", provenance: Provenance = Provenance()
  ) {
    self.files = files
    self.variable = variable
    self.units = units
    self.conversion = conversion
    self.provenance = provenance
  }
}

/// Radar frames of one grid at regular times.
public struct FrameSequence: Sendable {
  /// A name unique among the sequences read together: the time of the first frame, such as `2020-10-31T00:10Z`.
  public var name: String
  /// Where the pixels are.
  public var grid: Grid
  /// The valid time of each frame in seconds since 1970-01-01 00:00:00 UTC, ascending; the end of the interval for what was
  /// an amount in the file.
  public var times: [Double]
  /// The seconds from frame to frame; 0 when there is only one.
  public var stepSeconds: Double
  /// The seconds over which each frame is a mean, for what was an amount in the file; `nil` for rates of a moment.
  public var intervalSeconds: [Double]?
  /// The moment a forecast starts from, in the same seconds as ``times``; `nil` for radar frames.
  public var referenceTime: Double?
  /// The positions of frames that were missing and are interpolated between their neighbours, ascending.
  public var bridged: [Int] = []
  /// The frames, which may still be in their files.
  var frames: FrameStore
  /// Where the frames came from.
  public var source: SourceDescription

  /// Makes a sequence, for instance of synthetic frames. The name defaults to the first time, the step to the mean.
  ///
  /// - Precondition: there is at least one frame, and the shape of `rainRate` is `[times.count, grid.height, grid.width]`.
  public init(
    name: String? = nil, grid: Grid, times: [Double], stepSeconds: Double? = nil, intervalSeconds: [Double]? = nil,
    referenceTime: Double? = nil, rainRate: Tensor, source: SourceDescription = SourceDescription()
  ) {
    precondition(
      !times.isEmpty && rainRate.shape == [times.count, grid.height, grid.width],
      "\(times.count) frames of \(grid.height) × \(grid.width) are not a tensor of shape \(rainRate.shape)")
    precondition(intervalSeconds.map { $0.count == times.count } ?? true, "there is one interval for each frame")
    self.name = name ?? TimeAxis.text(times[0])
    self.grid = grid
    self.times = times
    self.stepSeconds =
      stepSeconds ?? (times.count > 1 ? (times[times.count - 1] - times[0]) / Double(times.count - 1) : 0)
    self.intervalSeconds = intervalSeconds
    self.referenceTime = referenceTime
    frames = .memory(rainRate)
    self.source = source
  }

  /// A sequence whose frames are read when they are needed.
  init(grid: Grid, times: [Double], stepSeconds: Double, frames: FrameStore, source: SourceDescription) {
    name = TimeAxis.text(times[0])
    self.grid = grid
    self.times = times
    self.stepSeconds = stepSeconds
    self.frames = frames
    self.source = source
  }

  /// Rain rate in mm/h of all frames, `[t, h, w]`, `NaN` where it is missing.
  ///
  /// - Throws: ``RadarError`` when a file cannot be read any more.
  public var rainRate: Tensor {
    get throws {
      if case .memory(let tensor) = frames { return tensor }
      return try rainRate(of: 0..<count)
    }
  }

  /// The same sequence with other rain rates in mm/h, `[t, h, w]`, and times.
  ///
  /// - Precondition: the shape is `[times.count, grid.height, grid.width]`.
  public func with(times: [Double]? = nil, rainRate: Tensor) -> FrameSequence {
    var sequence = self
    sequence.times = times ?? self.times
    precondition(
      rainRate.shape == [sequence.count, grid.height, grid.width], "\(rainRate.shape) is not the shape of the frames")
    sequence.frames = .memory(rainRate)
    return sequence
  }

  /// Rain rate in mm/h of some of the frames, `[t, h, w]`, `NaN` where it is missing.
  ///
  /// - Throws: ``RadarError`` when a file cannot be read any more.
  public func rainRate(of range: Range<Int>) throws -> Tensor {
    if case .memory(let tensor) = frames { return tensor.parts(range) }
    var tensor = Tensor(shape: [range.count, grid.height, grid.width])
    let size = grid.height * grid.width
    try tensor.withUnsafeMutableBufferPointer { pixels in
      for (place, frame) in range.enumerated() {
        try frames.read(frame, into: UnsafeMutableBufferPointer(rebasing: pixels[place * size..<(place + 1) * size]))
      }
    }
    return tensor
  }

  /// The seconds from frame to frame among some of the frames; those of the whole sequence where one frame is all.
  public func stepSeconds(of range: Range<Int>) -> Double {
    range.count > 1 ? SequenceAssembly.usualDifference(of: times[range]) : stepSeconds
  }

  /// The files that some of the frames are from, in the order of time; those around a frame that was missing, too.
  ///
  /// Of a sequence in memory it is not known, and these are all files of its source.
  public func files(of range: Range<Int>) -> [String] {
    guard case .files(let reader, let origins) = frames else { return source.files }
    return FrameSequence.used(range, origins).map { reader.files[$0].path }
  }

  private static func used(_ range: Range<Int>, _ origins: [FrameOrigin]) -> [Int] {
    var places: Set<Int> = []
    for place in range {
      if case .between(let before, let after, _) = origins[place] {
        places.formUnion([before, after])
      } else {
        places.insert(place)
      }
    }
    var files: [Int] = []
    for place in places.sorted() {
      if case .file(let file, _, _) = origins[place], !files.contains(file) { files.append(file) }
    }
    return files
  }

  /// Some of the frames as a sequence of their own, in memory. Its source is the files of these frames alone.
  ///
  /// - Throws: ``RadarError`` when a file cannot be read any more.
  public func part(_ range: Range<Int>) throws -> FrameSequence {
    var part = self
    part.frames = .memory(try rainRate(of: range))
    part.times = Array(times[range])
    part.intervalSeconds = intervalSeconds.map { Array($0[range]) }
    part.bridged = bridged.filter(range.contains).map { $0 - range.lowerBound }
    if case .files(let reader, let origins) = frames {
      let used = FrameSequence.used(range, origins)
      part.grid = reader.files[used[0]].grid
      part.source.files = used.map { reader.files[$0].path }
      part.source.provenance = reader.provenance(of: used)
    }
    return part
  }

  /// Rain rate in mm/h of one frame, `[h, w]`, `NaN` where it is missing.
  ///
  /// - Throws: ``RadarError`` when its file cannot be read any more.
  public func rainRate(at frame: Int) throws -> Tensor { try rainRate(of: frame..<frame + 1).part(0) }

  /// Rain rate in mm/h of one frame as it was measured, `[h, w]`: `NaN` everywhere where the frame was missing and is
  /// interpolated, since that is nothing to learn from and nothing to be compared with.
  ///
  /// - Throws: ``RadarError`` when its file cannot be read any more.
  public func measuredRainRate(at frame: Int) throws -> Tensor {
    guard bridged.contains(frame) else { return try rainRate(at: frame) }
    return Tensor(shape: [grid.height, grid.width], repeating: .nan)
  }

  /// The number of frames.
  public var count: Int { times.count }
}
