/// What a user sees while training goes on.
public struct TrainingProgress: Sendable {
  /// The epoch, from 1.
  public let epoch: Int
  /// Epochs wanted.
  public let epochs: Int
  /// Updates of this epoch so far.
  public let stepInEpoch: Int
  /// Updates in an epoch.
  public let stepsPerEpoch: Int
  /// Updates so far.
  public let step: Int
  /// The mean loss of this epoch so far.
  public let trainLoss: Double
  /// The last validation loss.
  public let validationLoss: Double?
  /// Windows trained on per second.
  public let windowsPerSecond: Double
  /// Seconds to the end of the run, as it looks now.
  public let secondsLeft: Double?
}
