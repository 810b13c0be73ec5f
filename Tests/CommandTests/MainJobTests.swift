import CNetCDF
import ConvKernels
import Foundation
import Nowcasting
import RadarIO
import Tensor
import Testing

/// The way of the data through the commands, as a user goes it.
@Suite(.serialized) struct MainJobTests {
  private let folder: Command.Folder

  init() throws { folder = try Command.Folder() }

  /// A network of several scales, on frames that are no whole number of its coarsest pixels; then layers of another program.
  @Test func severalScalesAndImportedLayers() throws {
    let radar = folder / "radar.nc"
    expect(
      try Command.run(
        "simulate", "--output", radar, "--frames", "16", "--height", "36", "--width", "40", "--seed", "4"), status: 0)
    let short = [
      "--data", radar, "--input-frames", "3", "--lead-frames", "2", "--max-steps", "2", "--batch-size", "2",
      "--learning-rate", "0.001",
    ]
    var outcome = try Command.run(
      ["train", "--preset", "hko7", "--hidden", "5,4,3", "--output", folder / "scales"] + short)
    expect(outcome, status: 0)
    outcome = try Command.run("model", folder / "scales")
    expect(outcome, status: 0)
    #expect(outcome.output.contains("strides 5, 3, 2; down kernels 7, 5, 3, channels 8, 4, 3; up kernels 7, 5, 4"))
    #expect(outcome.output.contains("forecaster.layers.2.upsampling.weight") && outcome.output.contains("[5, 8, 7, 7]"))
    outcome = try Command.run(
      "predict", "--frames", radar, "--model", folder / "scales", "--output", folder / "scales.nc")
    expect(outcome, status: 0)
    let forecast = try #require(try RadarReader().sequences(at: [folder / "scales.nc"]).sequences.first)
    #expect(try forecast.rainRate.shape == [2, 36, 40])
    #expect(try Command.run("train", "--preset", "small", "--stride", "2,2", "--print-config").status == 64)

    let keras = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Fixtures/import/keras.safetensors")
      .standardized.path
    outcome = try Command.run("model", "import", keras, "--output", folder / "encoder.safetensors")
    expect(outcome, status: 0)
    #expect(outcome.output.contains("2 layers of Keras, gates ifgo: hidden channels 5, 3, kernels 3, 5, patch 2"))
    expect(try Command.run("model", "import", keras, "--output", folder / "encoder.safetensors"), status: 73)
    expect(try Command.run("model", "import", keras, "--output", folder / "x", "--gates", "ifff"), status: 64)
    expect(try Command.run("model", folder / "encoder.safetensors"), status: 65, "train --init")
    outcome = try Command.run(
      ["train", "--init", folder / "encoder.safetensors", "--output", folder / "tuned"] + short)
    expect(outcome, status: 0, "begins with 6 of 13 tensors")
    #expect(try Command.run("model", "show", folder / "tuned").output.contains("hidden channels 5, 3, patch 2"))
    expect(
      try Command.run(
        ["train", "--init", folder / "encoder.safetensors", "--hidden", "8,8", "--output", folder / "no"] + short),
      status: 65, "--hidden 5,3")
    #expect(!folder.contains("no"))
  }

  /// The validation loss in a line of `history.csv`.
  private static func validationLoss(_ line: Substring) -> Double { Double(line.split(separator: ",")[3]) ?? .infinity }

