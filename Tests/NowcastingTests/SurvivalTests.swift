import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

/// Runs that are damaged, killed or run away.
@Suite struct SurvivalTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let results = ["model.safetensors", "checkpoint.safetensors", "history.csv", "train.html"]

  /// A run that was ended after six updates, in the first epoch or the second, and one that was not.
  private func makeRuns() throws {
    try train("whole", options)
    var steps = 0
    let trainer = try Trainer(
      try TrainingData([Self.rain], options: options), options: options, folder: RunFolder(folder / "run"),
      resume: false, overwrite: false, pool: .standard)
    #expect(
      throwsCode(.interrupted) { _ = try trainer.run(shouldStop: { steps == 6 }, report: { _ in steps += 1 }) })
  }

  /// Takes up the run and returns what there was to say.
  private func resume() throws -> [String] {
    let trainer = try Trainer(
      try TrainingData([Self.rain], options: options), options: options, folder: RunFolder(folder / "run"),
      resume: true, overwrite: false, pool: .standard)
    _ = try trainer.run()
    return trainer.warnings
  }

  private func expectTheSame(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for name in Self.results {
      #expect(try bytes("run/" + name) == bytes("whole/" + name), "\(name)", sourceLocation: sourceLocation)
    }
  }

  private func url(_ name: String) -> URL { URL(fileURLWithPath: folder / name) }

  @Test func theOneBeforeIsKept() throws {
    try train("run", options)
    let last = try Checkpoint(contentsOf: folder / "run/checkpoint.safetensors")
    let previous = try Checkpoint(contentsOf: folder / "run/checkpoint.previous.safetensors")
    #expect(last.position.epoch == 2 && previous.position.epoch == 1)
  }

  /// A bit that is wrong anywhere in the file is noticed.
  @Test func everyBitCounts() throws {
    var options = options
    options.maxSteps = 1
    try train("run", options)
    let good = try bytes("run/checkpoint.safetensors")
    var random = RandomSource(seed: 7)
    let header = 8 + Int(good.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    // Half of them in the header, which is a small part of the file.
    let places = (0..<200).map { $0 % 2 == 0 ? random.index(below: header) : random.index(below: good.count) }
    for place in places {
      var bad = good
      bad[place] ^= 1 << UInt8(random.index(below: 8))
      try bad.write(to: url("bad.safetensors"))
      #expect(throwsCode(.unusable) { _ = try Checkpoint(contentsOf: folder / "bad.safetensors") }, "byte \(place)")
    }
    for count in [0, 7, header - 1, header, good.count - 1] {
      try good.prefix(count).write(to: url("bad.safetensors"))
      #expect(throwsCode(.unusable) { _ = try Checkpoint(contentsOf: folder / "bad.safetensors") }, "\(count) bytes")
    }
  }

  @Test func aDamagedCheckpointGivesWayToTheOneBefore() throws {
    try makeRuns()
    var data = try bytes("run/checkpoint.safetensors")
    data[data.count - 5] ^= 4
    try data.write(to: url("run/checkpoint.safetensors"))
    let warning = try #require(try resume().first)
    #expect(warning.contains("its checksum does not fit") && warning.contains("from the one before it, of step"))
    try expectTheSame()
    #expect(try bytes("run/checkpoint.damaged.safetensors") == data)
  }

  /// Between two renames there is no last checkpoint.
  @Test func aMissingCheckpointGivesWayToTheOneBefore() throws {
    try makeRuns()
    try FileManager.default.removeItem(at: url("run/checkpoint.safetensors"))
    #expect(try #require(try resume().first).contains("is missing"))
    try expectTheSame()
  }

  @Test func withoutAWholeCheckpointNothingGoesOn() throws {
    try makeRuns()
    for name in ["checkpoint", "checkpoint.previous"] { try Data("x".utf8).write(to: url("run/\(name).safetensors")) }
    do {
      _ = try resume()
      Issue.record("went on from nothing")
    } catch let error as NowcastError {
      #expect(error.code == .unusable && error.message.contains("The one before it cannot be used either"))
    }
    try FileManager.default.removeItem(at: url("run/checkpoint.previous.safetensors"))
    try FileManager.default.removeItem(at: url("run/checkpoint.safetensors"))
    // There is a model, so this is no run that had not begun yet; beginning would replace it.
    #expect(throwsCode(.notFound) { _ = try resume() })
  }

  /// Earlier versions wrote no checksum.
  @Test func earlierVersionsAreRefused() throws {
    try train("run", options)
    var file = try SafetensorsFile(contentsOf: folder / "run/checkpoint.safetensors")
    func message() throws -> String {
      try file.write(to: folder / "old.safetensors", overwrite: true)
      do {
        _ = try Checkpoint(contentsOf: folder / "old.safetensors")
        return "no error"
      } catch { return (error as? NowcastError).map { "\($0.code.rawValue) \($0.message)" } ?? "\(error)" }
    }
    file.metadata["checksum"] = nil
    #expect(try message().hasPrefix("65 the checkpoint has no checksum: it was written by an earlier version"))
    file.metadata["checkpoint"] = file.metadata["checkpoint"]?.replacingOccurrences(of: "\"epoch\":", with: "\"lap\":")
    file.metadata["checksum"] = file.checksum
    #expect(try message().hasPrefix("65 the checkpoint was written by another version"))
    file.metadata["checkpoint"] = nil
    #expect(try message().hasPrefix("65 this is no checkpoint"))
  }

  /// What was killed before its first checkpoint has left a folder, and perhaps its configuration and half a file.
  @Test func aRunThatHadNotBegunBegins() throws {
    try train("whole", options)
    try FileManager.default.createDirectory(at: url("run"), withIntermediateDirectories: true)
    try Data("{}".utf8).write(to: url("run/config.json"))
    try Data("half".utf8).write(to: url("run/.nowcast-abc.partial"))
    let claim = try RunClaim(RunFolder(folder / "run"), resume: true, overwrite: false)
    #expect(try resume() == ["\(folder / "run"): nothing was saved yet; training starts from the beginning"])
    claim.release()
    try expectTheSame()
    #expect(try bytes("run/config.json") == bytes("whole/config.json"))
    #expect(!FileManager.default.fileExists(atPath: folder / "run/.nowcast-abc.partial"))
  }

  @Test func oneProcessForOneRun() throws {
    let run = RunFolder(folder / "a/b/run")
    let claim = try RunClaim(run, resume: false, overwrite: false)
    #expect(FileManager.default.fileExists(atPath: run.path))
    #expect(throwsCode(.cannotCreate) { _ = try RunClaim(run, resume: false, overwrite: false) })
    claim.release()
    // Nothing was put into it, so nothing stays, and the folder that was there does.
    #expect(!FileManager.default.fileExists(atPath: folder / "a") && folder.contents.isEmpty)
    #expect(throwsCode(.notFound) { _ = try RunClaim(run, resume: true, overwrite: false) })
  }

  /// An optimiser whose state is ruined makes the next loss one that is no number, long after a good model was kept.
  @Test func divergenceKeepsTheLastGoodModel() throws {
    try train("run", options)
    let model = try bytes("run/model.safetensors")
    let kept = try Model(contentsOf: folder / "run").configuration.stepsTrained
    var checkpoint = try Checkpoint(contentsOf: folder / "run/checkpoint.safetensors")
    checkpoint.model.parameters.values = Tensor(
      shape: checkpoint.model.parameters.values.shape, repeating: .greatestFiniteMagnitude)
    let file = try checkpoint.file()
    try file.write(to: folder / "run/checkpoint.safetensors", overwrite: true)
    var longer = options
    longer.epochs = 4
    do {
      try train("run", longer, resume: true)
      Issue.record("training did not diverge")
    } catch let error as NowcastError {
      #expect(error.code == .diverged)
      #expect(error.message.contains("diverged at step \(checkpoint.position.step + 1), epoch 3"))
      #expect(error.message.contains("The best model before that, of step \(kept), is kept."))
    }
    #expect(try bytes("run/model.safetensors") == model)
  }

  /// Rates that are far too high ruin the network while every number stays finite: the logistic function hides it.
  @Test(arguments: [(10.0, TrainingLoss.mse), (1e6, .mse), (1e3, .crossEntropy), (1e3, .balanced), (1e3, .huber)])
  func ratesThatAreFarTooHighEndTraining(rate: Double, loss: TrainingLoss) throws {
    var options = options
    (options.learningRate, options.loss, options.epochs) = (rate, loss, 100)
    do {
      try train("run", options)
      Issue.record("training did not diverge")
    } catch let error as NowcastError {
      #expect(error.code == .diverged && error.message.contains("diverged at step"))
      #expect(error.message.contains("Try a smaller --learning-rate than \(rate)."))
    }
  }

  @Test func healthIsNotMistaken() {
    func health(_ losses: [(loss: Double, clueless: Double, norm: Double)]) -> TrainingHealth {
      losses.reduce(into: TrainingHealth()) { $0.add(loss: $1.loss, clueless: $1.clueless, gradientNorm: $1.norm) }
    }
    let few = [(loss: 0.5, clueless: 0.3, norm: 0.0)]
    #expect(health(Array(repeating: few[0], count: 49)).failure == nil)
    #expect(health(Array(repeating: few[0], count: 50)).failure?.contains("saturated") == true)
    // A gradient in between, and counting begins again.
    let alive = (loss: 0.5, clueless: 0.3, norm: 0.1)
    #expect(health(Array(repeating: few[0], count: 49) + [alive] + Array(repeating: few[0], count: 49)).failure == nil)
    // A dry batch first, strong rain after it: no more than saying the same everywhere costs.
    let dry = (loss: 1e-4, clueless: 0.5, norm: 1e-4)
    #expect(health([dry] + Array(repeating: (loss: 3, clueless: 12, norm: 1), count: 100)).failure == nil)
    #expect(health([dry] + Array(repeating: (loss: 15, clueless: 12, norm: 1), count: 100)).failure != nil)
    // Nothing left to learn: no loss and no gradient.
    #expect(health(Array(repeating: (loss: 0, clueless: 0.5, norm: 0), count: 100)).failure == nil)
    // The mean of the first ones, and later a moving average.
    #expect(health([(1, 1, 1), (2, 1, 1), (6, 1, 1)]).smoothedLoss == 3)
  }

  @Test func windowsWithoutATargetAreNone() throws {
    // Input frames are measured, but no frame that could be forecast is.
    var rain = try Self.rain.rainRate.parts(0..<5)
    for t in 3..<5 { for y in 0..<30 { for x in 0..<34 { rain[t, y, x] = .nan } } }
    let sequence = FrameSequence(
      grid: Self.rain.grid, times: (0..<5).map { Double($0) * 300 }, rainRate: rain)
    #expect(throwsCode(.unusable) { _ = try TrainingData([sequence], options: options) })
  }

  @Test func thePageHoldsTheRun() throws {
    try train("run", options)
    let page = try String(contentsOfFile: folder / "run/train.html", encoding: .utf8)
    for text in ["Best validation loss", "Learning rate", "persistence", "last seen", "+10 min", "epoch 2 of 2"] {
      #expect(page.contains(text), "\(text)")
    }
    // Last seen, and two lead times observed and forecast, of each case.
    let maps = page.components(separatedBy: "data:image/png;base64,iVBOR").count - 1
    #expect(maps > 0 && maps % 5 == 0)
    #expect(!page.contains("http") && !page.contains("<script") && !page.contains(folder.path))
  }
}

