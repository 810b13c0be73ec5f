import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model on radar frames.",
    discussion: """
      Reads all frames below the given paths, learns from random crops of all windows in them, and keeps the model that is \
      best on the part held out. RUN becomes a folder with model.safetensors, train.html, history.csv, config.json and \
      a checkpoint from which --resume goes on. Ctrl-C saves and stops. Options go before --config, and that before --preset.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Files or folders to learn from.", valueName: "path"))
  var data: [String] = []

  @Option(help: ArgumentHelp("The folder of the run.", valueName: "run"))
  var output: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files or folders to validate on. (default: the last part of --data by time)", valueName: "path")
  )
  var validation: [String] = []

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      """
      Begin with the weights of a model, a run or imported layers, whose network is the default then; none draws them. (default: \
      'starter', the model of the program, with the preset lagrangian; else none)
      """,
      valueName: "model"))
  var initial: String?

  @Option(
    help: ArgumentHelp(
      "Where the index of the folder --data is kept. (default: in the folder, of \(FileIndexing.worthIt) files and more)",
      valueName: "file"))
  var index: String?

  @Flag(help: "Go on with the run that is in the folder.")
  var resume = false

  @OptionGroup var training: TrainingArguments
  @OptionGroup var reading: ReadingOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if resume && replacing.overwrite { throw ValidationError("--resume and --overwrite contradict each other.") }
    if !validation.isEmpty && training.validationShare != nil {
      throw ValidationError("--validation gives other data to validate on, and so contradicts --validation-share.")
    }
    if index != nil && data.count != 1 {
      throw ValidationError("--index keeps the index of one folder, but --data names \(data.count) paths.")
    }
    guard !training.printConfig else { return }
    if data.isEmpty { throw ValidationError("Missing expected argument '--data <path> ...'") }
    if output == nil { throw ValidationError("Missing expected argument '--output <run>'") }
  }

  func run() throws {
    // Either a word of the configuration, or a file.
    let beginning = initial.flatMap { name -> Beginning? in
      if name == Beginning.none.rawValue { return Beginning.none }
      return StarterModel.isMeant(by: name) ? .starter : nil
    }
    let initial = beginning == nil ? try initial.map { try InitialWeights(contentsOf: $0) } : nil
    let chosen = try training.options(reading, beginning: beginning, initial: initial)
    let options = chosen.options
    if training.printConfig { return Console.write(options.configurationText, to: .standardOutput) }
    let job = try Job.join()
    let folder = RunFolder(output ?? "")
    // Before hours of reading: is there a place for the result?
    let claim = try job.agree {
      job.isRoot ? try RunClaim(folder, resume: resume, overwrite: replacing.overwrite) : nil
    }
    defer { claim?.release() }
    // All ranks read the same files.
    let logger = verbosity.commonLogger
    let trainingData = try job.agree {
      let relation = options.normalisation.relation
      let learned = try reading.read(
        data, relation: relation, indexing: job.isRoot ? .kept(file: index) : .whereThere, logger: logger)
      let held =
        validation.isEmpty
        ? nil
        : try reading.read(
          validation, relation: relation, indexing: job.isRoot ? .kept() : .whereThere, logger: logger)
      let trainingData = try TrainingData(learned.sequences, validation: held?.sequences, options: options)
      learned.tellValues(logger)
      held?.tellValues(logger)
      return trainingData
    }
    for note in trainingData.notes { logger.warning("\(note)") }
    Interruption.catchSignals()
    let trainer = try job.agree {
      try Trainer(
        trainingData, options: options, folder: folder, resume: resume, overwrite: replacing.overwrite,
        initial: initial, communicator: job, pool: threads.pool(of: job))
    }
    for warning in trainer.warnings { logger.warning("\(warning)") }
    for note in trainer.notes { logger.notice("\(note)") }
    let optimizer = options.optimizer.rawValue
    let preset = chosen.preset.map { "preset \($0.rawValue)" } ?? "no preset"
    logger.notice(
      "\(preset), loss \(options.loss.rawValue), \(optimizer) at \(options.learningRate), schedule \(options.schedule.rawValue)"
    )
    logger.notice(
      "learning from \(trainingData.trainingWindows) windows, validating on \(trainingData.validationWindows), in crops of \(trainer.cropText); \(trainer.parameterCount) weights, about \(trainer.memoryText) of memory"
    )
    if job.size > 1 { logger.notice("\(job.size) ranks, \(options.batchSize / job.size) crops of each batch on each") }
    var display = ProgressDisplay(quiet: verbosity.quiet || !job.isRoot)
    defer { display.end() }
    let result = try trainer.run(report: { progress in
      let text = TrainingText(progress)
      display.show(isLast: progress.secondsLeft == 0, plain: { text.line }, lines: { text.lines($0) })
    })
    display.end()
    guard !verbosity.quiet && job.isRoot else { return }
    let epochs =
      switch result.epochs {
      case 0: "a part of the first epoch"
      case 1: "1 epoch"
      default: "\(result.epochs) epochs"
      }
    Console.print(
      "\(result.steps) steps in \(epochs). The model of step \(result.modelStep) is kept: \(folder.modelFile)")
    if let validation = result.validation {
      Console.print("validation " + validation.text(options.loss))
    }
    Console.print("The course of training, and forecasts as maps: \(folder.pageFile)")
    if result.stoppedEarly {
      logger.notice("stopped early: validation had not improved for \(options.earlyStopping ?? 0) epochs")
    }
    if result.epochs == 0 {
      logger.warning("less than one pass over the data: score the model with 'nowcast eval' before you use it")
    }
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
