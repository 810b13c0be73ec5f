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
  /// The loss of the last update.
  public let loss: Double
  /// The moving average of the losses.
  public let smoothedLoss: Double
  /// The mean loss of this epoch so far.
  public let trainLoss: Double
  /// The last validation loss.
  public let validationLoss: Double?
  /// Windows trained on per second, without the time of validation.
  public let windowsPerSecond: Double
  /// Operations per second, in units of 10⁹ and counted as direct convolutions, without the time of validation.
  public let gigaflopsPerSecond: Double
  /// The share of the time of updates in which the network stood still for the gradients of other ranks; `nil` for a
  /// process that works alone.
  public let waitingShare: Double?
  /// The most bytes that the process has had in memory so far.
  public let peakBytes: Double
  /// Seconds to the end of the run, as it looks now.
  public let secondsLeft: Double?
}
