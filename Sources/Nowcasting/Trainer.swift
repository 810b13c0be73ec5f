import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor

/// Trains a network on windows of radar frames and keeps the best model.
public final class Trainer {
  /// What training ended with.
  public struct Result: Sendable {
    /// Updates altogether.
    public let steps: Int
    /// Epochs done.
    public let epochs: Int
    /// Updates that the kept model had.
    public let modelStep: Int
    /// What the kept model reached; `nil` without held-out windows.
    public let validation: ModelConfiguration.Validation?
  }

  /// A long epoch is saved in between, so that a crash or a power cut costs minutes at most.
  private static let checkpointInterval = Duration.seconds(300)

  private let folder: RunFolder
  private let sampler: Sampler
  private let batches: BatchPrefetch
  private let network: EncoderForecaster
  private let step: TrainingStep
  private let validator: Validator?
  private var gradients: ParameterSet
  private var configuration: ModelConfiguration
  private var adam: Adam
  private var position: Checkpoint.Position
  private var options: TrainingOptions { position.options }

  /// Prepares a new run in `folder`, or, with `resume`, takes up the one that is there.
  ///
  /// - Throws: ``NowcastError``: `usage` for options without sense, `cannotCreate` for a folder that cannot be used,
  ///   `unusable` for a checkpoint that is damaged or was made with other options.
  public init(
    _ data: TrainingData, options: TrainingOptions, folder: RunFolder, resume: Bool, overwrite: Bool, pool: WorkerPool
  ) throws {
    try options.validate()
    let loss = try options.pixelLoss()
    self.folder = folder
    sampler = Sampler(
      data, crop: options.crop, batchSize: options.batchSize, seed: options.seed, augments: options.augments)
    batches = BatchPrefetch(sampler)
    let architecture = try options.architecture.network()
    let fresh = ModelConfiguration(
      architecture: options.architecture, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      normalisation: options.normalisation, timeStepSeconds: data.stepSeconds, gridSpacingMetres: data.spacingMetres,
      loss: options.loss, huberDelta: options.loss == .huber ? options.huberDelta : nil, seed: options.seed)
    let checkpoint = resume ? try Trainer.checkpoint(of: folder, data, fresh, options) : nil
    var options = options
    // What a run began with it keeps, so that it comes out the same; but it may begin to recompute, where memory is short.
    if options.recompute == nil, checkpoint?.position.options.recompute == true { options.recompute = true }
    let memory = try TrainingMemory(architecture, sampler, recompute: options.recompute)
    options.recompute = memory.recomputes
    memoryText = MemoryNeed.text(memory.bytes)
    notes = memory.note.map { [$0] } ?? []
    if let checkpoint {
      configuration = checkpoint.model.configuration
      network = EncoderForecaster(architecture, parameters: checkpoint.model.parameters, pool: pool)
      adam = checkpoint.adam
      position = checkpoint.position
      position.options = options
    } else {
      configuration = fresh
      network = EncoderForecaster(architecture, seed: options.seed, pool: pool)
      adam = Adam(count: architecture.parameterLayout.count, learningRate: Float(options.learningRate))
      position = Checkpoint.Position(dataFingerprint: data.fingerprint, options: options)
    }
    gradients = ParameterSet(architecture.parameterLayout)
    step = TrainingStep(
      network, loss: loss, batch: options.batchSize, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      height: sampler.height, width: sampler.width, recomputes: memory.recomputes)
    let size = TrainingStep.subBatchSize(
      architecture, batch: options.batchSize, height: sampler.height, width: sampler.width)
    validator = try Validator(network, sampler, loss: loss, kind: options.loss, size: size)
    if !resume {
      try folder.prepare(overwrite: overwrite)
      try AtomicOutput.write(JSONText.encode(options, pretty: true), to: folder.configurationFile, overwrite: true)
    }
  }

