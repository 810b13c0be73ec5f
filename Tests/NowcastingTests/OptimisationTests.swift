import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

/// Optimisers, schedules, accumulation and averages in a whole run.
@Suite struct OptimisationTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Combinations in which every optimiser and every schedule comes.
  private func options(_ number: Int) -> TrainingOptions {
    var options = options
    options.epochs = 4
    switch number {
    case 0: (options.optimizer, options.schedule, options.weightAverage) = (.adamw, .cosine, 0.9)
    case 1: (options.optimizer, options.schedule, options.accumulate) = (.rmsprop, .oneCycle, 2)
    case 2:
      (options.optimizer, options.schedule, options.decaySteps, options.decayFactor) = (.sgd, .step, 3, 0.9)
      (options.learningRate, options.warmupSteps) = (0.05, 5)
    default:
      // A rate so small that validation stands still as floats see it: the plateau and the waiting matter.
      (options.optimizer, options.schedule, options.plateauPatience) = (.adam, .plateau, 1)
      (options.learningRate, options.weightAverage, options.earlyStopping) = (1e-30, 0.5, 3)
      options.epochs = 10
    }
    return options
  }

  /// A checkpoint holds everything: a run that was stopped anywhere gives the bytes of one that was not.
  @Test(arguments: 0..<4, [1, 9, 16]) func resumingGivesTheSameBytes(number: Int, stop: Int) throws {
    let options = options(number)
    let whole = try train("whole", options)
    #expect(whole.steps > 16)
    var steps = 0
    let trainer = try Trainer(
      try TrainingData([Self.rain], options: options), options: options, folder: RunFolder(folder / "parts"),
      resume: false, overwrite: false, pool: .standard)
    #expect(
      throwsCode(.interrupted) { _ = try trainer.run(shouldStop: { steps == stop }, report: { _ in steps += 1 }) })
    try train("parts", options, resume: true, threads: 1)
    for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "config.json"] {
      #expect(try bytes("parts/" + name) == bytes("whole/" + name), "\(name)")
    }
  }

  @Test func validationThatNoLongerImprovesEndsTheRun() throws {
    let result = try train("run", options(3))
    // The first epoch is the best, three more are no better.
    #expect(result.stoppedEarly && result.epochs == 4)
    let rates = try rates("run")
    #expect(rates == [1e-30, 1e-30, 1e-30, 5e-31])
    // Taken up again it is over at once, and goes on when it is told to wait longer.
    #expect(try train("run", options(3), resume: true).steps == result.steps)
    var patient = options(3)
    patient.earlyStopping = 5
    #expect(try train("run", patient, resume: true).epochs == 6)
  }

  @Test func withoutValidationThereIsNothingToWaitFor() throws {
    var options = options(3)
    options.validationShare = 0
    #expect(throwsCode(.usage) { try train("run", options) })
    options.earlyStopping = nil
    #expect(throwsCode(.usage) { try train("run", options) })
    options.schedule = .constant
    #expect(throws: Never.self) { try train("run", options) }
  }

  /// The learning rate at the end of each epoch.
  private func rates(_ name: String) throws -> [Double] {
    try String(contentsOfFile: folder / "\(name)/history.csv", encoding: .utf8).split(separator: "\n").dropFirst()
      .compactMap { $0.split(separator: ",").last.flatMap { Double($0) } }
  }

  /// The rates of the run are those of the schedule over all of its updates, and stay so when it is made longer.
  @Test func theScheduleRunsOverTheWholeRun() throws {
    var options = options
    (options.schedule, options.epochs) = (.cosine, 3)
    let result = try train("run", options)
    let perEpoch = result.steps / 3
    let schedule = LearningRateSchedule(.cosine(updates: result.steps))
    let expected = (1...3).map { options.learningRate * schedule.factor(update: $0 * perEpoch - 1) }
    #expect(try rates("run") == expected)
    options.epochs = 4
    try train("run", options, resume: true)
    #expect(try rates("run") == expected + [expected[2]])
    (options.epochs, options.scheduleSteps) = (1, 7)
    try train("short", options)
    let short = LearningRateSchedule(.cosine(updates: 7)).factor(update: perEpoch - 1)
    #expect(try rates("short") == [options.learningRate * short])
  }

  /// Two batches of two are one batch of four, as far as all pixels are measured.
  @Test func accumulatedBatchesAreOneLargeBatch() throws {
    var options = options
    let dry = try Self.rain.rainRate
    let full = Self.rain.with(rainRate: Tensor(shape: dry.shape, dry.elements.map { $0.isNaN ? 0 : $0 }))
    (options.batchSize, options.accumulate, options.maxSteps) = (2, 2, 6)
    try train("parts", options, rain: full)
    (options.batchSize, options.accumulate) = (4, 1)
    try train("whole", options, rain: full)
    let (parts, whole) = (try Model(contentsOf: folder / "parts"), try Model(contentsOf: folder / "whole"))
    let differences = zip(parts.parameters.values.elements, whole.parameters.values.elements).map { abs($0 - $1) }
    #expect(try #require(differences.max()) < 1e-4)
  }

  /// The kept model is the average of the weights over the updates.
  @Test func theAverageIsKept() throws {
    var options = options
    (options.weightAverage, options.maxSteps, options.validationShare) = (0.75, 1, 0)
    var average: Tensor?
    for steps in 1...5 {
      options.maxSteps = steps
      try train("run", options, resume: steps > 1)
      let trained = try Checkpoint(contentsOf: folder / "run/checkpoint.safetensors").model.parameters.values
      average =
        average.map { old in
          Tensor(shape: old.shape, zip(old.elements, trained.elements).map { $0 + 0.25 * ($1 - $0) })
        } ?? trained
      #expect(try Model(contentsOf: folder / "run").parameters.values == average)
    }
  }

  @Test func numbersWithoutSenseAreRefused() {
    let changes: [(inout TrainingOptions) -> Void] = [
      { $0.beta1 = 1 }, { $0.beta2 = 0.999_999_999_9 }, { $0.rmsDecay = -0.1 }, { $0.momentum = .nan },
      { $0.weightDecay = 1 }, { $0.decayFactor = 0 }, { $0.decaySteps = 0 }, { $0.scheduleSteps = 0 },
      { $0.warmupSteps = -1 }, { $0.plateauPatience = 0 }, { $0.earlyStopping = 0 }, { $0.accumulate = 0 },
      { $0.weightAverage = 1 }, { $0.clipNorm = 0 }, { $0.learningRate = .infinity },
    ]
    for change in changes {
      var options = options
      change(&options)
      #expect(throwsCode(.usage) { try options.validate() })
    }
  }
}
