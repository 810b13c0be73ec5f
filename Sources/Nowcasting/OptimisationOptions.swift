import ConvLSTM

/// The optimisers by name.
public enum OptimizerKind: String, Sendable, Codable, CaseIterable {
  /// Adam.
  case adam
  /// Adam with decoupled weight decay.
  case adamw
  /// RMSProp.
  case rmsprop
  /// Gradient descent with momentum.
  case sgd
}

/// The courses of the learning rate by name.
public enum ScheduleKind: String, Sendable, Codable, CaseIterable {
  /// The same all the time.
  case constant
  /// Half a cosine down to zero.
  case cosine
  /// Lower by a factor every so many updates.
  case step
  /// Up, and far down.
  case oneCycle = "one-cycle"
  /// Lower by a factor when validation no longer improves.
  case plateau
}

extension TrainingOptions {
  /// The optimiser's method.
  var method: Optimizer.Method {
    switch optimizer {
    case .adam: .adam(beta1: Float(beta1), beta2: Float(beta2))
    case .adamw: .adamW(beta1: Float(beta1), beta2: Float(beta2), weightDecay: Float(weightDecay))
    case .rmsprop: .rmsProp(decay: Float(rmsDecay))
    case .sgd: .sgd(momentum: Float(momentum))
    }
  }

  /// The course of the learning rate.
  ///
  /// - Parameter steps: the updates over which a course of fixed length runs.
  func schedule(steps: Int) -> LearningRateSchedule {
    let course: LearningRateSchedule.Course =
      switch schedule {
      // The plateau's factor comes from the validations.
      case .constant, .plateau: .constant
      case .cosine: .cosine(updates: steps)
      case .step: .step(updates: decaySteps, factor: decayFactor)
      case .oneCycle: .oneCycle(updates: steps)
      }
    return LearningRateSchedule(course, warmUp: warmupSteps)
  }

  /// The updates over which a course of fixed length runs: as asked for, or the whole run.
  func scheduleSteps(stepsPerEpoch: Int) -> Int {
    scheduleSteps ?? min(maxSteps ?? .max, epochs * stepsPerEpoch)
  }

  /// Throws ``NowcastError`` `usage` when a number makes no sense.
  func validateOptimisation() throws {
    func require(_ condition: Bool, _ name: String, _ value: Any, _ rule: String) throws {
      if !condition { throw NowcastError(.usage, "--\(name) is \(value); it must be \(rule).") }
    }
    try require(learningRate.isFinite && learningRate > 0, "learning-rate", learningRate, "more than 0")
    try require(clipNorm.isFinite && clipNorm > 0, "clip-norm", clipNorm, "more than 0")
    for (name, value) in [("beta1", beta1), ("beta2", beta2), ("rms-decay", rmsDecay), ("momentum", momentum)] {
      // As the number the optimiser works with: what is just below 1 may round to it.
      try require(value >= 0 && Float(value) < 1, name, value, "0 or more and below 1")
    }
    try require((0..<1).contains(weightDecay), "weight-decay", weightDecay, "0 or more and below 1")
    try require(decayFactor > 0 && decayFactor <= 1, "decay-factor", decayFactor, "more than 0 and at most 1")
    let counts = 1...1_000_000_000
    try require(counts.contains(decaySteps), "decay-steps", decaySteps, "1 to 1000000000")
    try require(scheduleSteps.map(counts.contains) ?? true, "schedule-steps", scheduleSteps ?? 0, "1 to 1000000000")
    try require((0...1_000_000_000).contains(warmupSteps), "warmup-steps", warmupSteps, "0 to 1000000000")
    try require(counts.contains(plateauPatience), "plateau-patience", plateauPatience, "1 to 1000000000")
    try require(earlyStopping.map(counts.contains) ?? true, "early-stopping", earlyStopping ?? 0, "1 to 1000000000")
    try require((1...4096).contains(accumulate), "accumulate", accumulate, "1 to 4096")
    try require(
      weightAverage.map { $0 > 0 && $0 < 1 } ?? true, "weight-average", weightAverage ?? 0, "more than 0 and below 1")
  }
}