  /// Where the run in `folder` stands, if it was started with the same options on the same data.
  private static func checkpoint(
    of folder: RunFolder, _ data: TrainingData, _ fresh: ModelConfiguration, _ options: TrainingOptions
  ) throws -> Checkpoint {
    try folder.requireCheckpoint()
    let checkpoint = try Checkpoint(contentsOf: folder.checkpointFile)
    try requireSame(checkpoint, fresh, options, path: folder.checkpointFile)
    guard checkpoint.position.dataFingerprint == data.fingerprint else {
      throw NowcastError(
        .unusable, "the run was started on other frames than those given now; --resume needs the same ones.",
        path: folder.checkpointFile)
    }
    return checkpoint
  }

  /// How many and how long may change when a run is taken up, and whether gates are computed again, which rounding alone
  /// shows; what is computed may not.
  private static func requireSame(
    _ checkpoint: Checkpoint, _ fresh: ModelConfiguration, _ options: TrainingOptions, path: String
  ) throws {
    var earlier = checkpoint.position.options
    (earlier.epochs, earlier.maxSteps, earlier.maxSeconds) = (options.epochs, options.maxSteps, options.maxSeconds)
    earlier.recompute = options.recompute
    var model = checkpoint.model.configuration
    (model.stepsTrained, model.validation, model.version) = (fresh.stepsTrained, fresh.validation, fresh.version)
    guard earlier == options, model == fresh else {
      throw NowcastError(
        .unusable,
        "the run was started with other options; --resume needs the same ones (all but --epochs, --max-steps, "
          + "--max-seconds and --recompute). They are in config.json.", path: path)
    }
  }

  /// About how much memory the process takes, for people.
  public let memoryText: String

  /// Sentences for people about what the machine made necessary.
  public let notes: [String]

  /// The size of the crops, for people.
  public var cropText: String { "\(sampler.height) × \(sampler.width)" }

  /// The number of the network's weights.
  public var parameterCount: Int { gradients.layout.count }