@Suite struct DataRecordTests {
  private func record(_ files: (String, String)..., frames: String = "f") -> DataRecord {
    DataRecord(files: files.map { DataRecord.File(name: $0.0, hash: $0.1) }, frames: frames)
  }

  private func sequence(_ paths: String...) -> [FrameSequence] {
    [
      FrameSequence(
        grid: Grid(height: 1, width: 1, spacingMetres: 1), times: [0], rainRate: Tensor(shape: [1, 1, 1]),
        source: SourceDescription(files: paths))
    ]
  }

  @Test func differencesAreNamed() {
    let was = record(("a.nc", "1"), ("b.nc", "2"))
    func difference(_ now: DataRecord, _ paths: String...) -> String? {
      now.difference(
        from: was,
        [
          FrameSequence(
            grid: Grid(height: 1, width: 1, spacingMetres: 1), times: [0], rainRate: Tensor(shape: [1, 1, 1]),
            source: SourceDescription(files: paths))
        ])
    }
    #expect(difference(was, "x/a.nc", "x/b.nc") == nil)
    #expect(
      difference(record(("a.nc", "1"), ("b.nc", "3"), frames: "g"), "x/a.nc", "x/b.nc") == "x/b.nc has changed")
    #expect(
      difference(record(("a.nc", "1"), ("b.nc", "2"), ("c.nc", "4"), frames: "g"), "a.nc", "b.nc", "x/c.nc")
        == "x/c.nc is new")
    #expect(difference(record(("a.nc", "1"), frames: "g"), "a.nc") == "b.nc is missing")
    #expect(
      difference(record(("a.nc", "1"), ("b.nc", "2"), frames: "g"), "a.nc", "b.nc")?.hasPrefix("the files are the same")
        == true)
    #expect(
      difference(
        record(("a.nc", "5"), ("p.nc", "6"), ("q.nc", "7"), ("r.nc", "8"), frames: "g"), "a.nc", "p.nc", "q.nc", "r.nc")
        == "a.nc has changed, p.nc is new, q.nc is new (and 2 more)")
  }

  /// Every byte of a small file counts, and where it lies does not.
  @Test func filesAreKnownByTheirBytes() throws {
    let folder = try TemporaryFolder()
    func hash(_ bytes: [UInt8], _ name: String) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: folder / name))
      let files = try DataRecord(sequence(folder / name), frames: "").files
      #expect(files.count == 1 && files[0].name == name)
      return files[0].hash
    }
    let bytes = (0..<200_003).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let good = try hash(bytes, "a")
    #expect(try hash(bytes, "b") == good)
    for place in [0, 1, 65_535, 65_536, 131_072, 199_999, 200_002] {
      var other = bytes
      other[place] ^= 128
      #expect(try hash(other, "c") != good)
      // Two that differ in the same bit do not cancel out.
      other[(place + 64_000) % bytes.count] ^= 128
      #expect(try hash(other, "c") != good)
    }
    #expect(try hash(bytes + [0], "d") != good)
    #expect(throwsCode(.notFound) { _ = try DataRecord(sequence(folder / "none"), frames: "") })
  }
}

