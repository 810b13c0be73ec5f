import ArgumentParser
import ConvLSTM
import Nowcasting

extension TrainingPreset: ExpressibleByArgument {}
extension Coordinates: ExpressibleByArgument {}
extension Guidance: ExpressibleByArgument {}
extension TrainingLoss: ExpressibleByArgument {}
extension Normalisation.Kind: ExpressibleByArgument {}
extension OptimizerKind: ExpressibleByArgument {}
extension ScheduleKind: ExpressibleByArgument {}
extension SamplingKind: ExpressibleByArgument {}
extension EncoderForecasterConfiguration.ForecasterOrder: ExpressibleByArgument {}

/// The options of a run, and the preset that they began with.
struct ChosenOptions {
  let options: TrainingOptions
  /// `nil` for a network that options, a file or the weights it begins with describe.
  let preset: TrainingPreset?
}

/// Everything that decides what a training run gives, apart from the data. None has a value of its own: the defaults are
/// those of the preset or the file. What the help tells are those of `TrainingOptions`, which hold without a preset.
struct TrainingArguments: ParsableArguments {
  @Option(
    help: """
      A named configuration. (default: lagrangian; none where other options, --config or --init say what network is trained or \
      with which loss: the defaults are then those given below)
      """)
  var preset: TrainingPreset?

  @Option(help: ArgumentHelp("A JSON file of options by their names, such as a run's config.json.", valueName: "file"))
  var config: String?

  @Flag(help: "Print the configuration that these options make, and do nothing else.")
  var printConfig = false

  @Option(help: "Frames the model reads. (default: 5)")
  var inputFrames: Int?

  @Option(help: "Frames the model learns to forecast. (default: an hour's, 4 to 20)")
  var leadFrames: Int?

  @Option(help: "Hidden channels of the layers. (default: 64,64)")
  var hidden: IntegerList?

  @Option(help: "The side of the kernels, odd; one for all layers or one for each. (default: 3)")
  var kernel: IntegerList?

  @Option(help: "The side of the inputs' kernels, where it is another than the states'.")
  var inputKernel: IntegerList?

  @Option(help: "The side of the states' kernels, where it is another than the inputs'.")
  var stateKernel: IntegerList?

  @Option(help: "Pixels on a side that are folded into channels. (default: 2)")
  var patch: Int?

  @Flag(inversion: .prefixedNo, help: "Whether gates see the cell state. (default: --peephole)")
  var peephole: Bool?

  @Option(help: "The order of the forecaster's layers beside the encoder's. (default: same)")
  var forecasterOrder: EncoderForecasterConfiguration.ForecasterOrder?

  @Option(
    help: "How many times fewer rows and columns each layer has than the one below: a network of several scales.")
  var stride: IntegerList?

  @Option(help: "The side of the kernels of the strided convolutions. (default: about the stride and 2)")
  var downKernel: IntegerList?

  @Option(help: "Channels that the strided convolutions make. (default: 8, then the layers' own)")
  var downChannels: IntegerList?

  @Option(help: "The side of the kernels of the transposed convolutions. (default: the stride and 2)")
  var upKernel: IntegerList?

  @Option(help: "Channels that the transposed convolutions make. (default: 8, then those of the finer layers)")
  var upChannels: IntegerList?

  @Option(help: "The side of the last convolution's kernel in a network of several scales. (default: 3)")
  var outputKernel: Int?

  @Option(help: "How rain rates become the network's numbers. (default: dbz-linear)")
  var normalisation: Normalisation.Kind?

  // Unconditional, since a negative number looks like an option.
  @Option(
    parsing: .unconditional,
    help: "The reflectivity in dBZ that the network sees as 0; no rain is 0, too. (default: -10)")
  var minDbz: Double?

  @Option(parsing: .unconditional, help: "The reflectivity in dBZ that the network sees as 1. (default: 60)")
  var maxDbz: Double?

  @Option(help: "The rain rate in mm/h about which log-rain-rate turns from linear to logarithmic. (default: 0.1)")
  var logOffset: Double?

