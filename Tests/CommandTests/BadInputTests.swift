import Foundation
import RadarIO
import Testing

/// Bad input ends with a sentence and an exit status, and leaves nothing behind.
@Suite(.serialized) struct BadInputTests {
  private let folder: Command.Folder

  init() throws { folder = try Command.Folder() }

  /// Windows that the files of `writeRadarFile` have.
  private let short = ["--input-frames", "3", "--lead-frames", "2"]

  private func inspect(_ paths: String..., options: [String] = []) throws -> Command.Outcome {
    try Command.run(["inspect"] + paths + options)
  }

  /// A model for the files of `writeRadarFile`, trained for one step.
  private func model() throws -> String {
    try writeRadarFile(folder / "good.nc")
    let run = folder / "run"
    expect(
      try Command.run(
        "train", "--data", folder / "good.nc", "--output", run, "--hidden", "4", "--input-frames", "3", "--lead-frames",
        "2", "--crop", "8", "--max-steps", "1", "--quiet"), status: 0)
    return run
  }

  @Test func noSuchFile() throws {
    expect(try inspect(folder / "none.nc"), status: 66, "none.nc")
    expect(
      try Command.run("predict", "--frames", folder / "x", "--model", folder / "none", "--output", folder / "f.nc"),
      status: 66, "none")
  }

  /// What a method needs and does not need.
  @Test func methodsAndModels() throws {
    try writeRadarFile(folder / "a.nc")
    func predict(_ options: String..., frames: String = "a.nc") throws -> Command.Outcome {
      try Command.run(["predict", "--frames", folder / frames, "--output", folder / "f.nc"] + options)
    }
    expect(try predict("--method", "advection", "--model", "run"), status: 64, "uses no model", "--model")
    expect(try predict("--method", "persistence", "--force"), status: 64, "uses no model", "--force")
    expect(try predict("--method", "magic"), status: 64, "convlstm", "advection", "persistence")
    try writeRadarFile(folder / "one.nc") { $0.times = [0] }
    expect(try predict("--method", "advection", frames: "one.nc"), status: 65, "one.nc", "needs 2 frames", "motion")
    expect(try predict("--method", "persistence", frames: "one.nc"), status: 65, "needs 2 frames", "time step")
    expect(try predict("--method", "sprog", frames: "one.nc"), status: 65, "needs 3 frames", "is only 1")
    let eval = try Command.run(
      "eval", "--data", folder / "a.nc", "--model", "run", "--output", folder / "r", "--baselines", "persistence,magic")
    expect(eval, status: 64, "--baselines")
    #expect(!folder.contains("f.nc") && !folder.contains("r"))
  }

  @Test func notNetCDF() throws {
    try "just text".write(toFile: folder / "a.nc", atomically: true, encoding: .utf8)
    expect(try inspect(folder / "a.nc"), status: 65, "a.nc", "NetCDF")
    try Data().write(to: URL(fileURLWithPath: folder / "b.nc"))
    expect(try inspect(folder / "b.nc"), status: 65, "b.nc", "empty")
  }

  @Test func truncated() throws {
    try writeRadarFile(folder / "a.nc") { ($0.height, $0.width) = (64, 64) }
    let whole = try Data(contentsOf: URL(fileURLWithPath: folder / "a.nc"))
    for share in [0.3, 0.6, 0.95] {
      try whole.prefix(Int(Double(whole.count) * share)).write(to: URL(fileURLWithPath: folder / "a.nc"))
      expect(try inspect(folder / "a.nc"), status: 65, "a.nc", "truncated")
    }
  }

  @Test func noRainVariable() throws {
    try writeRadarFile(folder / "a.nc") { $0.hasGrid = false }
    expect(try inspect(folder / "a.nc"), status: 65, "a.nc", "no variable has frames", "'rain'")
  }

  @Test func severalCandidates() throws {
    try writeRadarFile(folder / "a.nc") { $0.variables = ["rain", "rain_raw"] }
    expect(try inspect(folder / "a.nc"), status: 65, "'rain'", "'rain_raw'", "--variable")
    expect(try inspect(folder / "a.nc", options: ["--variable", "rain_raw"]), status: 0)
    expect(try inspect(folder / "a.nc", options: ["--variable", "snow"]), status: 65, "snow", "rain_raw")
  }

