import Foundation
import RadarIO
import Tensor
import Verification

/// A forecast of a file, whose frames are read when they are needed.
public struct ForecastReading: Sendable {
  /// The file.
  public let path: String
  /// The name of the method in reports: the file's name without its suffix.
  public let method: String
  /// The valid times, in seconds since 1970.
  public let times: [Double]
  /// The time of the last frame that the forecast knew, in seconds since 1970.
  public let referenceTime: Double
  /// The grid.
  public private(set) var grid: Grid
  /// Opens the forecast, or each member of an ensemble.
  private let open: @Sendable () throws -> [FrameSequence]

  /// Takes a forecast that was read as sequences: one, or one for each member of an ensemble.
  ///
  /// - Parameters:
  ///   - members: the sequences.
  ///   - path: their file.
  ///   - referenceTime: what the file says; without it, one step before the first forecast frame.
  ///   - reopen: reads the sequences again. An open file takes memory, so of many forecasts only those are open that
  ///     are being scored; without it, `members` are kept.
  /// - Precondition: there is at least one sequence, and all have the same times.
  /// - Throws: ``NowcastError`` `unusable` when there is only one frame and the file does not say.
  public init(
    _ members: [FrameSequence], path: String, referenceTime: Double?,
    reopen: (@Sendable () throws -> [FrameSequence])? = nil
  ) throws {
    let sequence = members[0]
    guard referenceTime != nil || sequence.count > 1 else {
      throw NowcastError(
        .unusable,
        "nothing says how far ahead its one frame is; a forecast needs a scalar variable with standard_name "
          + "'forecast_reference_time'.", path: path)
    }
    self.path = path
    method = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    times = sequence.times
    self.referenceTime = referenceTime ?? sequence.times[0] - sequence.stepSeconds
    grid = sequence.grid
    open = reopen ?? { members }
  }

  /// Takes its grid from those of other forecasts if it is among them, else adds it: coordinates of every pixel are in
  /// memory once, and not for each of a thousand forecasts.
  public mutating func shareGrid(among grids: inout [Grid]) {
    if let known = grids.first(where: { $0 == grid }) { grid = known } else { grids.append(grid) }
  }

  /// The forecast, or each member of an ensemble, ready to be read.
  ///
  /// - Throws: ``NowcastError`` `unusable` when the file is no longer what it was, `RadarError` when it cannot be read.
  func opened() throws -> [FrameSequence] {
    let members = try open()
    guard members.allSatisfy({ $0.times == times && $0.grid.matches(grid) }) else {
      throw NowcastError(
        .unusable, "the file is no longer what it was when its header was read. Let its writer finish, and try again.",
        path: path)
    }
    return members
  }

  /// What was forecast for one of the times, from what ``opened()`` gave.
  ///
  /// - Throws: `RadarError` when the file cannot be read any more.
  func forecast(of members: [FrameSequence], at frame: Int) throws -> ScoredForecast {
    guard members.count > 1 else { return ScoredForecast(method: method, field: try members[0].rainRate(at: frame)) }
    var all = Tensor(shape: [members.count, grid.height, grid.width])
    let size = grid.height * grid.width
    for (index, member) in members.enumerated() {
      let field = try member.rainRate(at: frame)
      all.withUnsafeMutableBufferPointer { target in
        field.withUnsafeBufferPointer { source in
          for i in 0..<size { target[index * size + i] = source[i] }
        }
      }
    }
    return ScoredForecast(method: method, members: all)
  }
}

extension [FrameSequence] {
  /// The frame of a time on a grid; half a minute is no difference.
  func frame(at time: Double, on grid: Grid) -> (sequence: FrameSequence, frame: Int)? {
    for sequence in self where sequence.grid.matches(grid) {
      guard sequence.times[0] - 30 <= time, sequence.times[sequence.count - 1] + 30 >= time else { continue }
      if let frame = sequence.times.firstIndex(where: { abs($0 - time) <= 30 }) { return (sequence, frame) }
    }
    return nil
  }
}