  @Option(help: "The rain rate in mm/h that the network sees as 1 with log-rain-rate. (default: 200)")
  var maxRainRate: Double?

  @Option(
    help: "Whether the network sees rain where it is or, lagrangian, carried along its motion. (default: eulerian)")
  var coordinates: Coordinates?

  @Option(
    help:
      "What the network is told beside the frames: nothing or, sprog, what S-PROG expects at each lead time. (default: none)"
  )
  var guidance: Guidance?

  @Option(help: "What is minimised, over measured pixels and in the network's numbers. (default: mse)")
  var loss: TrainingLoss?

  @Option(help: "The error at which the loss huber turns from squared to absolute. (default: 0.1)")
  var huberDelta: Double?

  @Option(help: "The side of the random crops in pixels. (default: 128)")
  var crop: Int?

  @Option(help: "Crops in one batch. (default: 4)")
  var batchSize: Int?

  @Option(help: "Batches whose gradients are averaged for one update. (default: 1)")
  var accumulate: Int?

  @Option(help: "Whether crops come as they are, or wet ones rather than dry ones. (default: uniform)")
  var sampling: SamplingKind?

  @Flag(
    inversion: .prefixedNo,
    help: "Turn and mirror the crops at random: more to learn from where the data is a few hours.")
  var augment: Bool?

  @Flag(inversion: .prefixedNo, help: "Make each forecast the mean of four, of the frames as they are and mirrored.")
  var averageFlips: Bool?

  @Option(
    help:
      "Multiply the rain rates of each crop by a random factor of at most this, and at least its inverse. (default: 1)")
  var intensityScaling: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Learn from data of several time steps and grid spacings; the model then serves all between them.")
  var mixed: Bool?

  @Option(help: "The share of the frames, the last ones, that is held out. (default: 0.2)")
  var validationShare: Double?

  @Option(help: "The seed of first weights, order and crops. (default: 1)")
  var seed: UInt64?

  @Option(help: "Passes over the data. (default: 100)")
  var epochs: Int?

  @Option(help: "Stop after this many updates.")
  var maxSteps: Int?

  @Option(help: "Stop after this many seconds; the result then depends on the machine.")
  var maxSeconds: Double?

  @Option(help: "Stop when validation has not improved for this many epochs.")
  var earlyStopping: Int?

  @Option(help: "The optimiser. (default: adam)")
  var optimizer: OptimizerKind?

  @Option(help: "The optimiser's learning rate. (default: 0.001)")
  var learningRate: Double?

  @Option(help: "What an update leaves of the mean gradient (adam, adamw). (default: 0.9)")
  var beta1: Double?

  @Option(help: "What an update leaves of the mean squared gradient (adam, adamw). (default: 0.999)")
  var beta2: Double?

  @Option(help: "How much weights shrink with an update, times the learning rate (adamw). (default: 0.01)")
  var weightDecay: Double?

  @Option(help: "What an update leaves of the mean squared gradient (rmsprop). (default: 0.9)")
  var rmsDecay: Double?

  @Option(help: "What an update leaves of the last step (sgd). (default: 0.9)")
  var momentum: Double?

  @Option(help: "The course of the learning rate. (default: constant)")
  var schedule: ScheduleKind?

  @Option(help: "Updates that cosine and one-cycle run over. (default: those of the whole run)")
  var scheduleSteps: Int?

  @Option(help: "Updates after which the learning rate falls with schedule step. (default: 10000)")
  var decaySteps: Int?

  @Option(help: "The factor by which it falls (step, plateau). (default: 0.5)")
  var decayFactor: Double?

  @Option(help: "Epochs without improvement that schedule plateau stands before it falls. (default: 5)")
  var plateauPatience: Int?

  @Option(help: "Updates over which the learning rate rises at the start. (default: 0)")
  var warmupSteps: Int?

  @Option(help: "The largest norm of the gradients. (default: 1)")
  var clipNorm: Double?