  @Test func unknownUnits() throws {
    try writeRadarFile(folder / "a.nc") { $0.units = "buckets" }
    expect(try inspect(folder / "a.nc"), status: 65, "'rain'", "buckets")
    try writeRadarFile(folder / "b.nc") { $0.units = "kelvin" }
    expect(try inspect(folder / "b.nc"), status: 65, "kelvin")
    try writeRadarFile(folder / "c.nc") { $0.units = nil }
    expect(try inspect(folder / "c.nc"), status: 65, "--units")
    expect(try inspect(folder / "c.nc", options: ["--units", "mm h-1"]), status: 0)
  }

  @Test func timesOutOfOrder() throws {
    try writeRadarFile(folder / "a.nc") { $0.times = [0, 300, 900, 600] }
    expect(try inspect(folder / "a.nc"), status: 0, "a.nc", "order of time")
    try writeRadarFile(folder / "b.nc") { $0.times = [0, 300, 300, 600] }
    expect(try inspect(folder / "b.nc"), status: 0, "b.nc", "2020-01-01T00:05")
    try writeRadarFile(folder / "c.nc")
    try writeRadarFile(folder / "d.nc")
    expect(try inspect(folder / "c.nc", folder / "d.nc"), status: 0, "c.nc", "d.nc", "8 frames are left out")
  }

  @Test func inspectGoesOn() throws {
    try writeRadarFile(folder / "good.nc")
    try "text".write(toFile: folder / "bad.nc", atomically: true, encoding: .utf8)
    try writeRadarFile(folder / "buckets.nc") { $0.units = "buckets" }
    let outcome = try inspect(folder / "bad.nc", folder / "none.nc", folder / "good.nc", folder / "buckets.nc")
    expect(outcome, status: 65, "bad.nc: this is neither", "none.nc: there is no such", "'buckets' are not understood")
    #expect(outcome.output.hasPrefix("1 sequence"))
    expect(try inspect(folder / "good.nc", folder / "none.nc"), status: 66)

    let json = try inspect(folder / "good.nc", folder / "bad.nc", options: ["--json"])
    let content = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let sequence = try #require((content?["sequences"] as? [[String: Any]])?.first)
    #expect(sequence["variable"] as? String == "rain" && sequence["units"] as? String == "mm h-1")
    #expect(sequence["step_seconds"] as? Double == 300 && sequence["maximum_rain_rate"] as? Double == 4)
    #expect((sequence["grid"] as? [String: Any])?["spacing_metres"] as? Double == 1000)
    #expect((content?["failures"] as? [[String: Any]])?.first?["path"] as? String == folder / "bad.nc")
  }

