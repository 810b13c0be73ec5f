import Advection
import ConvLSTM
import Foundation
import RadarIO

/// Everything that decides what a training run gives, apart from the data.
public struct TrainingOptions: Sendable, Equatable, Codable {
  /// The network.
  public var architecture = ModelConfiguration.Architecture()
  /// Frames the network reads.
  public var inputFrames = 5
  /// Frames it learns to forecast; `nil` takes as many as cover an hour, at least 4 and at most 20.
  public var leadFrames: Int?
  /// The side of the random crops in pixels; a smaller frame is taken whole.
  public var crop = 128
  /// Crops in one update.
  public var batchSize = 4
  /// Which crops are taken.
  public var sampling = SamplingKind.uniform
  /// Whether crops are turned by quarters and mirrored at random.
  public var augments = false
  /// Whether the model's forecasts are means of four, of the frames as they are and mirrored: for networks that learned from
  /// mirrored crops. Training is not touched.
  public var averagesFlips = false
  /// Rain rates of each crop are multiplied by a random factor of at most this, and at least its inverse; 1 leaves them.
  public var intensityScaling = 1.0
  /// Whether the backward pass computes gates again instead of keeping them: about half the memory for four tenths more
  /// time, and the same result within rounding. `nil` does it where the machine's memory would not suffice otherwise.
  public var recompute: Bool?
  /// Passes over the data.
  public var epochs = 100
  /// Updates after which training ends; `nil` does not limit them.
  public var maxSteps: Int?
  /// Seconds after which training ends; `nil` does not limit them. With a limit, the result depends on the machine.
  public var maxSeconds: Double?
  /// Whether what is learned from may be of several time steps and grid spacings.
  public var isMixed = false
  /// The coordinates in which the network sees rain.
  public var coordinates = Coordinates.eulerian
  /// What the network is told beside the frames.
  public var guidance = Guidance.none
  /// What is minimised.
  public var loss = TrainingLoss.mse
  /// Where Huber's loss turns from squared to absolute, in normalised units; a tenth of the scale is 7 dBZ.
  public var huberDelta = 0.1
  /// The optimiser.
  public var optimizer = OptimizerKind.adam
  /// The optimiser's learning rate, before the schedule.
  public var learningRate = 1e-3
  /// What an update leaves of the mean gradient (Adam, AdamW).
  public var beta1 = 0.9
  /// What an update leaves of the mean squared gradient (Adam, AdamW).
  public var beta2 = 0.999
  /// What an update leaves of the mean squared gradient (RMSProp; 0.9 as in Shi et al. 2015).
  public var rmsDecay = 0.9
  /// What an update leaves of the last step (SGD).
  public var momentum = 0.9
  /// How much weights shrink with an update, times the learning rate (AdamW).
  public var weightDecay = 0.01
  /// The course of the learning rate.
  public var schedule = ScheduleKind.constant
  /// The updates that cosine and one-cycle run over; `nil` takes the whole run.
  public var scheduleSteps: Int?
  /// The updates after which the learning rate falls (step).
  public var decaySteps = 10_000
  /// By which factor it falls (step, plateau).
  public var decayFactor = 0.5
  /// The validations without improvement after which it falls (plateau).
  public var plateauPatience = 5
  /// The updates over which the learning rate rises at the start.
  public var warmupSteps = 0
  /// The validations without improvement that end training; `nil` never ends it.
  public var earlyStopping: Int?
  /// The largest norm of the gradients; larger ones are shrunk to it.
  public var clipNorm = 1.0
  /// The batches whose gradients are averaged for one update.
  public var accumulate = 1
  /// What an update leaves of the average of the weights, which is validated and kept then; `nil` keeps the weights
  /// themselves.
  public var weightAverage: Double?
  /// What the weights begin with.
  public var beginning = Beginning.none
  /// The seed of first weights, order and crops.
  public var seed: UInt64 = 1
  /// The share of the frames, the last ones, that is held out for validation where no validation data is given.
  public var validationShare = 0.2
  /// From rain rate to the network's numbers.
  public var normalisation = Normalisation()

  /// The defaults.
  public init() {}

  /// Throws ``NowcastError`` `usage` when a number makes no sense.
  public func validate() throws {
    func require(_ condition: Bool, _ message: String) throws {
      if !condition { throw NowcastError(.usage, message) }
    }
    try require((1...1000).contains(inputFrames), "--input-frames is \(inputFrames); it must be 1 to 1000.")
    try require(
      leadFrames.map { (1...1000).contains($0) } ?? true, "--lead-frames is \(leadFrames ?? 0); it must be 1 to 1000.")
    try require((4...8192).contains(crop), "--crop is \(crop); it must be 4 to 8192 pixels.")
    try require((1...4096).contains(batchSize), "--batch-size is \(batchSize); it must be 1 to 4096.")
    try require((1...1_000_000_000).contains(epochs), "--epochs is \(epochs); it must be 1 to 1000000000.")
    try require(maxSteps.map { $0 > 0 } ?? true, "--max-steps is \(maxSteps ?? 0); it must be at least 1.")
    try require(maxSeconds.map { $0 > 0 } ?? true, "--max-seconds must be more than 0.")
    try require(
      (1...10).contains(intensityScaling), "--intensity-scaling is \(intensityScaling); it must be 1 to 10.")
    try require(
      coordinates == .eulerian || inputFrames >= 2,
      "Lagrangian coordinates need at least 2 --input-frames, since one shows no motion; --coordinates eulerian needs one."
    )
    try require(
      guidance.suits(coordinates, inputFrames: inputFrames),
      "guidance by S-PROG needs --coordinates lagrangian and at least \(SpectralPrognosis.frames) --input-frames; "
        + "--guidance none does without.")
    try require(
      try beginning == .none || fitsStarter(),
      "--init starter needs the network, loss and normalisation of the preset lagrangian; --init none draws the weights."
    )
    try validateOptimisation()
    try require(
      (0..<1).contains(validationShare), "--validation-share is \(validationShare); it must be 0 or more and below 1.")
    switch normalisation.kind {
    case .dbzLinear: try require(normalisation.isUsable, "--min-dbz must be below --max-dbz.")
    case .logRainRate:
      try require(normalisation.isUsable, "--log-offset must be more than 0 and below --max-rain-rate.")
    }
    try require(huberDelta.isFinite && huberDelta > 0, "--huber-delta is \(huberDelta); it must be more than 0.")
    _ = try pixelLoss()
    do {
      _ = try network()
    } catch {
      throw NowcastError(.usage, "these options make no network: \(error).")
    }
  }

  /// Whether a run may begin with the ``StarterModel``.
  func fitsStarter() throws -> Bool { try InitialWeights.starter().fit(self) }

  /// The loss of a pixel.
  ///
  /// - Throws: ``NowcastError`` `usage` where loss and normalisation do not go together.
  func pixelLoss() throws -> PixelLoss { try loss.pixelLoss(normalisation, huberDelta: huberDelta) }

  /// The network's layers.
  ///
  /// - Throws: `ConvLSTMError` when the numbers make no network.
  func network() throws(ConvLSTMError) -> EncoderForecasterConfiguration {
    try architecture.network(
      outputChannels: loss.forecastsRates ? 1 : TrainingLoss.exceedanceThresholds.count, guidance: guidance)
  }

  /// The lead frames for data of a time step.
  func leadFrames(stepSeconds: Double) -> Int {
    leadFrames ?? min(max(Int((3600 / stepSeconds).rounded()), 4), 20)
  }
}
