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
    /// Whether validation had not improved for as long as `earlyStopping` says.
    public let stoppedEarly: Bool
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
  private var optimisation: Optimisation
  private var position: Checkpoint.Position
  private var options: TrainingOptions { position.options }

  /// Prepares a new run in `folder`, or, with `resume`, takes up the one that is there.
  ///
  /// - Parameter initial: weights that a new run begins with; those that it lacks are drawn.
  /// - Throws: ``NowcastError``: `usage` for options without sense, `cannotCreate` for a folder that cannot be used,
  ///   `unusable` for a checkpoint that is damaged or was made with other options.
  public init(
    _ data: TrainingData, options: TrainingOptions, folder: RunFolder, resume: Bool, overwrite: Bool,
    initial: InitialWeights? = nil, pool: WorkerPool
  ) throws {
    try options.validate()
    let loss = try options.pixelLoss()
    self.folder = folder
    sampler = Sampler(
      data, crop: options.crop, batchSize: options.batchSize, accumulation: options.accumulate, seed: options.seed,
      augments: options.augments, wetness: options.sampling == .wet ? Wetness(options.normalisation) : nil)
    batches = BatchPrefetch(sampler)
    let architecture = try options.architecture.network()
    let fresh = ModelConfiguration(
      architecture: options.architecture, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      normalisation: options.normalisation, timeStepSeconds: data.stepSeconds, gridSpacingMetres: data.spacingMetres,
      loss: options.loss, huberDelta: options.loss == .huber ? options.huberDelta : nil, seed: options.seed)
    let checkpoint = resume ? try Checkpoint(resuming: folder, data, fresh, options) : nil
    var options = options
    // What a run began with it keeps, so that it comes out the same; but it may begin to recompute, where memory is short.
    if options.recompute == nil, checkpoint?.position.options.recompute == true { options.recompute = true }
    let memory = try TrainingMemory(architecture, sampler, options)
    options.recompute = memory.recomputes
    memoryText = MemoryNeed.text(memory.bytes)
    var notes = [memory.note, try sampler.wetnessNote()].compactMap(\.self)
    if let checkpoint {
      configuration = checkpoint.model.configuration
      network = EncoderForecaster(architecture, parameters: checkpoint.model.parameters, pool: pool)
      optimisation = checkpoint.optimisation
      position = checkpoint.position
      position.options = options
    } else {
      configuration = fresh
      network = EncoderForecaster(architecture, seed: options.seed, pool: pool)
      if let initial { notes.append(try initial.apply(to: &network.parameters)) }
      let steps = options.scheduleSteps(stepsPerEpoch: sampler.stepsPerEpoch)
      optimisation = Optimisation(options, scheduleSteps: steps, count: architecture.parameterLayout.count)
      position = Checkpoint.Position(scheduleSteps: steps, dataFingerprint: data.fingerprint, options: options)
    }
    self.notes = notes
    gradients = ParameterSet(architecture.parameterLayout)
    step = TrainingStep(
      network, loss: loss, batch: options.batchSize, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      height: sampler.height, width: sampler.width, recomputes: memory.recomputes)
    let size = TrainingStep.subBatchSize(
      architecture, batch: options.batchSize, height: sampler.height, width: sampler.width)
    validator = try Validator(network, sampler, loss: loss, kind: options.loss, size: size)
    if validator == nil && (options.earlyStopping != nil || options.schedule == .plateau) {
      throw NowcastError(
        .usage,
        "--early-stopping and --schedule plateau need validation, but no window is held out; give --validation, more "
          + "frames or another --validation-share.")
    }
    if !resume {
      try folder.prepare(overwrite: overwrite)
      try AtomicOutput.write(Data(options.configurationText.utf8), to: folder.configurationFile, overwrite: true)
    }
  }

  /// About how much memory the process takes, for people.
  public let memoryText: String

  /// Sentences for people about how it is trained.
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
      stoppedEarly: hasStalled, validation: configuration.validation)
  }

  private func isOver(_ seconds: Double) -> Bool {
    (options.maxSteps.map { position.step >= $0 } ?? false) || (options.maxSeconds.map { seconds >= $0 } ?? false)
      || hasStalled
  }

  private var hasStalled: Bool { options.earlyStopping.map { position.epochsSinceBest >= $0 } ?? false }

  /// One update of the weights, from the mean gradient of as many batches as are accumulated.
  private func update() throws {
    gradients.values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    var (sum, taught) = (0.0, 0)
    var last: Sampler.Batch?
    for part in 0..<options.accumulate {
      let number = position.stepInEpoch * options.accumulate + part
      let batch = try batches.batch(epoch: position.epoch, number: number)
      // A batch without one measured pixel teaches nothing.
      guard let loss = step(input: batch.input, target: batch.target, into: &gradients).mean else { continue }
      guard loss.isFinite else { throw divergence(batch, loss: loss) }
      sum += loss
      taught += 1
      last = batch
    }
    if let last {
      if taught > 1 { gradients.scale(by: 1 / Float(taught)) }
      let norm = gradients.clip(toNorm: options.clipNorm)
      guard norm.isFinite else { throw divergence(last, loss: sum / Double(taught)) }
      position.largestNorm = max(position.largestNorm, norm)
      position.learningRate = optimisation.update(
        &network.parameters, gradients: gradients, step: position.step, factor: position.plateau.factor)
      position.lossSum += sum / Double(taught)
    } else {
      // The loss of an update without any is that of the epoch so far.
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
    let validation = try withKeptWeights { try validator?.validation(network) }
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
        validationLoss: validation?.loss, gradientNorm: position.largestNorm, learningRate: position.learningRate))
    // Without held-out windows there is no better or worse: the last model is kept.
    let isBest = validation == nil || position.bestLoss.map({ (validation?.loss ?? 0) < $0 }) ?? true
    if isBest {
      position.bestLoss = validation?.loss
      try writeModel(validation: validation)
    }
    if endsEpoch {
      position.epochsSinceBest = isBest ? 0 : position.epochsSinceBest + 1
      if options.schedule == .plateau, let validation {
        position.plateau.add(validation.loss, patience: options.plateauPatience, decay: options.decayFactor)
      }
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
    try withKeptWeights {
      try Model(configuration: configuration, parameters: network.parameters).file()
        .write(to: folder.modelFile, overwrite: true)
    }
    position.hasModel = true
  }

  /// Does something with the weights that are validated and kept: their average, where one is made.
  private func withKeptWeights<T>(_ body: () throws -> T) rethrows -> T {
    guard let average = optimisation.average?.values else { return try body() }
    let trained = network.parameters
    network.parameters.values = average
    defer { network.parameters = trained }
    return try body()
  }

  private func writeCheckpoint() throws {
    let model = Model(configuration: configuration, parameters: network.parameters)
    try Checkpoint(model: model, optimisation: optimisation, position: position).write(to: folder.checkpointFile)
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
      windowsPerSecond: rate * Double(options.batchSize * options.accumulate), secondsLeft: left)
  }
}
