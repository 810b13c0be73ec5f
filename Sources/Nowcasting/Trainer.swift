import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor

/// Trains a network on windows of radar frames and keeps the best model.
///
/// Several processes may train together, each on its share of every batch: all of them have the same weights, and rank 0
/// alone writes.
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
  /// The page is not made again after every epoch where these are short.
  private static let pageInterval = Duration.seconds(30)

  private let folder: RunFolder
  private let communicator: any Communicator
  private let share: BatchShare
  private let sampler: Sampler
  private let batches: BatchPrefetch
  private let network: EncoderForecaster
  private let step: TrainingStep
  private let validator: Validator?
  private var gradients: ParameterSet
  private let gradientSum: GradientSum
  private var configuration: ModelConfiguration
  /// On rank 0.
  private let examples: TrainingExamples?
  private let work: NetworkWork
  private var optimisation: Optimisation
  private var position: Checkpoint.Position
  /// The epochs that are done, and the one that a limit ended.
  private var history: TrainingHistory
  /// The loss of the last update.
  private var loss = 0.0
  private var options: TrainingOptions { position.options }

  /// Prepares a new run in `folder`, or, with `resume`, takes up the one that is there; where that one had not saved
  /// anything yet, it begins.
  ///
  /// - Parameters:
  ///   - initial: weights that a new run begins with; those that it lacks are drawn.
  ///   - communicator: the processes that train together. Where there are several, each makes its own trainer within
  ///     ``Communicator/agree(_:)``.
  /// - Throws: ``NowcastError``: `usage` for options without sense, `cannotCreate` for a folder that cannot be used,
  ///   `unusable` for a checkpoint that is damaged or was made with other options or other data; `RadarError` `writeFailed`
  ///   where there is no room for a checkpoint.
  public init(
    _ data: TrainingData, options: TrainingOptions, folder: RunFolder, resume: Bool, overwrite: Bool,
    initial: InitialWeights? = nil, communicator: any Communicator = SingleProcess(), pool: WorkerPool
  ) throws {
    try options.validate()
    let loss = try options.pixelLoss()
    self.folder = folder
    self.communicator = communicator
    share = try BatchShare(communicator, batchSize: options.batchSize)
    let batch = options.batchSize / share.size
    sampler = Sampler(
      data, crop: options.crop, batchSize: options.batchSize, accumulation: options.accumulate, seed: options.seed,
      augments: options.augments, wetness: options.sampling == .wet ? Wetness(options.normalisation) : nil,
      intensity: options.intensityScaling > 1
        ? IntensityScaling(most: options.intensityScaling, normalisation: options.normalisation) : nil,
      coordinates: options.coordinates, guidance: options.guidance)
    batches = BatchPrefetch(sampler, share: share)
    let architecture = try options.network()
    var fresh = ModelConfiguration(
      architecture: options.architecture, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      normalisation: options.normalisation, timeStepSeconds: data.stepSeconds, gridSpacingMetres: data.spacingMetres,
      coordinates: options.coordinates,
      loss: options.loss, huberDelta: options.loss == .huber ? options.huberDelta : nil, seed: options.seed)
    (fresh.averagesFlips, fresh.guidance) = (options.averagesFlips, options.guidance)
    (fresh.timeStepRange, fresh.gridSpacingRange) = (data.stepRange, data.spacingRange)
    let resumption = resume ? try Resumption(folder) : nil
    try resumption?.requireSame(options, data, fresh)
    let checkpoint = resumption?.checkpoint
    var options = options
    // What a run began with it keeps, so that it comes out the same; but it may begin to recompute, where memory is short.
    if options.recompute == nil, checkpoint?.position.options.recompute == true { options.recompute = true }
    let memory = try TrainingMemory(architecture, sampler, options, ranks: share.size)
    options.recompute = memory.recomputes
    memoryText = MemoryNeed.text(memory.bytes)
    var notes = [memory.note, try sampler.wetnessNote()].compactMap(\.self)
    warnings = [
      resumption?.note,
      resume && resumption == nil ? "\(folder.path): nothing was saved yet; training starts from the beginning" : nil,
    ].compactMap(\.self)
    if let checkpoint {
      configuration = checkpoint.model.configuration
      network = EncoderForecaster(architecture, parameters: checkpoint.model.parameters, pool: pool)
      optimisation = checkpoint.optimisation
      position = checkpoint.position
      position.options = options
    } else {
      configuration = fresh
      network = EncoderForecaster(architecture, seed: options.seed, pool: pool)
      if options.guidance == .sprog, let thresholds = fresh.exceedanceThresholds {
        SPROGGuidance.begin(&network.parameters, thresholds: thresholds, patch: options.architecture.patch)
      }
      let initial = try initial ?? (options.beginning == .starter ? .starter() : nil)
      if let initial { notes.append(try initial.apply(to: &network.parameters)) }
      let steps = options.scheduleSteps(stepsPerEpoch: sampler.stepsPerEpoch)
      optimisation = Optimisation(options, scheduleSteps: steps, count: architecture.parameterLayout.count)
      position = Checkpoint.Position(scheduleSteps: steps, data: data.record, options: options)
    }
    history = position.history
    work = NetworkWork(
      architecture, inputFrames: data.inputFrames, leadFrames: data.leadFrames, height: sampler.height,
      width: sampler.width)
    self.notes = notes
    gradients = ParameterSet(architecture.parameterLayout)
    gradientSum = GradientSum(communicator, buckets: network.gradientBuckets)
    step = TrainingStep(
      network, loss: loss, batch: batch, inputFrames: data.inputFrames, leadFrames: data.leadFrames,
      height: sampler.height, width: sampler.width, recomputes: memory.recomputes)
    let size = TrainingStep.subBatchSize(
      architecture, batch: batch, height: sampler.height, width: sampler.width)
    let held = try sampler.validationSamples(most: Validator.samples)
    validator = try Validator(
      network, sampler, held: held, loss: loss, kind: options.loss, size: size, communicator: communicator)
    examples =
      communicator.isRoot
      ? try TrainingExamples(
        sampler, options.normalisation, thresholds: fresh.exceedanceThresholds, held: held) : nil
    if validator == nil && (options.earlyStopping != nil || options.schedule == .plateau) {
      throw NowcastError(
        .usage,
        "--early-stopping and --schedule plateau need validation, but no window is held out; give --validation, more "
          + "frames or another --validation-share.")
    }
    // Nothing changes in the folder before all ranks have read what is there.
    try communicator.agree {}
    try communicator.onRoot {
      if let resumption { return try resumption.takeUp() }
      try folder.prepare(overwrite: overwrite || resume)
      try AtomicOutput.write(Data(options.configurationText.utf8), to: folder.configurationFile, overwrite: true)
      // From the first moment on there is something to go on from. An earlier run's checkpoint is not this run's previous
      // one.
      try currentCheckpoint().file().write(to: folder.checkpointFile, overwrite: true)
    }
  }

  /// About how much memory the process takes, for people.
  public let memoryText: String

  /// Sentences for people about how it is trained.
  public let notes: [String]

  /// Sentences about what people should know of the run that is taken up.
  public let warnings: [String]

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
  ///   asked to stop (all is saved); `RadarError` when frames cannot be read or the run folder cannot be written. Of
  ///   several processes all throw the same ``SharedError``.
  public func run(
    shouldStop: () -> Bool = { Interruption.isRequested }, report: (TrainingProgress) -> Void = { _ in }
  ) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let firstStep = position.step
    var (lastSave, lastPage) = (start, start)
    var updating = Duration.zero
    // Not over before there is anything to save, however short the time.
    func seconds() -> Double { position.step > firstStep ? (clock.now - start) / .seconds(1) : 0 }
    let stepsPerEpoch = sampler.stepsPerEpoch
    while position.epoch < options.epochs && !isOver(seconds()) {
      while position.stepInEpoch < stepsPerEpoch && !isOver(seconds()) {
        if communicator.any(shouldStop()) { try interrupt() }
        updating += try clock.measure { try update() }
        if communicator.any(communicator.isRoot && clock.now - lastSave > Trainer.checkpointInterval) {
          try writeCheckpoint()
          lastSave = clock.now
        }
        report(
          progress(
            stepsPerEpoch: stepsPerEpoch, stepsDone: position.step - firstStep, updating: updating / .seconds(1),
            seconds: seconds()))
      }
      if communicator.any(shouldStop()) { try interrupt() }
      try validateAndKeep(endsEpoch: position.stepInEpoch == stepsPerEpoch)
      lastSave = clock.now
      if communicator.any(communicator.isRoot && clock.now - lastPage > Trainer.pageInterval) {
        try writePage()
        lastPage = clock.now
      }
    }
    guard position.hasModel else {
      throw diverged(
        "the network is saturated, or its loss far above that of the untrained one", step: position.step)
    }
    try writePage()
    return Result(
      steps: position.step, epochs: position.epoch, modelStep: configuration.stepsTrained,
      stoppedEarly: hasStalled, validation: configuration.validation)
  }

  private func isOver(_ seconds: Double) -> Bool {
    (options.maxSteps.map { position.step >= $0 } ?? false)
      || (options.maxSeconds.map { communicator.fromRoot(seconds) >= $0 } ?? false) || hasStalled
  }

  private var hasStalled: Bool { options.earlyStopping.map { position.epochsSinceBest >= $0 } ?? false }

  /// One update of the weights, from the mean gradient of as many batches as are accumulated.
  private func update() throws {
    gradients.values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    var taught: [(batch: Sampler.Batch, validCount: Double)] = []
    // For each batch that taught something the sum of its losses, and those of saying the same everywhere.
    var sums: [Double] = []
    for part in 0..<options.accumulate {
      let number = position.stepInEpoch * options.accumulate + part
      let batch = try communicator.agree { try batches.batch(epoch: position.epoch, number: number) }
      let validCount = communicator.sum(Double(MaskedLoss.validCount(batch.target)))
      // A batch without one measured pixel teaches nothing.
      guard validCount > 0 else { continue }
      let isLast = part == options.accumulate - 1
      let loss = step(
        input: batch.input, target: batch.target, guidance: batch.guidance, into: &gradients,
        validCount: Int(validCount), whenFinal: isLast ? gradientSum.begin : nil)
      taught.append((batch, validCount))
      sums.append(loss.sum)
      sums += TrainingHealth.cluelessSums(step.loss, target: batch.target, first: share.rank * batch.target.count)
    }
    if let last = taught.last {
      gradientSum.finish(into: &gradients)
      communicator.sum(&sums)
      var (sum, clueless) = (0.0, 0.0)
      for (index, (batch, validCount)) in taught.enumerated() {
        let sums = sums[4 * index..<4 * index + 4]
        let loss = sums[4 * index] / validCount
        guard loss.isFinite else {
          throw diverged("the loss is \(loss.isNaN ? "not a number" : "infinite")", in: batch, step: position.step + 1)
        }
        sum += loss
        clueless += TrainingHealth.clueless(sums.dropFirst()) ?? position.health.smoothedClueless
      }
      if taught.count > 1 { gradients.scale(by: 1 / Float(taught.count)) }
      let norm = gradients.clip(toNorm: options.clipNorm)
      guard norm.isFinite else {
        throw diverged("the gradients are not finite", in: last.batch, step: position.step + 1)
      }
      position.largestNorm = max(position.largestNorm, norm)
      position.learningRate = optimisation.update(
        &network.parameters, gradients: gradients, step: position.step, factor: position.plateau.factor)
      loss = sum / Double(taught.count)
      position.lossSum += loss
      position.health.add(loss: loss, clueless: clueless / Double(taught.count), gradientNorm: norm)
      if let failure = position.health.failure { throw diverged(failure, step: position.step + 1) }
    } else {
      // The loss of an update without any is that of the epoch so far.
      position.lossSum += position.stepInEpoch > 0 ? position.lossSum / Double(position.stepInEpoch) : 0
    }
    position.step += 1
    position.stepInEpoch += 1
  }

  /// - Parameters:
  ///   - batch: the one at which it showed.
  ///   - step: the number of the update, from 1.
  private func diverged(_ what: String, in batch: Sampler.Batch? = nil, step: Int) -> any Error {
    let place = batch.map { batch in
      let window = batch.samples[0].window
      return ", at frame \(window.start + 1) of \(sampler.data.frames[window.sequence].name) and others"
    }
    let kept =
      position.hasModel
      ? "The best model before that, of step \(configuration.stepsTrained), is kept." : "No model was kept yet."
    return communicator.shared(
      NowcastError(
        .diverged,
        "training diverged at step \(step), epoch \((step - 1) / sampler.stepsPerEpoch + 1): \(what)\(place ?? ""). \(kept) Try "
          + "a smaller --learning-rate than \(options.learningRate).", path: folder.path))
  }

  /// Validates, keeps the model if it is the best so far, and saves where the run stands.
  ///
  /// - Parameter endsEpoch: false when the run's limit was met in the middle of an epoch. The epoch stays open then:
  ///   a run that is taken up again goes on in it.
  private func validateAndKeep(endsEpoch: Bool) throws {
    guard position.stepInEpoch > 0 else { return }
    try communicator.requireSame(network.parameters, step: position.step, path: folder.path)
    let validation = try withKeptWeights { try validator?.validation(network) }
    // The last update may have ruined the weights after its loss was still a number.
    guard validation?.loss.isFinite ?? network.parameters.norm.isFinite else {
      throw diverged("the \(validation == nil ? "weights are" : "validation loss is") not finite", step: position.step)
    }
    history = position.history
    history.append(
      TrainingRecord(
        epoch: position.epoch + 1, step: position.step, trainLoss: position.lossSum / Double(position.stepInEpoch),
        validationLoss: validation?.loss, gradientNorm: position.largestNorm, learningRate: position.learningRate))
    // Without held-out windows there is no better or worse: the last model is kept.
    let isBetter = validation == nil || position.bestLoss.map({ (validation?.loss ?? 0) < $0 }) ?? true
    // A network that has run into the stops is none that anybody wants, even if it is the first one.
    let isBest = isBetter && !position.health.isAstray
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
    try communicator.onRoot { try history.write(to: folder.historyFile) }
    try writeCheckpoint()
  }

  private func writeModel(validation: ModelConfiguration.Validation?) throws {
    configuration.stepsTrained = position.step
    configuration.validation = validation
    try communicator.onRoot {
      try withKeptWeights {
        try Model(configuration: configuration, parameters: network.parameters).file()
          .write(to: folder.modelFile, overwrite: true)
      }
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
    try communicator.onRoot { try currentCheckpoint().write(to: folder) }
  }

  private func currentCheckpoint() -> Checkpoint {
    let model = Model(configuration: configuration, parameters: network.parameters)
    return Checkpoint(model: model, optimisation: optimisation, position: position)
  }

  private func writePage() throws {
    try communicator.onRoot {
      let page = TrainingPage(
        configuration: configuration, options: options, history: history, data: sampler.data, weights: parameterCount,
        cases: try withKeptWeights { try examples?.cases(network) ?? [] })
      try AtomicOutput.write(Data(try page.html().utf8), to: folder.pageFile, overwrite: true)
    }
  }

  private func interrupt() throws -> Never {
    // Before the first validation there is no best model yet; the present one is better than none.
    if !position.hasModel { try writeModel(validation: nil) }
    try writeCheckpoint()
    throw communicator.shared(
      NowcastError(
        .interrupted, "stopped after step \(position.step); everything is saved, --resume goes on from here.",
        path: folder.path))
  }

  private func progress(
    stepsPerEpoch: Int, stepsDone: Int, updating: Double, seconds: Double
  ) -> TrainingProgress {
    let rate = Double(stepsDone) / max(seconds, 1e-9)
    var stepsLeft = (options.epochs - position.epoch) * stepsPerEpoch - position.stepInEpoch
    if let most = options.maxSteps { stepsLeft = min(stepsLeft, most - position.step) }
    var left = Double(max(stepsLeft, 0)) / rate
    if let most = options.maxSeconds { left = min(left, max(most - seconds, 0)) }
    let windowsPerSecond =
      Double(stepsDone) * Double(options.batchSize * options.accumulate) / max(updating, 1e-9)
    return TrainingProgress(
      epoch: position.epoch + 1, epochs: options.epochs, stepInEpoch: position.stepInEpoch,
      stepsPerEpoch: stepsPerEpoch, step: position.step, loss: loss, smoothedLoss: position.health.smoothedLoss,
      trainLoss: position.lossSum / Double(max(position.stepInEpoch, 1)),
      validationLoss: position.history.records.last?.validationLoss, windowsPerSecond: windowsPerSecond,
      gigaflopsPerSecond: windowsPerSecond * work.trainingOperations / 1e9,
      waitingShare: communicator.size > 1 ? gradientSum.waiting / .seconds(1) / max(updating, 1e-9) : nil,
      peakBytes: MemoryNeed.peakBytes, secondsLeft: left)
  }
}
