import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

/// Several ranks train and score as one process does.
@Suite struct RanksTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The rain, most of which is missing on the left in early frames and everywhere in one of them: samples of one batch
  /// have few measured pixels, many, and none.
  private static let holed: FrameSequence = {
    guard var rain = try? RanksTests.rain.rainRate else { preconditionFailure("no rain") }
    for t in 0..<8 {
      for y in 0..<30 {
        for x in 0..<(t == 5 ? 34 : 26) where (x + y) % 7 > 0 || t == 5 { rain[t, y, x] = .nan }
      }
    }
    return RanksTests.rain.with(rainRate: rain)
  }()

  private var batchesOfFour: TrainingOptions {
    var options = options
    options.batchSize = 4
    return options
  }

  /// Trains on some ranks, all into one folder.
  private func train(
    _ name: String, _ options: TrainingOptions, ranks: Int, resume: Bool = false, stopAfter stop: Int = .max,
    rain: FrameSequence = RanksTests.rain
  ) -> [Result<Trainer.Result, any Error>] {
    let path = folder / name
    return ThreadRanks.run(ranks) { communicator in
      let trainer = try communicator.agree {
        try Trainer(
          TrainingData([rain], options: options), options: options, folder: RunFolder(path), resume: resume,
          overwrite: false, communicator: communicator, pool: WorkerPool(threadCount: 1))
      }
      var steps = 0
      // One rank hears of the wish to stop, the others do not.
      return try trainer.run(
        shouldStop: { communicator.rank == communicator.size - 1 && steps >= stop }, report: { _ in steps += 1 })
    }
  }

  private func weights(_ name: String) throws -> [Float] {
    try Checkpoint(contentsOf: folder / name + "/checkpoint.safetensors").model.parameters.values.elements
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  /// One update by plain gradient descent at a rate of 1: the difference of the weights is that of the gradients.
  @Test(arguments: [2, 4], [1, 3]) func gradientsAreThoseOfOneProcess(ranks: Int, accumulate: Int) throws {
    var options = batchesOfFour
    (options.optimizer, options.momentum, options.learningRate, options.clipNorm) = (.sgd, 0, 1, 1e9)
    (options.maxSteps, options.accumulate, options.validationShare) = (1, accumulate, 0)
    let sampler = Sampler(
      try TrainingData([Self.holed], options: options), crop: 16, batchSize: 4, accumulation: accumulate,
      seed: options.seed)
    let counts = try (0..<ranks).map { rank in
      var share = BatchShare()
      (share.rank, share.size) = (rank, ranks)
      return try MaskedLoss.validCount(sampler.batch(epoch: 0, number: 0, share: share).target)
    }
    // A mean of the ranks' means would be something else.
    print("measured pixels of the first batch on each rank: \(counts)")
    #expect(try #require(counts.max()) > counts.reduce(0, +) / ranks * 11 / 10)

    try train("one", options, rain: Self.holed)
    for result in train("many", options, ranks: ranks, rain: Self.holed) { #expect(try result.get().steps == 1) }
    let first = EncoderForecaster(try options.architecture.network(), seed: options.seed).parameters.values.elements
    let one = try weights("one")
    let gradient = try #require(zip(one, first).map { abs($0 - $1) }.max())
    #expect(gradient > 1e-3)
    let difference = largestDifference(one, try weights("many"))
    print("gradients of \(ranks) ranks, \(accumulate) batches: largest \(gradient), largest difference \(difference)")
    #expect(difference < 1e-5 * gradient)
  }

  /// Everything that a run may use, over two epochs; the history is that of one process, and there is one of each file.
  @Test(arguments: [2, 4]) func ranksTrainAsOneProcess(ranks: Int) throws {
    var options = batchesOfFour
    (options.sampling, options.augments, options.intensityScaling) = (.wet, true, 1.5)
    (options.accumulate, options.weightAverage, options.schedule) = (2, 0.9, .plateau)
    let one = try train("one", options, rain: Self.holed)
    let many = train("many", options, ranks: ranks, rain: Self.holed)
    #expect(many.count == ranks)
    for result in many {
      let result = try result.get()
      #expect(result.steps == one.steps && result.modelStep == one.modelStep)
      let (a, b) = (try #require(result.validation), try #require(one.validation))
      #expect(abs(a.loss - b.loss) < 1e-5 * b.loss)
      #expect(abs((a.persistenceLoss ?? 0) - (b.persistenceLoss ?? 1)) < 1e-12)
    }
    let difference = largestDifference(try weights("one"), try weights("many"))
    print("weights of \(ranks) ranks after \(one.steps) updates: largest difference \(difference)")
    #expect(difference < 1e-4)
    let names = { (name: String) in try FileManager.default.contentsOfDirectory(atPath: self.folder / name).sorted() }
    #expect(try names("one") == names("many"))
    // The number of ranks is nowhere in what a run leaves.
    #expect(try bytes("one/config.json") == bytes("many/config.json"))
  }

  @Test func theSameBytesTwice() throws {
    for name in ["a", "b"] { _ = train(name, batchesOfFour, ranks: 2) }
    for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "train.html"] {
      #expect(try bytes("a/" + name) == bytes("b/" + name))
    }
  }

  /// What two ranks began, four go on with, and then one.
  @Test func anyNumberOfRanksGoesOn() throws {
    let options = batchesOfFour
    let whole = try train("whole", options)
    for result in train("parts", options, ranks: 2, stopAfter: 2) {
      #expect(throws: SharedError.self) { try result.get() }
    }
    for result in train("parts", options, ranks: 4, resume: true, stopAfter: 2) {
      #expect(throws: SharedError.self) { try result.get() }
    }
    #expect(try Checkpoint(contentsOf: folder / "parts/checkpoint.safetensors").position.step == 4)
    let result = try train("parts", options, resume: true)
    #expect(result.steps == whole.steps)
    #expect(largestDifference(try weights("parts"), try weights("whole")) < 1e-4)
  }

  @Test func ranksTakeTheCropsOfOneProcessOnceEach() throws {
    let sampler = Sampler(try TrainingData([Self.rain], options: options), crop: 16, batchSize: 4, seed: 3)
    func crops(_ rank: Int, _ ranks: Int, _ number: Int) throws -> [Sampler.Sample] {
      var share = BatchShare()
      (share.rank, share.size) = (rank, ranks)
      return try sampler.batch(epoch: 1, number: number, share: share).samples
    }
    for number in 0..<sampler.batchesPerEpoch {
      let whole = try sampler.batch(epoch: 1, number: number).samples
      for ranks in [1, 2, 4] { #expect(try (0..<ranks).flatMap { try crops($0, ranks, number) } == whole) }
    }
    // As long as not every window has come once, no two ranks read the same one.
    let batches = sampler.data.training.count / 4
    #expect(batches > 1)
    let read = try (0..<2).map { rank in
      try (0..<batches).flatMap { try crops(rank, 2, $0).map(\.window.start) }
    }
    #expect(Set(read[0]).isDisjoint(with: read[1]))
  }

  @Test func aBatchMustBeDividedEvenly() throws {
    for result in train("run", batchesOfFour, ranks: 3) {
      let error = #expect(throws: SharedError.self) { try result.get() }
      #expect(error?.error.code == .usage && error?.error.message.contains("--batch-size is 4") == true)
      #expect(error?.error.message.contains("take 3 or") == true)
    }
    #expect(!FileManager.default.fileExists(atPath: folder / "run/checkpoint.safetensors"))
  }

  /// An error on one rank is one on all, and says where it was, also from within.
  @Test func anErrorOnOneRankEndsAll() throws {
    let results = ThreadRanks.run(3) { communicator in
      try communicator.agree {
        try communicator.agree {
          if communicator.rank == 1 { throw RadarError(.notFound, "there is no such file.", path: "a b.nc") }
        }
        Issue.record("rank \(communicator.rank) went on")
      }
    }
    #expect(results.count == 3)
    for result in results {
      let error = #expect(throws: SharedError.self) { try result.get() }
      #expect(error?.error.code == .notFound)
      #expect(error?.error.description == "rank 1: a b.nc: there is no such file.")
    }
  }

  /// What all ranks see is told once, and so is the divergence of all.
  @Test func divergenceIsTheSameOnAll() throws {
    var options = batchesOfFour
    (options.learningRate, options.clipNorm, options.epochs) = (1e38, 1e30, 50)
    let results = train("run", options, ranks: 2)
    let errors = results.map { result in #expect(throws: SharedError.self) { try result.get() }?.error }
    #expect(errors.allSatisfy { $0?.code == .diverged && $0?.message.contains("rank") == false })
  }

  @Test func weightsThatPartAreNoticed() throws {
    let layout = try options.architecture.network().parameterLayout
    let results = ThreadRanks.run(2) { communicator in
      var parameters = ParameterSet(layout)
      try communicator.requireSame(parameters, step: 1, path: "run")
      parameters.values.withUnsafeMutableBufferPointer { $0[7] = communicator.isRoot ? 0 : 1e-30 }
      try communicator.requireSame(parameters, step: 2, path: "run")
    }
    for result in results {
      let error = #expect(throws: SharedError.self) { try result.get() }
      #expect(error?.error.code == .internalError && error?.error.message.contains("step 2") == true)
    }
  }

  #if !MPI
    /// Several processes that do not know of each other would all train the same.
    @Test func aJobNeedsMPI() throws {
      #expect(try Communicators.start([:]) is SingleProcess)
      #expect(try Communicators.start(["OMPI_COMM_WORLD_SIZE": "1"]) is SingleProcess)
      #expect(throwsCode(.usage) { _ = try Communicators.start(["OMPI_COMM_WORLD_SIZE": "2"]) })
      #expect(throwsCode(.usage) { _ = try Communicators.start(["PMI_SIZE": "8"]) })
    }
  #endif

  /// The start times are divided, and the report is the same to the last byte.
  @Test(arguments: [2, 3]) func ranksScoreAsOneProcess(ranks: Int) throws {
    let configuration = ModelConfiguration(
      architecture: options.architecture, inputFrames: 3, leadFrames: 2, normalisation: Normalisation(),
      timeStepSeconds: 300, gridSpacingMetres: 1000, seed: 1)
    let model = Model(
      configuration: configuration,
      parameters: EncoderForecaster(try configuration.architecture.network(), seed: 1).parameters)
    func files(_ communicator: any Communicator) throws -> [Data] {
      let pool = WorkerPool(threadCount: 1)
      let evaluation = try Evaluator.evaluate(
        [Self.holed], model: model, modelPath: "m", options: .init(), communicator: communicator, pool: pool)
      guard communicator.isRoot else { return [] }
      return try ScoreReport(evaluation, intervals: ScoreIntervals(evaluation.book, pool: pool)).files().map(\.data)
    }
    let one = try files(SingleProcess())
    #expect(one.count >= 5)
    let results = ThreadRanks.run(ranks) { communicator in try communicator.agree { try files(communicator) } }
    #expect(try results[0].get() == one)
  }
}