  @Test func simulateTrainPredictEval() throws {
    let radar = folder / "radar.nc"
    var outcome = try Command.run(
      "simulate", "--output", radar, "--frames", "20", "--height", "36", "--width", "40", "--seed", "4")
    expect(outcome, status: 0)

    outcome = try Command.run("inspect", radar)
    expect(outcome, status: 0)
    #expect(outcome.output.contains("36 × 40, 1000 m") && outcome.output.contains("20 frames, step 5 min"))

    outcome = try Command.run(
      "train", "--data", radar, "--output", folder / "run", "--epochs", "2", "--hidden", "6,5", "--input-frames", "3",
      "--lead-frames", "2", "--crop", "24", "--batch-size", "2", "--threads", "2")
    expect(outcome, status: 0, "windows/s", "left")
    #expect(outcome.output.contains("validation loss"))
    for name in ["model.safetensors", "checkpoint.safetensors", "history.csv", "config.json", "train.html"] {
      #expect(folder.contains("run/" + name))
    }

    outcome = try Command.run("model", folder / "run")
    expect(outcome, status: 0)
    #expect(outcome.output.contains("3 in, 2 out") && outcome.output.contains("encoder.layers.0.input.weight"))
    let history = try String(contentsOfFile: folder / "run/history.csv", encoding: .utf8)
    let epochs = history.split(separator: "\n").dropFirst()
    let best = try #require(epochs.min { Self.validationLoss($0) < Self.validationLoss($1) })
    let (end, kept) = (try #require(epochs.last?.split(separator: ",")), best.split(separator: ","))
    let course = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("run  ") })
    #expect(course.contains(" \(end[0]) epoch") && course.contains(", \(end[1]) steps, at the end loss"))
    #expect(course.contains("; best in epoch \(kept[0]): loss"))
    // The model by itself says nothing of a run, and a damaged history is told and no reason to say nothing else.
    #expect(try !Command.run("model", folder / "run/model.safetensors").output.contains("at the end"))
    try FileManager.default.copyItem(atPath: folder / "run", toPath: folder / "damaged")
    try Data("epoch,step\n1,2\n".utf8).write(to: URL(fileURLWithPath: folder / "damaged/history.csv"))
    outcome = try Command.run("model", folder / "damaged")
    expect(outcome, status: 0, "damaged/history.csv", "no history")
    #expect(outcome.output.contains("3 in, 2 out") && !outcome.output.contains("at the end"))

    outcome = try Command.run(
      "predict", "--frames", radar, "--model", folder / "run", "--output", folder / "forecast.nc", "--lead-minutes",
      "15")
    expect(outcome, status: 0, "3 frames are more than the 2")
    let input = try #require(try RadarReader().sequences(at: [radar]).sequences.first)
    let forecast = try #require(try RadarReader().sequences(at: [folder / "forecast.nc"]).sequences.first)
    #expect(forecast.times == (1...3).map { input.times[19] + Double($0) * 300 })
    #expect(forecast.referenceTime == input.times[19] && forecast.grid.matches(input.grid))
    let last = try input.rainRate.parts(17..<20)
    for y in 0..<36 {
      for x in 0..<40 {
        let seen = (0..<3).contains { !last[$0, y, x].isNaN }
        #expect(try forecast.rainRate[0, y, x].isNaN == !seen)
      }
    }

    outcome = try Command.run(
      "eval", "--data", radar, "--model", folder / "run/model.safetensors", "--output", folder / "report",
      "--stride", "4", "--thresholds", "0.5,2")
    expect(outcome, status: 0)
    #expect(outcome.output.contains("persistence") && outcome.output.contains("+10 min"))
    #expect(outcome.output.contains("advection"))
    let csv = try String(contentsOfFile: folder / "report/scores.csv", encoding: .utf8)
    #expect(csv.hasPrefix("event,method,lead_minutes,metric,threshold,scale,value,count\nall,convlstm,5,csi,0.5,,"))
    #expect(folder.contains("report/scores.json"))

    // The forecast of an earlier reference time, scored by its valid times.
    outcome = try Command.run(
      "convert", radar, "--output", folder / "copy.nc")
    expect(outcome, status: 0)
    let copy = try #require(try RadarReader().sequences(at: [folder / "copy.nc"]).sequences.first)
    #expect(copy.times == input.times)
    #expect(
      try zip(copy.rainRate.elements, input.rainRate.elements).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
    outcome = try Command.run(
      "eval", "--data", radar, "--forecast", folder / "copy.nc", "--output", folder / "second")
    expect(outcome, status: 0)
    #expect(try String(contentsOfFile: folder / "second/scores.csv", encoding: .utf8).contains("all,copy,"))

