import Foundation
import RadarIO
import Testing

/// A folder that is watched: whatever happens there, forecasts are those of `predict`.
@Suite(.serialized) struct WatchTests {
  private let folder: Command.Folder
  private let manager = FileManager.default

  init() throws {
    folder = try Command.Folder()
    expect(
      try Command.run(
        "simulate", "--split", "--output", folder / "source", "--frames", "14", "--height", "24", "--width", "28",
        "--quiet"), status: 0)
    try manager.createDirectory(atPath: folder / "radar", withIntermediateDirectories: true)
  }

  /// The frame files in the order of time.
  private var names: [String] { get throws { try manager.contentsOfDirectory(atPath: folder / "source").sorted() } }

  private func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder / name)) }

  /// Puts a frame into the watched folder, whole at once.
  private func deliver(_ frame: Int, as name: String? = nil) throws {
    let own = try names[frame]
    try data("source/\(own)").write(to: URL(fileURLWithPath: folder / "radar/\(name ?? own)"))
  }

  private func forecast(_ frame: Int) throws -> String {
    "out/" + (try names[frame]).replacingOccurrences(of: "radar-", with: "forecast-")
  }

  /// Whether the forecast of a frame is, to the byte, what predict makes of frames.
  private func isPredicted(_ frame: Int, from frames: [Int], options: [String], history: [String]) throws -> Bool {
    let paths = try frames.map { folder / "radar/\(try names[$0])" }
    let outcome = try Command.run(
      ["predict", "--frames"] + paths + options
        + ["--output", folder / "p.nc", "--overwrite", "--history", (["nowcast"] + history).joined(separator: " ")])
    expect(outcome, status: 0)
    return try data("p.nc") == data(forecast(frame))
  }

  private func train(_ name: String, seed: Int, frames: Int = 8) throws {
    let paths = try names.prefix(frames).map { folder / "source/\($0)" }
    expect(
      try Command.run(
        ["train", "--data"] + paths + [
          "--output", folder / name, "--hidden", "4", "--input-frames", "3", "--lead-frames", "2", "--crop", "16",
          "--max-steps", "1", "--seed", "\(seed)", "--quiet",
        ]), status: 0)
  }

  private func status() throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: data("out/status.json")) as? [String: Any] ?? [:]
  }

  private func lines(_ text: String) -> [[String: Any]] {
    text.split(separator: "\n").compactMap {
      (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
    }
  }

  @Test func onceAndAgain() throws {
    for frame in [0, 1, 2, 4, 5] { try deliver(frame) }
    let watch = [
      "watch", folder / "radar", "--method", "advection", "--output", folder / "out", "--once", "--settle-seconds",
      "0.05", "--log-format", "json", "--lead-frames", "3",
    ]
    var outcome = try Command.run(watch)
    expect(outcome, status: 0)
    let cycles = lines(outcome.output).filter { $0["event"] as? String == "cycle" }
    // The newest first; advection needs two frames in a row.
    #expect(cycles.map { $0["status"] as? String } == ["made", "waiting", "made", "made", "waiting"])
    #expect(cycles[0]["reference_time"] as? String == "2020-01-01T00:25Z")
    #expect(cycles[0]["missing"] as? [String] == ["2020-01-01T00:15Z"])
    #expect((cycles[0]["inputs"] as? [String])?.count == 2 && cycles[2]["rain_area_km2"] is Double)
    #expect(cycles[2]["largest_rain_rate_mm_h"] is Double && cycles[2]["work_seconds"] is Double)
    let options = ["--method", "advection", "--lead-frames", "3"]
    for (frame, frames) in [(1, [0, 1]), (2, [0, 1, 2]), (5, [4, 5])] {
      #expect(try isPredicted(frame, from: frames, options: options, history: watch))
    }
    #expect(try status()["state"] as? String == "ended")
    #expect(try status()["forecasts_made"] as? Int == 3)

    // The frame that was late has its forecast and those after it made anew; all else stays.
    try deliver(3)
    let before = try data(forecast(2))
    outcome = try Command.run(watch)
    expect(outcome, status: 0)
    #expect(
      lines(outcome.output).compactMap { $0["status"] as? String }
        == ["remade", "made", "made", "unchanged", "unchanged", "waiting"])
    for frame in 3...5 {
      #expect(try isPredicted(frame, from: Array(frame - 2...frame), options: options, history: watch))
    }
    #expect(try data(forecast(2)) == before)

    // Of what was there before, only the newest is asked for; the rest is told.
    try manager.removeItem(atPath: folder / "out")
    outcome = try Command.run(watch + ["--catch-up", "1"])
    #expect(outcome.output.contains("5 frames of before the start, 2020-01-01T00:00Z to 2020-01-01T00:20Z"))
    #expect(folder.contains(try forecast(5)))
    #expect(!folder.contains(try forecast(4)))
    // The frames are of 2020.
    expect(try Command.run(watch + ["--stale-after", "3"]), status: 69, "older than 3 steps")
  }

  /// Files that grow, come late, twice, damaged, under other names; kill -9; a folder that vanishes; another model.
  @Test(arguments: [true, false]) func faults(hasEvents: Bool) throws {
    try train("run", seed: 1)
    try train("other", seed: 2)
    let watch = [
      "watch", folder / "radar", "--model", folder / "run", "--output", folder / "out", "--log-format", "json",
      "--settle-seconds", "0.3", "--poll-seconds", "0.2", "--catch-up", "all", hasEvents ? "--events" : "--no-events",
    ]
    var running = try Command.Running(watch, output: folder / "log")
    func waitFor(_ frame: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
      let name = folder / (try forecast(frame))
      #expect(
        running.wait { _ in manager.fileExists(atPath: name) }, "\(running.output)", sourceLocation: sourceLocation)
    }
    for frame in 0..<3 { try deliver(frame) }
    try waitFor(2)
    // Half of a file, and the rest of it later; its writer closes it in between.
    let growing = try data("source/\(names[3])")
    let url = URL(fileURLWithPath: folder / "radar/\(try names[3])")
    try growing.prefix(growing.count / 2).write(to: url)
    usleep(200_000)
    let handle = try FileHandle(forWritingTo: url)
    try handle.seekToEnd()
    try handle.write(contentsOf: growing.suffix(from: growing.count / 2))
    try handle.close()
    try waitFor(3)
    // A copy, and something that is none; a temporary name that becomes a good one.
    try deliver(3, as: "zz-copy.nc")
    try Data("no frame".utf8).write(to: URL(fileURLWithPath: folder / "radar/notes.txt"))
    try growing.prefix(3000).write(to: URL(fileURLWithPath: folder / "radar/a-cut.nc"))
    try deliver(4, as: "4.tmp")
    try manager.moveItem(atPath: folder / "radar/4.tmp", toPath: folder / "radar/\(try names[4])")
    try waitFor(4)
    // Frame 6 before frame 5.
    try deliver(6)
    #expect(running.wait { $0.contains("\"waiting\"") && $0.contains("2020-01-01T00:30Z") })
    #expect(!folder.contains(try forecast(6)))
    try deliver(5)
    try waitFor(5)
    try waitFor(6)
    #expect(running.wait { $0.contains("a-cut.nc") && $0.contains("truncated") }, "\(running.output)")

    #expect(running.end(by: SIGKILL).status == -SIGKILL)
    try Data("half".utf8).write(to: URL(fileURLWithPath: folder / "out/.nowcast-1.partial"))
    try deliver(7)
    running = try Command.Running(watch, output: folder / "log")
    try waitFor(7)
    #expect(!folder.contains("out/.nowcast-1.partial"))

    try manager.moveItem(atPath: folder / "radar", toPath: folder / "away")
    #expect(running.wait { $0.contains("Waiting for it to come back") })
    try manager.moveItem(atPath: folder / "away", toPath: folder / "radar")
    #expect(running.wait { $0.contains("is back") })
    try deliver(8)
    try waitFor(8)

    // A model that is broken is refused, and one that is not is taken.
    try Data("no model".utf8).write(to: URL(fileURLWithPath: folder / "run/model.safetensors"), options: .atomic)
    #expect(running.wait { $0.contains("the new model is not taken") })
    try deliver(9)
    try waitFor(9)
    try data("other/model.safetensors").write(
      to: URL(fileURLWithPath: folder / "run/model.safetensors"), options: .atomic)
    running.send(SIGHUP)
    #expect(running.wait { $0.contains("from now on") })
    try deliver(10)
    try waitFor(10)

    let end = running.end(by: SIGTERM)
    #expect(end.status == 0 && end.seconds < 1, "\(end)")
    #expect(try status()["state"] as? String == "ended")
    let options = ["--model", folder / "run"]
    #expect(try isPredicted(10, from: [8, 9, 10], options: options, history: watch))
    #expect(try Command.run("replay", folder / (try forecast(10))).status == 0)
    expect(try Command.run("replay", folder / (try forecast(9))), status: 65, "model.safetensors has changed")
    try manager.removeItem(atPath: folder / "run")
    try train("run", seed: 1)
    for frame in 2..<10 {
      #expect(
        try isPredicted(frame, from: Array(frame - 2...frame), options: options, history: watch), "frame \(frame)")
    }
    let expected = try (2...10).map { (try forecast($0)).dropFirst("out/".count) } + ["status.json"]
    #expect(try manager.contentsOfDirectory(atPath: folder / "out").sorted() == expected.map { String($0) })
  }

  @Test func staleData() throws {
    try manager.removeItem(atPath: folder / "source")
    try Command.run(
      "simulate", "--split", "--output", folder / "source", "--frames", "5", "--height", "12", "--width", "12",
      "--step-seconds", "5", "--quiet")
    for frame in 0..<3 { try deliver(frame) }
    let watch = [
      "watch", folder / "radar", "--method", "persistence", "--output", folder / "out", "--settle-seconds", "0.1",
      "--lead-frames", "1", "--stale-after", "2",
    ]
    let running = try Command.Running(watch, output: folder / "log")
    #expect(running.wait { $0.contains("no new frame for") && $0.contains("more than 2 steps") }, "\(running.output)")
    #expect(try status()["state"] as? String == "stale")
    try deliver(3)
    #expect(running.wait { $0.contains("frames come again") && $0.contains("00:00:15") }, "\(running.output)")
    #expect(try status()["state"] as? String == "ok")
    // Two do not write into one folder.
    expect(try Command.run(watch), status: 73, "another watch")
    #expect(running.end(by: SIGINT).status == 0)
  }

  /// A disk that fills up: nothing half written, and with room again every forecast. Needs root, as mounting does.
  @Test func fullDisk() throws {
    #if os(Linux)
      let out = folder / "out"
      try manager.createDirectory(atPath: out, withIntermediateDirectories: true)
      guard shell("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", out) else {
        print("a small file system cannot be mounted here: the full disk was not tried")
        return
      }
      defer { _ = shell("umount", out) }
      let watch = [
        "watch", folder / "radar", "--method", "persistence", "--output", out, "--settle-seconds", "0.1",
        "--log-format", "json",
      ]
      try Data(count: 396 << 10).write(to: URL(fileURLWithPath: out + "/filler"))
      let running = try Command.Running(watch, output: folder / "log")
      for frame in 0..<2 { try deliver(frame) }
      #expect(running.wait { $0.contains("\"failed\"") && $0.contains("No space left") }, "\(running.output)")
      #expect(try Set(manager.contentsOfDirectory(atPath: out)).isSubset(of: ["filler", "status.json"]))
      try manager.removeItem(atPath: out + "/filler")
      #expect(running.wait { $0.contains("\"made\"") }, "\(running.output)")
      #expect(running.end(by: SIGTERM).status == 0)
      #expect(try isPredicted(1, from: [0, 1], options: ["--method", "persistence"], history: watch))
    #endif
  }

  @Test func badInput() throws {
    func watch(_ options: String..., out: String = "out", radar: String = "radar") throws -> Command.Outcome {
      try Command.run(
        ["watch", folder / radar, "--output", folder / out, "--once", "--settle-seconds", "0.05"] + options)
    }
    let persistence = ["--method", "persistence"]
    for frame in 0..<4 { try deliver(frame) }
    expect(try watch(persistence[0], persistence[1], radar: "none"), status: 66, "none", "no such folder")
    expect(try watch(persistence[0], persistence[1], out: "radar/out"), status: 64, "outside")
    expect(try watch(persistence[0], persistence[1], out: "radar"), status: 64, "outside")
    try manager.createSymbolicLink(atPath: folder / "link", withDestinationPath: folder / "radar")
    expect(try watch(persistence[0], persistence[1], out: "link/out"), status: 64, "outside")
    try Data().write(to: URL(fileURLWithPath: folder / "file"))
    expect(try watch(persistence[0], persistence[1], out: "file"), status: 73, "file")
    expect(try watch(out: "starter-out"), status: 0, "the starter model forecasts")
    expect(try watch("--model", folder / "none"), status: 66, "none")
    expect(try watch("--method", "persistence", "--poll-seconds", "0"), status: 64, "--poll-seconds")
    expect(try watch("--method", "persistence", "--catch-up", "some"), status: 64, "--catch-up")
    try train("run", seed: 1, frames: 8)
    for frame in 0..<4 { try manager.removeItem(atPath: folder / "radar/\(try names[frame])") }
    try manager.removeItem(atPath: folder / "source")
    try Command.run(
      "simulate", "--split", "--output", folder / "source", "--frames", "3", "--height", "24", "--width", "28",
      "--step-seconds", "600", "--spacing", "2000", "--quiet")
    for frame in 0..<3 { try deliver(frame) }
    expect(try watch("--model", folder / "run"), status: 65, "300 s", "600 s", "1000 m", "2000 m")
    #expect(try !manager.contentsOfDirectory(atPath: folder / "out").contains { $0.hasSuffix(".nc") })
  }

  @Test func replay() throws {
    for frame in 0..<4 { try deliver(frame) }
    let predict = [
      "predict", "--frames", folder / "radar", "--method", "advection", "--output", folder / "f.nc", "--lead-minutes",
      "10",
    ]
    expect(try Command.run(predict), status: 0)
    var outcome = try Command.run("replay", folder / "f.nc", "--output", folder / "again.nc")
    expect(outcome, status: 0)
    #expect(outcome.output.hasPrefix("the same ") && outcome.output.contains("f.nc"))
    #expect(try data("f.nc") == data("again.nc"))
    expect(try Command.run("replay", folder / "f.nc", "--output", folder / "again.nc"), status: 73, "--overwrite")
    // A later frame does not matter, one that is gone or another does.
    try deliver(4)
    expect(try Command.run("replay", folder / "f.nc"), status: 0)
    let third = folder / "radar/\(try names[2])"
    try manager.removeItem(atPath: third)
    expect(try Command.run("replay", folder / "f.nc"), status: 66, "\(third) is gone", "--frames")
    outcome = try Command.run("replay", folder / "f.nc", "--frames", folder / "source", "--quiet")
    expect(outcome, status: 0)
    try data("source/\(names[5])").write(to: URL(fileURLWithPath: third))
    expect(try Command.run("replay", folder / "f.nc"), status: 65, "\(third) has changed")
    expect(try Command.run("replay", third), status: 65, "does not say what it was made of")
    expect(try Command.run("replay", folder / "none.nc"), status: 66, "none.nc")
    // A forecast that somebody edited.
    try data("source/\(names[2])").write(to: URL(fileURLWithPath: third))
    var edited = try data("f.nc")
    let title = try #require(edited.range(of: Data("Rain forecast".utf8)))
    edited.replaceSubrange(title, with: Data("Fair forecast".utf8))
    try edited.write(to: URL(fileURLWithPath: folder / "f.nc"))
    expect(try Command.run("replay", folder / "f.nc"), status: 65, "does not come out the same", "the rain is the same")
  }

  /// The terms of use of the frames that a forecast is made from stand in it, and of no others.
  @Test func termsOfUse() throws {
    for frame in 0..<4 {
      try writeRadarFile(folder / "radar/\(frame).nc") {
        $0.times = [Double(frame) * 300]
        $0.attributes = ["licence": frame == 0 ? "ask first" : "CC BY 4.0", "title": "Composite"]
      }
    }
    expect(
      try Command.run(
        "predict", "--frames", folder / "radar", "--method", "advection", "--output", folder / "f.nc"), status: 0)
    let bytes = try data("f.nc")
    #expect(bytes.range(of: Data("CC BY 4.0".utf8)) != nil && bytes.range(of: Data("input_title".utf8)) != nil)
    #expect(bytes.range(of: Data("ask first".utf8)) == nil)
    expect(try Command.run("replay", folder / "f.nc"), status: 0)
  }

  /// A frame that was filled in, and amounts whose interval only the longer sequence tells.
  @Test func replayOfGapsAndAmounts() throws {
    try writeRadarFile(folder / "gap.nc") {
      $0.units = "mm"
      $0.times = [0, 300, 600, 900, 1500]
    }
    let predict = ["predict", "--frames", folder / "gap.nc", "--max-gap", "1", "--output"]
    expect(try Command.run(predict + [folder / "a.nc", "--method", "advection"]), status: 0, "filled in")
    expect(try Command.run(predict + [folder / "b.nc", "--method", "persistence", "--compat", "pysteps"]), status: 0)
    for name in ["a", "b"] { expect(try Command.run("replay", folder / "\(name).nc"), status: 0) }
  }
}
