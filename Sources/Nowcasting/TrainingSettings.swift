import ConvLSTM

extension TrainingSetting {
  /// All settings, in the order in which they are shown, and set: what gives another one a meaning stands before it.
  static let all: [TrainingSetting] = [
    .integer("input-frames", \.inputFrames),
    .integer("lead-frames", \.leadFrames),
    .list("hidden", \.architecture.hidden),
    .list("input-kernel", \.architecture.inputKernel),
    .list("state-kernel", \.architecture.stateKernel),
    .integer("patch", \.architecture.patch),
    .flag("peephole", \.architecture.peephole),
    .choice("forecaster-order", \.architecture.forecasterOrder),
    .list("stride", \.architecture.scales.stride),
    .list("down-kernel", \.architecture.scales.downKernel).when("--stride", hasScales),
    .list("down-channels", \.architecture.scales.downChannels).when("--stride", hasScales),
    .list("up-kernel", \.architecture.scales.upKernel).when("--stride", hasScales),
    .list("up-channels", \.architecture.scales.upChannels).when("--stride", hasScales),
    .integer("output-kernel", \.architecture.scales.outputKernel).when("--stride", hasScales),

    .choice("normalisation", \.normalisation.kind),
    .number("zr-a", \.normalisation.relation.a),
    .number("zr-b", \.normalisation.relation.b),
    .number("min-dbz", \.normalisation.minDBZ).when("--normalisation dbz-linear", isLinear),
    .number("max-dbz", \.normalisation.maxDBZ).when("--normalisation dbz-linear", isLinear),
    .number("log-offset", \.normalisation.logOffset).when("--normalisation log-rain-rate") { !isLinear($0) },
    .number("max-rain-rate", \.normalisation.maxRainRate).when("--normalisation log-rain-rate") { !isLinear($0) },

    .choice("coordinates", \.coordinates),
    .choice("guidance", \.guidance),
    .choice("loss", \.loss),
    .number("huber-delta", \.huberDelta).when("--loss huber") { $0.loss == .huber },

    .integer("crop", \.crop),
    .integer("batch-size", \.batchSize),
    .integer("accumulate", \.accumulate),
    .choice("sampling", \.sampling),
    .flag("augment", \.augments),
    .flag("average-flips", \.averagesFlips).when("--augment") { $0.augments },
    .number("intensity-scaling", \.intensityScaling),
    .flag("mixed", \.isMixed),
    .number("validation-share", \.validationShare),
    .choice(beginningName, \.beginning),
    .unsigned("seed", \.seed),
    .integer("epochs", \.epochs),
    .integer("max-steps", \.maxSteps),
    .number("max-seconds", \.maxSeconds),
    .integer("early-stopping", \.earlyStopping),

    .choice("optimizer", \.optimizer),
    .number("learning-rate", \.learningRate),
    .number("beta1", \.beta1).when("--optimizer adam or adamw", isAdam),
    .number("beta2", \.beta2).when("--optimizer adam or adamw", isAdam),
    .number("weight-decay", \.weightDecay).when("--optimizer adamw") { $0.optimizer == .adamw },
    .number("rms-decay", \.rmsDecay).when("--optimizer rmsprop") { $0.optimizer == .rmsprop },
    .number("momentum", \.momentum).when("--optimizer sgd") { $0.optimizer == .sgd },
    .choice("schedule", \.schedule),
    .integer("schedule-steps", \.scheduleSteps).when("--schedule cosine or one-cycle") {
      $0.schedule == .cosine || $0.schedule == .oneCycle
    },
    .integer("decay-steps", \.decaySteps).when("--schedule step") { $0.schedule == .step },
    .number("decay-factor", \.decayFactor).when("--schedule step or plateau") {
      $0.schedule == .step || $0.schedule == .plateau
    },
    .integer("plateau-patience", \.plateauPatience).when("--schedule plateau") { $0.schedule == .plateau },
    .integer("warmup-steps", \.warmupSteps),
    .number("clip-norm", \.clipNorm),
    .number("weight-average", \.weightAverage),
    .flag("recompute", \.recompute),
  ]

  /// The setting that names what the weights begin with.
  static let beginningName = "init"

  /// Those that say what network is trained, or for what.
  static let ofNetwork: Set = [
    "hidden", "input-kernel", "state-kernel", "patch", "peephole", "forecaster-order", "stride", "down-kernel",
    "down-channels", "up-kernel", "up-channels", "output-kernel", "coordinates", "guidance", "loss",
  ]

  @Sendable private static func isLinear(_ options: TrainingOptions) -> Bool {
    options.normalisation.kind == .dbzLinear
  }

  @Sendable private static func hasScales(_ options: TrainingOptions) -> Bool { !options.architecture.scales.isEmpty }

  @Sendable private static func isAdam(_ options: TrainingOptions) -> Bool {
    options.optimizer == .adam || options.optimizer == .adamw
  }
}

extension EncoderForecasterConfiguration.ForecasterOrder: CaseIterable {
  /// Both orders.
  public static let allCases: [Self] = [.same, .reversed]
}

/// The numbers of a scale one by one. Setting one of another scale changes nothing.
extension Normalisation {
  fileprivate var minDBZ: Double {
    get { if case .dbzLinear(let least, _) = scale { least } else { .nan } }
    set { if case .dbzLinear(_, let most) = scale { scale = .dbzLinear(min: newValue, max: most) } }
  }

  fileprivate var maxDBZ: Double {
    get { if case .dbzLinear(_, let most) = scale { most } else { .nan } }
    set { if case .dbzLinear(let least, _) = scale { scale = .dbzLinear(min: least, max: newValue) } }
  }

  fileprivate var logOffset: Double {
    get { if case .logRainRate(let offset, _) = scale { offset } else { .nan } }
    set { if case .logRainRate(_, let most) = scale { scale = .logRainRate(offset: newValue, max: most) } }
  }

  fileprivate var maxRainRate: Double {
    get { if case .logRainRate(_, let most) = scale { most } else { .nan } }
    set { if case .logRainRate(let offset, _) = scale { scale = .logRainRate(offset: offset, max: newValue) } }
  }
}