    // What is there is not overwritten unasked.
    for arguments in [
      ["predict", "--frames", radar, "--model", folder / "run", "--output", folder / "forecast.nc"],
      ["eval", "--data", radar, "--model", folder / "run", "--output", folder / "report"],
      ["train", "--data", radar, "--output", folder / "run"],
      ["simulate", "--output", radar],
    ] {
      expect(try Command.run(arguments), status: 73, "--overwrite")
    }
    #expect(folder.everything.allSatisfy { !$0.contains(".part") })
  }

  /// Three methods need no model; the files say how they were made, and are scored as any others.
  @Test func forecastsWithoutAModel() throws {
    let radar = folder / "radar.nc"
    expect(
      try Command.run("simulate", "--output", radar, "--frames", "20", "--height", "64", "--width", "72"), status: 0)
    expect(try Command.run("convert", radar, "--output", folder / "copy.nc"), status: 0)
    for (method, words, frames) in [
      ("advection", ["frames=3 smoothness=", "optical flow", "Germann"], 3), ("persistence", ["frames=1"], 1),
      ("sprog", ["frames=3 levels=6", "S-PROG", "Seed 2003"], 3),
    ] {
      let file = folder / "\(method)-forecast.nc"
      let outcome = try Command.run(
        "predict", "--method", method, "--frames", radar, "--output", file, "--threads", "1")
      expect(outcome, status: 0)
      #expect(outcome.output.contains("12 frames, 1 h 00 min"))
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      for word in words + [method] { #expect(bytes.range(of: Data(word.utf8)) != nil, "\(word)") }
      let input = try #require(try RadarReader().sequences(at: [radar]).sequences.first)
      let forecast = try #require(try RadarReader().sequences(at: [file]).sequences.first)
      #expect(forecast.times == (1...12).map { input.times[19] + Double($0) * 300 })
      #expect(forecast.grid.matches(input.grid) && forecast.referenceTime == input.times[19])
      let expected = try #require(Baseline(rawValue: method)).forecast(
        try input.rainRate.parts(20 - frames..<20), leadFrames: 12, pool: .init(threadCount: 2))
      #expect(
        try zip(forecast.rainRate.elements, expected.elements).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
    }
    let outcome = try Command.run(
      "eval", "--data", radar, "--forecast", folder / "copy.nc", "--output", folder / "report", "--baselines", "none")
    expect(outcome, status: 0)
    #expect(!outcome.output.contains("persistence") && !outcome.output.contains("advection"))
  }

  /// Ctrl-C and SIGTERM save and end with 130; the run can be taken up.
  @Test(arguments: [SIGINT, SIGTERM]) func interruptionSaves(signal: Int32) throws {
    let radar = folder / "radar.nc"
    try Command.run("simulate", "--output", radar, "--frames", "12", "--height", "40", "--width", "40")
    let outcome = try Command.run(
      "train", "--data", radar, "--output", folder / "run", "--hidden", "8", "--input-frames", "3", "--lead-frames",
      "2",
      "--crop", "32", "--epochs", "100000", interruptAfter: "step 1/", signal: signal)
    expect(outcome, status: 130, "--resume")
    expect(try Command.run("model", folder / "run"), status: 0)
    let resumed = try Command.run(
      "train", "--data", radar, "--output", folder / "run", "--hidden", "8", "--input-frames", "3", "--lead-frames",
      "2",
      "--crop", "32", "--resume", "--max-steps", "1")
    expect(resumed, status: 0)
  }

  /// A configuration is printed, changed, used, and found in the run; and a run is taken up with its own.
  @Test func configurations() throws {
    let printed = try Command.run(
      "train", "--preset", "small", "--loss", "balanced", "--min-dbz", "-5", "--print-config")
    expect(printed, status: 0)
    #expect(printed.output.contains("\"min-dbz\": -5.0"))
    #expect(printed.output.contains("\"loss\": \"balanced\"") && printed.output.contains("\"patch\": 4"))
    try printed.output.write(toFile: folder / "c.json", atomically: true, encoding: .utf8)
    let radar = folder / "radar.nc"
    try Command.run("simulate", "--output", radar, "--frames", "12", "--height", "40", "--width", "40")
    let options = [
      "--data", radar, "--output", folder / "run", "--input-frames", "3", "--lead-frames", "2", "--hidden", "6",
      "--crop", "32", "--sampling", "wet", "--optimizer", "adamw", "--schedule", "cosine", "--max-steps", "3",
      "--weight-average", "0.9",
    ]
    let outcome = try Command.run(["train", "--config", folder / "c.json"] + options)
    expect(outcome, status: 0, "--sampling wet", "mm/h", "loss balanced, adamw at 0.001, schedule cosine")
    #expect(outcome.output.contains("mse") && outcome.output.contains("persistence"))
    let again = try Command.run("train", "--config", folder / "run/config.json", "--print-config").output
    #expect(try again == String(contentsOfFile: folder / "run/config.json", encoding: .utf8))
    let model = try Command.run("model", folder / "run").output
    #expect(model.contains("loss balanced") && model.contains("patch 4"))
    expect(
      try Command.run(
        "train", "--config", folder / "run/config.json", "--data", radar, "--output", folder / "run", "--resume",
        "--max-steps", "5"), status: 0)
  }

  @Test func helpNamesTheCommandsAndOptions() throws {
    let help = try Command.run("--help")
    #expect(help.status == 0)
    for command in ["train", "predict", "eval", "inspect", "index", "simulate", "model", "convert", "watch", "replay"] {
      #expect(help.output.contains("  " + command))
      let own = try Command.run(command, "--help")
      #expect(own.status == 0 && own.output.contains("USAGE: nowcast \(command)"))
      // What `model` does without a subcommand, `model show` does.
      let options = command == "model" ? try Command.run(command, "show", "--help") : own
      for option in ["--quiet", "--verbose", "--version", "--help"] { #expect(options.output.contains(option)) }
    }
    let train = try Command.run("train", "--help").output
    for option in [
      "--data", "--output", "--validation", "--preset", "--resume", "--input-frames", "--lead-frames", "--crop",
      "--batch-size", "--epochs", "--max-steps", "--learning-rate", "--optimizer", "--loss", "--hidden", "--kernel",
      "--patch", "--peephole", "--no-peephole", "--recompute", "--seed", "--threads", "--variable", "--units", "--zr-a",
      "--zr-b", "--config", "--print-config", "--sampling", "--schedule", "--weight-average", "--accumulate",
      "--early-stopping", "--normalisation", "--input-kernel", "--state-kernel", "--stride", "--init", "--index",
      "--overwrite", "--quiet", "--verbose", "--version",
    ] {
      #expect(train.contains(option))
    }
    #expect(try Command.run("--version").output == "\(nowcastVersion)\n")
  }

  /// The preset in Lagrangian coordinates through all commands: nobody says the coordinates twice.
  @Test func lagrangianModel() throws {
    let radar = folder / "radar.nc"
    expect(
      try Command.run(
        "simulate", "--output", radar, "--frames", "24", "--height", "48", "--width", "52", "--seed", "4"), status: 0)
    expect(
      try Command.run(
        "train", "--preset", "lagrangian", "--data", radar, "--output", folder / "run", "--lead-frames", "3",
        "--max-steps",
        "3", "--crop", "32", "--batch-size", "2"), status: 0)
    let shown = try Command.run("model", folder / "run").output
    #expect(shown.contains("coordinates    lagrangian") && shown.contains("loss exceedance"))
    expect(
      try Command.run(
        "predict", "--frames", radar, "--model", folder / "run", "--probabilities", "--output", folder / "forecast.nc"),
      status: 0)
    expect(try Command.run("replay", folder / "forecast.nc"), status: 0)
    expect(
      try Command.run(
        "predict", "--frames", radar, "--model", folder / "run", "--output", folder / "plain.nc", "--threads", "1"),
      status: 0)
    let plain = try #require(try RadarReader().sequences(at: [folder / "plain.nc"]).sequences.first)
    let both = try #require(try RadarReader().sequences(at: [folder / "forecast.nc"]).sequences.first)
    #expect(try plain.rainRate.elements.map(\.bitPattern) == both.rainRate.elements.map(\.bitPattern))
    #expect(hasProbabilities(folder / "forecast.nc") && !hasProbabilities(folder / "plain.nc"))
    expect(
      try Command.run(
        "eval", "--data", radar, "--model", folder / "run", "--output", folder / "report", "--baselines", "advection"),
      status: 0)
    let scores = try String(contentsOfFile: folder / "report/scores.csv", encoding: .utf8)
    #expect(scores.contains("all,convlstm-mean,5,crps") && scores.contains("all,convlstm,5,csi,1"))
    // A model of rain rates has no probabilities.
    expect(
      try Command.run(
        "train", "--preset", "small", "--data", radar, "--output", folder / "rates", "--lead-frames", "3",
        "--max-steps", "1"),
      status: 0)
    expect(
      try Command.run(
        "predict", "--frames", radar, "--model", folder / "rates", "--probabilities", "--output", folder / "x.nc"),
      status: 64, "forecasts rain rates, no probabilities")
    expect(
      try Command.run(
        "predict", "--frames", radar, "--method", "advection", "--probabilities", "--output", folder / "x.nc"),
      status: 64)
    expect(
      try Command.run(
        "predict", "--frames", radar, "--model", folder / "run", "--probabilities", "--compat", "pysteps", "--output",
        folder / "x.nc"), status: 64, "pysteps reads no probabilities")
    #expect(!folder.contains("x.nc"))
  }

  private func hasProbabilities(_ path: String) -> Bool {
    var (file, variable) = (Int32(0), Int32(0))
    guard nc_open(path, NC_NOWRITE, &file) == NC_NOERR else { return false }
    defer { nc_close(file) }
    return nc_inq_varid(file, "probability_of_rainfall_rate_above_threshold", &variable) == NC_NOERR
  }
}