  /// Trains until epochs, steps or time are used up.
  ///
  /// - Parameters:
  ///   - shouldStop: is asked before every update whether the user wants to stop.
  ///   - report: is called after every update.
  /// - Throws: ``NowcastError``: `diverged` when loss or gradients are no longer finite, `interrupted` when the user
  ///   asked to stop (all is saved); `RadarError` when frames cannot be read or the run folder cannot be written.
  public func run(
    shouldStop: () -> Bool = { Interruption.isRequested }, report: (TrainingProgress) -> Void = { _ in }
  ) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let firstStep = position.step
    var lastSave = start
    // Not over before there is anything to save, however short the time.
    func seconds() -> Double { position.step > firstStep ? (clock.now - start) / .seconds(1) : 0 }
    let stepsPerEpoch = sampler.stepsPerEpoch
    while position.epoch < options.epochs && !isOver(seconds()) {
      while position.stepInEpoch < stepsPerEpoch && !isOver(seconds()) {
        if shouldStop() { try interrupt() }
        try update()
        if clock.now - lastSave > Trainer.checkpointInterval {
          try writeCheckpoint()
          lastSave = clock.now
        }
        report(progress(stepsPerEpoch: stepsPerEpoch, stepsDone: position.step - firstStep, seconds: seconds()))
      }
      if shouldStop() { try interrupt() }
      try validateAndKeep(endsEpoch: position.stepInEpoch == stepsPerEpoch)
      lastSave = clock.now
    }
    return Result(
      steps: position.step, epochs: position.epoch, modelStep: configuration.stepsTrained,
      validation: configuration.validation)
  }

  private func isOver(_ seconds: Double) -> Bool {
    (options.maxSteps.map { position.step >= $0 } ?? false) || (options.maxSeconds.map { seconds >= $0 } ?? false)
  }

  /// One update of the weights.
  private func update() throws {
    let batch = try batches.batch(epoch: position.epoch, step: position.stepInEpoch)
    gradients.values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    let loss = step(input: batch.input, target: batch.target, into: &gradients)
    // A batch without one measured pixel teaches nothing: its loss is that of the epoch so far, its gradient none.
    if let mean = loss.mean {
      let norm = gradients.clip(toNorm: options.clipNorm)
      guard mean.isFinite && norm.isFinite else { throw divergence(batch, loss: mean) }
      adam.update(&network.parameters, gradients: gradients)
      position.lossSum += mean
      position.largestNorm = max(position.largestNorm, norm)
    } else {
      position.lossSum += position.stepInEpoch > 0 ? position.lossSum / Double(position.stepInEpoch) : 0
    }
    position.step += 1
    position.stepInEpoch += 1
  }

  private func divergence(_ batch: Sampler.Batch, loss: Double) -> NowcastError {
    let sample = batch.samples[0]
    let frames = sampler.data.frames[sample.window.sequence]
    let kept =
      position.hasModel
      ? "The best model of the epochs before is kept." : "No model was kept yet."
    return NowcastError(
      .diverged,
      "training diverged at step \(position.step + 1) of epoch \(position.epoch + 1): loss \(loss), at frame "
        + "\(sample.window.start + 1) of \(frames.name) and others. \(kept) Try a smaller --learning-rate.",
      path: folder.path)
  }

  /// Validates, keeps the model if it is the best so far, and saves where the run stands.
  ///
  /// - Parameter endsEpoch: false when the run's limit was met in the middle of an epoch. The epoch stays open then:
  ///   a run that is taken up again goes on in it.
  private func validateAndKeep(endsEpoch: Bool) throws {
    guard position.stepInEpoch > 0 else { return }
    let validation = try validator?.validation(network)
    // The last update may have ruined the weights after its loss was still a number.
    guard validation?.loss.isFinite ?? network.parameters.norm.isFinite else {
      throw NowcastError(
        .diverged,
        "training diverged: after step \(position.step) the \(validation == nil ? "weights are" : "validation loss is") "
          + "not finite. Try a smaller --learning-rate.", path: folder.path)
    }
    var history = position.history
    history.append(
      TrainingRecord(
        epoch: position.epoch + 1, step: position.step, trainLoss: position.lossSum / Double(position.stepInEpoch),
        validationLoss: validation?.loss, gradientNorm: position.largestNorm, learningRate: options.learningRate))
    // Without held-out windows there is no better or worse: the last model is kept.
    if validation == nil || position.bestLoss.map({ (validation?.loss ?? 0) < $0 }) ?? true {
      position.bestLoss = validation?.loss
      try writeModel(validation: validation)
    }
    if endsEpoch {
      position.history = history
      position.epoch += 1
      (position.stepInEpoch, position.lossSum, position.largestNorm) = (0, 0, 0)
    }
    try history.write(to: folder.historyFile)
    try writeCheckpoint()
  }

  private func writeModel(validation: ModelConfiguration.Validation?) throws {
    configuration.stepsTrained = position.step
    configuration.validation = validation
    try Model(configuration: configuration, parameters: network.parameters).file()
      .write(to: folder.modelFile, overwrite: true)
    position.hasModel = true
  }

  private func writeCheckpoint() throws {
    let model = Model(configuration: configuration, parameters: network.parameters)
    try Checkpoint(model: model, adam: adam, position: position).write(to: folder.checkpointFile)
  }

  private func interrupt() throws -> Never {
    // Before the first validation there is no best model yet; the present one is better than none.
    if !position.hasModel { try writeModel(validation: nil) }
    try writeCheckpoint()
    throw NowcastError(
      .interrupted, "stopped after step \(position.step); everything is saved, --resume goes on from here.",
      path: folder.path)
  }

  private func progress(stepsPerEpoch: Int, stepsDone: Int, seconds: Double) -> TrainingProgress {
    let rate = Double(stepsDone) / max(seconds, 1e-9)
    var stepsLeft = (options.epochs - position.epoch) * stepsPerEpoch - position.stepInEpoch
    if let most = options.maxSteps { stepsLeft = min(stepsLeft, most - position.step) }
    var left = Double(max(stepsLeft, 0)) / rate
    if let most = options.maxSeconds { left = min(left, max(most - seconds, 0)) }
    return TrainingProgress(
      epoch: position.epoch + 1, epochs: options.epochs, stepInEpoch: position.stepInEpoch,
      stepsPerEpoch: stepsPerEpoch, step: position.step,
      trainLoss: position.lossSum / Double(max(position.stepInEpoch, 1)),
      validationLoss: position.history.records.last?.validationLoss,
      windowsPerSecond: rate * Double(options.batchSize), secondsLeft: left)
  }
}
