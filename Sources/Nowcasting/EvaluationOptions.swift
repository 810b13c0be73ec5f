import Verification

/// What is evaluated, and how.
public struct EvaluationOptions: Sendable, Equatable {
  /// What an event is, in which units errors are, and in which order is averaged.
  public var definition = ScoreDefinition.standard
  /// Thresholds in mm/h; `nil` takes those of the definition.
  public var thresholds: [Float]?
  /// The widths of the neighbourhoods of the fractions skill score in pixels.
  public var windows = [1, 5, 9, 17, 33, 65]
  /// The widths of the blocks of the pooled CSI in pixels.
  public var pools = [4, 16]
  /// The minutes of start times that make a block of the bootstrap.
  public var blockMinutes = 60
  /// Every N-th possible start time.
  public var stride = 1
  /// Frames to forecast; `nil` takes the model's number.
  public var leadFrames: Int?
  /// What is scored beside the forecasts.
  public var baselines = Baseline.standard
  /// Whether a model is used on frames of another step or spacing than it was trained on.
  public var force = false

  /// The defaults.
  public init() {}

  /// What is computed.
  var settings: ScoreSettings {
    ScoreSettings(definition: definition, thresholds: thresholds, windows: windows, pools: pools)
  }

  /// Throws ``NowcastError`` `usage` when a number makes no sense.
  public func validate() throws {
    let thresholds = self.thresholds ?? definition.thresholds
    guard !thresholds.isEmpty, thresholds.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw NowcastError(.usage, "--thresholds must be rain rates above 0 mm/h.")
    }
    guard zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw NowcastError(.usage, "--thresholds must ascend, each given once.")
    }
    guard Set(windows).count == windows.count, windows.allSatisfy({ (1...10_000).contains($0) }) else {
      throw NowcastError(.usage, "--fss-windows must be widths of 1 to 10000 pixels, each given once.")
    }
    guard (1...1_000_000).contains(blockMinutes) else {
      throw NowcastError(.usage, "--block-minutes is \(blockMinutes); it must be 1 to 1000000.")
    }
    guard stride > 0 else { throw NowcastError(.usage, "--stride is \(stride); it must be at least 1.") }
    guard leadFrames.map({ (1...1000).contains($0) }) ?? true else {
      throw NowcastError(.usage, "--lead-frames is \(leadFrames ?? 0); it must be 1 to 1000.")
    }
  }
}