  @Test func aGapIsTold() throws {
    try writeRadarFile(folder / "a.nc") { $0.times = [0, 300, 600, 1800, 2100] }
    let outcome = try inspect(folder / "a.nc")
    expect(outcome, status: 0)
    #expect(outcome.output.contains("2 sequences"))
    #expect(
      outcome.output.contains("gap        20 min 00 s from the last frame of 2020-01-01T00:00Z, 3 frames missing"))
  }

  @Test func twoGridsMixed() throws {
    let run = try model()
    try writeRadarFile(folder / "other.nc") {
      ($0.height, $0.times) = (14, (8..<16).map { Double($0) * 300 })
    }
    expect(
      try Command.run(
        "predict", "--frames", folder / "good.nc", folder / "other.nc", "--model", run, "--output", folder / "f.nc"),
      status: 65, "grid", "good.nc", "other.nc")
    #expect(!folder.contains("f.nc"))
  }

  @Test func tooFewFrames() throws {
    let run = try model()
    try writeRadarFile(folder / "short.nc") { $0.times = [0, 300] }
    expect(
      try Command.run("predict", "--frames", folder / "short.nc", "--model", run, "--output", folder / "f.nc"),
      status: 65, "3 frames", "only 2")
    expect(
      try Command.run("eval", "--data", folder / "short.nc", "--model", run, "--output", folder / "report"),
      status: 65, "3 + 2 frames")
    expect(
      try Command.run("train", "--data", folder / "short.nc", "--output", folder / "new", "--input-frames", "3"),
      status: 65, "frames in a row")
    #expect(!folder.contains("report") && !folder.contains("new"))
  }

  @Test func allMissing() throws {
    let run = try model()
    try writeRadarFile(folder / "missing.nc") { $0.value = { _, _, _ in .nan } }
    expect(
      try Command.run(
        "train", "--data", folder / "missing.nc", "--output", folder / "new", "--input-frames", "3", "--lead-frames",
        "2"),
      status: 65, "missing")
    // A forecast of nothing is nothing, and says so.
    expect(
      try Command.run("predict", "--frames", folder / "missing.nc", "--model", run, "--output", folder / "f.nc"),
      status: 0, "missing")
    let forecast = try #require(try RadarReader().sequences(at: [folder / "f.nc"]).sequences.first)
    #expect(try forecast.rainRate.elements.allSatisfy { $0.isNaN })
  }

  @Test func allDry() throws {
    try writeRadarFile(folder / "dry.nc") { $0.value = { _, _, _ in 0 } }
    let run = folder / "run"
    expect(
      try Command.run(
        "train", "--data", folder / "dry.nc", "--output", run, "--hidden", "4", "--input-frames", "3", "--lead-frames",
        "2", "--crop", "8", "--epochs", "2"), status: 0)
    expect(
      try Command.run("predict", "--frames", folder / "dry.nc", "--model", run, "--output", folder / "f.nc"), status: 0)
    let forecast = try #require(try RadarReader().sequences(at: [folder / "f.nc"]).sequences.first)
    #expect(try forecast.rainRate.elements.allSatisfy { $0 == 0 })
    let outcome = try Command.run("eval", "--data", folder / "dry.nc", "--model", run, "--output", folder / "report")
    expect(outcome, status: 0)
    // No event, so no CSI: an empty value and not a zero.
    let csv = try String(contentsOfFile: folder / "report/scores.csv", encoding: .utf8)
    #expect(csv.contains("all,convlstm,5,csi,1,,,") && csv.contains("all,convlstm,5,mse,,,0.0,"))
  }

  @Test func modelAndDataDoNotFit() throws {
    let run = try model()
    try writeRadarFile(folder / "slow.nc") { $0.times = (0..<8).map { Double($0) * 900 } }
    let arguments = ["predict", "--frames", folder / "slow.nc", "--model", run, "--output", folder / "f.nc"]
    expect(try Command.run(arguments), status: 65, "300 s", "900 s", "--force")
    // Forced, it says so on the terminal and in the file.
    expect(try Command.run(arguments + ["--force"]), status: 0, "300 s", "900 s")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder / "f.nc"))
    #expect(bytes.range(of: Data("Forced: the model was trained on a time step of 300 s".utf8)) != nil)
  }

  @Test func corruptOrForeignModel() throws {
    let run = try model()
    let file = run + "/model.safetensors"
    let whole = try Data(contentsOf: URL(fileURLWithPath: file))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: file))
    let arguments = ["predict", "--frames", folder / "good.nc", "--model", run, "--output", folder / "f.nc"]
    expect(try Command.run(arguments), status: 65, "model.safetensors")
    try Data("PK\u{3}\u{4} some other format".utf8).write(to: URL(fileURLWithPath: file))
    expect(try Command.run(arguments), status: 65, "model.safetensors")
    expect(
      try Command.run(
        "predict", "--frames", folder / "good.nc", "--model", folder / "good.nc", "--output", folder / "f.nc"),
      status: 65, "good.nc")
    #expect(!folder.contains("f.nc"))
  }

  @Test func outputThatCannotBeMade() throws {
    let run = try model()
    expect(
      try Command.run("predict", "--frames", folder / "good.nc", "--model", run, "--output", folder / "no/f.nc"),
      status: 73, "no")
    // Nothing is forecast when the maps could not be written.
    let maps = ["predict", "--frames", folder / "good.nc", "--model", run, "--output", folder / "f.nc", "--quicklook"]
    for path in [folder / "no/maps.png", folder / "good.nc"] {
      expect(try Command.run(maps + [path]), status: 73, path)
    }
    try Data([1]).write(to: URL(fileURLWithPath: folder / "maps.png"))
    expect(try Command.run(maps + [folder / "maps.png"]), status: 73, "maps.png", "--overwrite")
    #expect(!folder.contains("f.nc"))
    // A file in the place of a folder; nobody, not even root, can write into it.
    expect(
      try Command.run("train", "--data", folder / "good.nc", "--output", folder / "good.nc/run"), status: 73, "good.nc")
    expect(
      try Command.run("eval", "--data", folder / "good.nc", "--model", run, "--output", folder / "good.nc"), status: 73)
    #if os(Linux)
      for command in [
        ["train", "--data", folder / "good.nc", "--output", "/proc/nowcast-run"] + short,
        ["predict", "--frames", folder / "good.nc", "--model", run, "--output", "/proc/nowcast.nc"],
        ["eval", "--data", folder / "good.nc", "--model", run, "--output", "/proc/nowcast-report"],
      ] {
        expect(try Command.run(command), status: 73, "/proc/nowcast")
      }
    #endif
  }

  @Test func wrongUsage() throws {
    expect(try Command.run("forecast"), status: 64)
    expect(try Command.run("train", "--data", "x"), status: 64, "--output")
    expect(try Command.run("train", "--data", "x", "--output", "y", "--epochs", "0"), status: 64, "--epochs")
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--epochs", "9223372036854775807"), status: 64,
      "--epochs")
    expect(try Command.run("train", "--data", "x", "--output", "y", "--kernel", "4"), status: 64, "odd")
    expect(try Command.run("train", "--data", "x", "--output", "y", "--hidden", "a"), status: 64, "--hidden")
    expect(try Command.run("train", "--output", "y"), status: 64, "--data")
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--resume", "--overwrite"), status: 64, "--overwrite")
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--validation", "z", "--validation-share", "0.1"),
      status: 64, "--validation-share")
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--momentum", "0.5"), status: 64, "--optimizer sgd")
    try "{ \"hiden\": [4] }".write(toFile: folder / "c.json", atomically: true, encoding: .utf8)
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--config", folder / "c.json"), status: 64, "c.json",
      "'hiden'", "'hidden'")
    expect(
      try Command.run("train", "--data", "x", "--output", "y", "--config", folder / "none.json"), status: 66,
      "none.json")
    expect(try Command.run("eval", "--data", "x", "--output", "y"), status: 64, "--model or --forecast")
    expect(
      try Command.run("predict", "--frames", "x", "--model", "y", "--output", "z", "--compat", "grib"), status: 64,
      "--compat")
    expect(
      try Command.run(
        "predict", "--frames", "x", "--model", "y", "--output", "z", "--lead-frames", "2", "--lead-minutes", "5"),
      status: 64, "--lead-minutes")
  }

  /// Options that no machine has the memory for are refused, and not tried.
  @Test func tooMuchMemory() throws {
    try writeRadarFile(folder / "a.nc")
    expect(
      try Command.run(
        ["train", "--data", folder / "a.nc", "--output", folder / "run", "--hidden", "65536,65536"] + short),
      status: 64,
      "of memory", "--hidden")
    #expect(!folder.contains("run"))
  }

  /// A disk that fills up: status 74, and no half file.
  ///
  /// Mounting a small file system needs root in a container that allows it; where it can't be done, this test says so.
  @Test func fullDisk() throws {
    #if os(Linux)
      let run = try model()
      let disk = folder / "disk"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      guard shell("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk) else {
        print("a small file system cannot be mounted here: the full disk was not tried")
        return
      }
      defer { _ = shell("umount", disk) }
      expect(
        try Command.run("simulate", "--output", disk + "/radar.nc", "--frames", "20"), status: 74, "radar.nc", "space")
      expect(
        try Command.run(
          "train", "--data", folder / "good.nc", "--output", disk + "/run", "--input-frames", "3",
          "--lead-frames", "2", "--max-steps", "1"),
        status: 74,
        "space")
      #expect(!folder.contains("disk/run/model.safetensors") && !folder.contains("disk/run/checkpoint.safetensors"))
      expect(
        try Command.run(
          "predict", "--frames", folder / "good.nc", "--model", run, "--output", disk + "/forecast.nc", "--lead-frames",
          "900"), status: 74, "forecast.nc")
      #expect(!folder.contains("disk/forecast.nc"))
    #endif
  }

  /// A disk that fills up while training goes on: status 74, the last good state stays, and with room again the run comes
  /// out as if nothing had been. Needs root, as above.
  @Test func fullDiskDuringTraining() throws {
    #if os(Linux)
      try Command.run("simulate", "--output", folder / "r.nc", "--frames", "14", "--height", "24", "--width", "24")
      let options =
        ["train", "--data", folder / "r.nc", "--hidden", "16", "--crop", "16", "--epochs", "4", "--quiet"] + short
      expect(try Command.run(options + ["--output", folder / "whole"]), status: 0)
      func size(_ name: String) throws -> Int { try Data(contentsOf: URL(fileURLWithPath: folder / name)).count }
      // Room for two checkpoints and the rest, but not for a third one beside them.
      let checkpoint = try size("whole/checkpoint.safetensors")
      let room = try 2 * checkpoint + size("whole/model.safetensors") + checkpoint / 2
      let disk = folder / "disk"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      guard shell("mount", "-t", "tmpfs", "-o", "size=\(room)", "tmpfs", disk) else {
        print("a small file system cannot be mounted here: the full disk was not tried")
        return
      }
      defer { _ = shell("umount", disk) }
      let run = disk + "/run"
      expect(try Command.run(options + ["--output", run]), status: 74, "checkpoint.safetensors", "No space left")
      // Still full.
      expect(try Command.run(options + ["--output", run, "--resume"]), status: 74, "No space left")
      expect(try Command.run("model", run), status: 0)
      #expect(shell("mount", "-o", "remount,size=\(4 * room)", disk))
      expect(try Command.run(options + ["--output", run, "--resume"]), status: 0)
      for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "train.html"] {
        let (a, b) = (URL(fileURLWithPath: folder / "whole/\(name)"), URL(fileURLWithPath: run + "/" + name))
        #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(name)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: run).allSatisfy { !$0.hasPrefix(".") })
    #endif
  }

  /// A run is taken up on its own data only; what is another is named. That the files lie elsewhere does not matter.
  @Test func dataThatChanged() throws {
    for (index, name) in ["a", "b", "c"].enumerated() {
      try writeRadarFile(folder / "data/\(name).nc", in: folder / "data") {
        $0.times = (0..<8).map { Double($0 + index * 100) * 300 }
      }
    }
    let train = ["train", "--output", folder / "run", "--hidden", "4", "--crop", "8", "--max-steps", "3"] + short
    expect(try Command.run(train + ["--data", folder / "data"]), status: 0)
    let more = train + ["--resume", "--max-steps", "5"]
    func resumed(_ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
      let outcome = try Command.run(more + ["--data", folder / "data"])
      #expect(outcome.status == 65, "\(outcome.errors)", sourceLocation: sourceLocation)
      for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation) }
    }
    // One value of one frame.
    try writeRadarFile(folder / "data/b.nc", in: folder / "data") {
      $0.times = (0..<8).map { Double($0 + 100) * 300 }
      let value = $0.value
      $0.value = { t, y, x in t == 5 && y == 7 && x == 3 ? 9 : value(t, y, x) }
    }
    try resumed("data/b.nc has changed", "start a new run")
    try writeRadarFile(folder / "data/b.nc", in: folder / "data") { $0.times = (0..<8).map { Double($0 + 100) * 300 } }
    try writeRadarFile(folder / "data/d.nc", in: folder / "data") { $0.times = (0..<8).map { Double($0 + 900) * 300 } }
    try resumed("data/d.nc is new")
    for name in ["c", "d"] { try FileManager.default.removeItem(atPath: folder / "data/\(name).nc") }
    try resumed("c.nc is missing")
    try writeRadarFile(folder / "data/c.nc", in: folder / "data") { $0.times = (0..<8).map { Double($0 + 200) * 300 } }
    try FileManager.default.moveItem(atPath: folder / "data", toPath: folder / "elsewhere")
    expect(
      try Command.run(more + ["--data", folder / "elsewhere", "--validation", folder / "elsewhere/a.nc"]), status: 65,
      "the files are the same, but")
    expect(try Command.run(more + ["--data", folder / "elsewhere"]), status: 0)
    expect(
      try Command.run(more + ["--data", folder / "elsewhere", "--loss", "mae", "--batch-size", "2"]), status: 65,
      "batch-size was 4 and is 2", "loss was \"mse\" and is \"mae\"")
  }

  @Test func rateThatDiverges() throws {
    try writeRadarFile(folder / "a.nc")
    expect(
      try Command.run(
        ["train", "--data", folder / "a.nc", "--output", folder / "run", "--hidden", "4", "--learning-rate", "1000"]
          + short), status: 75, "diverged at step", "--learning-rate")
  }
}
