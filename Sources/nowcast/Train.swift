import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

extension TrainingPreset: ExpressibleByArgument {}

extension TrainingLoss: ExpressibleByArgument {}
extension Normalisation.Kind: ExpressibleByArgument {}

/// Optimisers that can be trained with.
enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case adam }

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model on radar frames.",
    discussion: """
      Reads all frames below the given paths, learns from random crops of all windows in them, and keeps the model that is \
      best on the part held out. RUN becomes a folder with model.safetensors, history.csv, config.json and a checkpoint \
      from which --resume goes on. Ctrl-C saves and stops.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders to learn from.", valueName: "path"))
  var data: [String]

  @Option(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var output: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files or folders to validate on. (default: the last part of --data by time)", valueName: "path")
  )
  var validation: [String] = []

  @Option(help: "A named configuration; options given beside it go before.")
  var preset: TrainingPreset?

  @Flag(help: "Go on with the run that is in the folder.")
  var resume = false

  @Option(help: "Frames the model reads. (default: 5)")
  var inputFrames: Int?

  @Option(help: "Frames the model learns to forecast. (default: an hour's, 4 to 20)")
  var leadFrames: Int?

  @Option(help: "The side of the random crops in pixels. (default: 128)")
  var crop: Int?

  @Option(help: "Crops in one update. (default: 4)")
  var batchSize: Int?

  @Flag(
    help: """
      Compute gates again in the backward pass instead of keeping them: about half the memory, four tenths more time. \
      Done unasked where memory would not suffice.
      """)
  var recompute = false

  @Flag(help: "Turn and mirror the crops at random: more to learn from where the data is a few hours.")
  var augment = false

  @Option(help: "Passes over the data. (default: 100)")
  var epochs: Int?

  @Option(help: "Stop after this many updates.")
  var maxSteps: Int?

  @Option(help: "Stop after this many seconds; the result then depends on the machine.")
  var maxSeconds: Double?

  @Option(help: "The optimiser's learning rate. (default: 0.001)")
  var learningRate: Double?

  @Option(help: "The largest norm of the gradients. (default: 1)")
  var clipNorm: Double?

  @Option(help: "The optimiser.")
  var optimizer = OptimizerName.adam

  @Option(help: "What is minimised, over measured pixels and in the network's numbers. (default: mse)")
  var loss: TrainingLoss?

  @Option(help: "The error at which the loss huber turns from squared to absolute. (default: 0.1)")
  var huberDelta: Double?

  @Option(help: "Hidden channels of the layers. (default: 64,64)")
  var hidden: IntegerList?

  @Option(help: "The side of the kernels, odd; one for all layers or one for each. (default: 3)")
  var kernel: IntegerList?

  @Option(help: "Pixels on a side that are folded into channels. (default: 2)")
  var patch: Int?

  @Flag(inversion: .prefixedNo, help: "Whether gates see the cell state. (default: --peephole)")
  var peephole: Bool?

  @Option(help: "How rain rates become the network's numbers. (default: dbz-linear)")
  var normalisation: Normalisation.Kind?

  @Option(help: "The reflectivity in dBZ that the network sees as 0; no rain is 0, too. (default: -10)")
  var minDbz: Double?

  @Option(help: "The reflectivity in dBZ that the network sees as 1. (default: 60)")
  var maxDbz: Double?

  @Option(help: "The seed of first weights, order and crops. (default: 1)")
  var seed: UInt64?

  @Option(help: "The share of the frames, the last ones, that is held out. (default: 0.2)")
  var validationShare: Double?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if resume && replacing.overwrite { throw ValidationError("--resume and --overwrite contradict each other.") }
  }

  private var options: TrainingOptions {
    var options = preset?.options ?? TrainingOptions()
    func set<T>(_ value: T?, _ field: WritableKeyPath<TrainingOptions, T>) {
      if let value { options[keyPath: field] = value }
    }
    set(inputFrames, \.inputFrames)
    if let leadFrames { options.leadFrames = leadFrames }
    set(crop, \.crop)
    set(batchSize, \.batchSize)
    options.augments = augment
    if recompute { options.recompute = true }
    set(epochs, \.epochs)
    if let maxSteps { options.maxSteps = maxSteps }
    if let maxSeconds { options.maxSeconds = maxSeconds }
    set(learningRate, \.learningRate)
    set(loss, \.loss)
    set(huberDelta, \.huberDelta)
    set(clipNorm, \.clipNorm)
    set(seed, \.seed)
    set(validationShare, \.validationShare)
    options.normalisation = Normalisation(relation: reading.relation(), scale: scale(options.normalisation))
    var architecture = options.architecture
    architecture = ModelConfiguration.Architecture(
      patch: patch ?? architecture.patch, hidden: hidden?.values ?? architecture.hidden,
      inputKernel: kernel?.values ?? [architecture.inputKernel[0]],
      stateKernel: kernel?.values ?? [architecture.stateKernel[0]], peephole: peephole ?? architecture.peephole)
    options.architecture = architecture
    return options
  }

  /// The scale asked for; what is left open is that of the preset.
  private func scale(_ standard: Normalisation) -> Normalisation.Scale {
    switch normalisation ?? standard.kind {
    case .dbzLinear:
      guard case .dbzLinear(let least, let most) = standard.scale else { return .dbzLinear() }
      return .dbzLinear(min: minDbz ?? least, max: maxDbz ?? most)
    case .logRainRate:
      guard case .logRainRate(let offset, let most) = standard.scale else { return .logRainRate() }
      return .logRainRate(offset: offset, max: most)
    }
  }

  func run() throws {
    let options = options
    try options.validate()
    let folder = RunFolder(output)
    // Before hours of reading: is there a place for the result?
    if resume { try folder.requireCheckpoint() } else { try folder.check(overwrite: replacing.overwrite) }
    let logger = verbosity.logger
    let learned = try reading.read(data, logger: logger)
    let held = validation.isEmpty ? nil : try reading.read(validation, logger: logger)
    let trainingData = try TrainingData(learned.sequences, validation: held?.sequences, options: options)
    learned.tellValues(logger)
    held?.tellValues(logger)
    for note in trainingData.notes { logger.warning("\(note)") }
    Interruption.catchSignals()
    let trainer = try Trainer(
      trainingData, options: options, folder: folder, resume: resume, overwrite: replacing.overwrite,
      pool: threads.pool)
    for note in trainer.notes { logger.notice("\(note)") }
    logger.notice(
      "learning from \(trainingData.trainingWindows) windows, validating on \(trainingData.validationWindows), in crops of \(trainer.cropText); \(trainer.parameterCount) weights, about \(trainer.memoryText) of memory"
    )
    var line = ProgressLine(quiet: verbosity.quiet)
    defer { line.end() }
    let result = try trainer.run(report: { progress in
      line.show(isLast: progress.secondsLeft == 0) { Self.text(progress) }
    })
    line.end()
    guard !verbosity.quiet else { return }
    let epochs = result.epochs > 0 ? "\(result.epochs) epochs" : "a part of the first epoch"
    Console.print(
      "\(result.steps) steps in \(epochs). The model of step \(result.modelStep) is kept: \(folder.modelFile)")
    if let validation = result.validation {
      Console.print("validation " + validation.text(options.loss))
    }
    if result.epochs == 0 {
      logger.warning("less than one pass over the data: score the model with 'nowcast eval' before you use it")
    }
  }

  private static func text(_ progress: TrainingProgress) -> String {
    var text = "epoch \(progress.epoch)/\(progress.epochs)  step \(progress.stepInEpoch)/\(progress.stepsPerEpoch)"
    text += String(format: "  loss %.5f", progress.trainLoss)
    if let validation = progress.validationLoss { text += String(format: "  validation %.5f", validation) }
    text += String(format: "  %.1f windows/s", progress.windowsPerSecond)
    if let left = progress.secondsLeft { text += "  \(durationText(left)) left" }
    return text
  }
}

/// Numbers with commas between them, such as `64,64`.
struct IntegerList: ExpressibleByArgument {
  let values: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    if values.count != parts.count { return nil }
  }
}

/// Numbers with commas between them, such as `0.1,0.5,1`.
struct RateList: ExpressibleByArgument {
  let values: [Float]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Float($0.trimmingCharacters(in: .whitespaces)) }
    if values.count != parts.count { return nil }
  }
}