@Suite struct MemoryLimitTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, _ name: String) throws {
    let url = URL(fileURLWithPath: folder / name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func limit() -> Double? {
    MemoryLimit.ofContainer(root: folder / "cgroup", membership: folder / "self")
  }

  @Test func theLeastLimitOnTheWayUpCounts() throws {
    #expect(limit() == nil)
    try write("0::/a/b\n", "self")
    #expect(limit() == nil)
    try write("max\n", "cgroup/a/b/memory.max")
    #expect(limit() == nil)
    try write("2000000000\n", "cgroup/a/memory.max")
    try write("8000000000\n", "cgroup/memory.max")
    #expect(limit() == 2e9)
    try write("1000000000\n", "cgroup/a/b/memory.max")
    #expect(limit() == 1e9)
  }

  /// In a container the path is one outside of it, and the own group is the root.
  @Test func withinAContainer() throws {
    try write("0::/docker/0123\n", "self")
    try write("512000000\n", "cgroup/memory.max")
    #expect(limit() == 5.12e8)
  }

  @Test func controlGroupsOfTheFirstVersion() throws {
    try write("4:cpu,cpuacct:/x\n3:memory:/x/y\n1:name=systemd:/z\n", "self")
    try write("300000000\n", "cgroup/memory/x/y/memory.limit_in_bytes")
    try write("9223372036854771712\n", "cgroup/memory/memory.limit_in_bytes")
    #expect(limit() == 3e8)
  }
}