  @Option(help: "Keep the moving average of the weights, of which an update leaves this share, such as 0.999.")
  var weightAverage: Double?

  @Flag(
    help: """
      Compute gates again in the backward pass instead of keeping them: about half the memory, four tenths more time. \
      Done unasked where memory would not suffice.
      """)
  var recompute = false

  /// The options that preset, file and command line make together.
  ///
  /// - Parameters:
  ///   - beginning: what the weights begin with.
  ///   - initial: or the weights themselves.
  func options(_ reading: ReadingOptions, beginning: Beginning?, initial: InitialWeights?) throws -> ChosenOptions {
    var given = TrainingConfiguration()
    given.preset = preset
    func list(_ list: IntegerList?) -> SettingValue? { list.map { .list($0.values) } }
    func integer(_ value: Int?) -> SettingValue? { value.map { .integer($0) } }
    func number(_ value: Double?) -> SettingValue? { value.map { .number($0) } }
    func flag(_ value: Bool?) -> SettingValue? { value.map { .flag($0) } }
    func word(_ value: (some RawRepresentable<String>)?) -> SettingValue? { value.map { .text($0.rawValue) } }
    let values: [(String, SettingValue?)] = [
      ("input-frames", integer(inputFrames)), ("lead-frames", integer(leadFrames)), ("hidden", list(hidden)),
      ("kernel", list(kernel)), ("input-kernel", list(inputKernel)), ("state-kernel", list(stateKernel)),
      ("patch", integer(patch)), ("peephole", flag(peephole)), ("forecaster-order", word(forecasterOrder)),
      ("stride", list(stride)), ("down-kernel", list(downKernel)), ("down-channels", list(downChannels)),
      ("up-kernel", list(upKernel)), ("up-channels", list(upChannels)), ("output-kernel", integer(outputKernel)),
      ("normalisation", word(normalisation)), ("zr-a", number(reading.zrA)), ("zr-b", number(reading.zrB)),
      ("min-dbz", number(minDbz)), ("max-dbz", number(maxDbz)), ("log-offset", number(logOffset)),
      ("max-rain-rate", number(maxRainRate)), ("coordinates", word(coordinates)),
      ("guidance", word(guidance)),
      ("loss", word(loss)), ("huber-delta", number(huberDelta)),
      ("crop", integer(crop)), ("batch-size", integer(batchSize)), ("accumulate", integer(accumulate)),
      ("sampling", word(sampling)), ("augment", flag(augment)),
      ("average-flips", flag(averageFlips)),
      ("intensity-scaling", number(intensityScaling)), ("mixed", flag(mixed)),
      ("validation-share", number(validationShare)),
      ("init", word(beginning)), ("seed", seed.map { .unsigned($0) }), ("epochs", integer(epochs)),
      ("max-steps", integer(maxSteps)),
      ("max-seconds", number(maxSeconds)), ("early-stopping", integer(earlyStopping)),
      ("optimizer", word(optimizer)), ("learning-rate", number(learningRate)), ("beta1", number(beta1)),
      ("beta2", number(beta2)), ("weight-decay", number(weightDecay)), ("rms-decay", number(rmsDecay)),
      ("momentum", number(momentum)), ("schedule", word(schedule)), ("schedule-steps", integer(scheduleSteps)),
      ("decay-steps", integer(decaySteps)), ("decay-factor", number(decayFactor)),
      ("plateau-patience", integer(plateauPatience)), ("warmup-steps", integer(warmupSteps)),
      ("clip-norm", number(clipNorm)), ("weight-average", number(weightAverage)),
      ("recompute", recompute ? .flag(true) : nil),
    ]
    for (name, value) in values { given.values[name] = value }
    let file = try config.map { try TrainingConfiguration(contentsOf: $0) }
    return ChosenOptions(
      options: try TrainingOptions(file: file, commandLine: given, initial: initial),
      preset: TrainingPreset.chosen(file: file, commandLine: given, initial: initial))
  }
}
