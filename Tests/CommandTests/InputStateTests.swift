import Foundation
import RadarIO
import Tensor
import Testing

/// What frames may be like that is no error of anybody's, and what each command makes of it: the table of the README.
@Suite(.serialized) struct InputStateTests {
  /// A state of the input, and what is expected of the commands.
  struct State: CustomTestStringConvertible, Sendable {
    var name: String
    /// The rain rate by frame, row and column, where it is not ordinary rain.
    var value: @Sendable (Int, Int, Int) -> Float
    var times: [Double] = (0..<8).map { Double($0) * 300 }
    var options: [String] = []
    var trainStatus: Int32 = 0
    var predictStatus: Int32 = 0
    /// What the commands say.
    var train: [String] = []
    var predict: [String] = []
    var eval: [String] = []
    /// Whether the forecast is missing at a row and column.
    var isMissing: @Sendable (Int, Int) -> Bool = { _, _ in false }
    /// The flag at a row and column.
    var validity: @Sendable (Int, Int) -> PixelValidity = { _, _ in .valid }
    var inputMissing: String?
    /// The pixels compared over all start times at the first lead time; there are 12 × 16 in a frame.
    var compared = 4 * 192
    /// Scores at the first lead time that are undefined.
    var undefined: [String] = []
    var testDescription: String { name }
  }

  /// Rain that is of no consequence.
  private static func rain(_ t: Int, _ y: Int, _ x: Int) -> Float { Float((t + y) % 4) + Float(x % 3) / 2 }

  static let states: [State] = [
    State(
      name: "all dry", value: { _, _, _ in 0 }, undefined: ["csi,1", "pod,1", "far,1", "bias,1", "correlation,"]),
    State(name: "partly dry", value: { t, y, x in x < 8 || t < 3 ? 0 : rain(t, y, x) }),
    State(
      name: "all missing", value: { _, _, _ in .nan }, trainStatus: 65,
      train: ["a.nc", "every pixel of every frame is missing"],
      predict: ["every pixel of the input frames is missing, and so is the whole forecast"],
      eval: ["no pixel was measured and forecast"], isMissing: { _, _ in true }, validity: { _, _ in .outsideCoverage },
      inputMissing: "2020-01-01T00:25Z 2020-01-01T00:30Z 2020-01-01T00:35Z", compared: 0,
      undefined: ["csi,1", "mse,", "correlation,"]),
    // The frame of 00:30 is missing: no window crosses it, and the last frames are too few.
    State(
      name: "one frame missing", value: rain, times: [0, 300, 600, 900, 1200, 1500, 2100, 2400], predictStatus: 65,
      train: ["window", "gap"], predict: ["a.nc", "needs 3 frames in a row", "only 2"], eval: ["gap"],
      compared: 2 * 192),
    State(
      name: "one frame missing, bridged", value: rain, times: [0, 300, 600, 900, 1200, 1500, 2100],
      options: ["--max-gap", "1"], train: ["1 missing frame is filled in", "00:30"],
      predict: ["1 missing frame is filled in", "00:30"], eval: ["1 missing frame is filled in"],
      validity: { _, _ in .inputInterpolated }, inputMissing: "2020-01-01T00:30Z", compared: 3 * 192),
    State(
      name: "edges missing", value: { t, y, x in isEdge(y, x) ? .nan : rain(t, y, x) }, isMissing: isEdge,
      validity: { isEdge($0, $1) ? .outsideCoverage : .valid }, compared: 4 * 80),
    State(
      name: "one pixel of 1e6 mm/h", value: { t, y, x in t == 6 && y == 5 && x == 5 ? 1e6 : rain(t, y, x) },
      train: ["a.nc", "'rain'", "1 value above 1000 mm/h", "cut to 1000 mm/h"],
      predict: ["1 value above 1000 mm/h"], eval: ["1 value above 1000 mm/h"]),
    State(name: "constant field", value: { _, _, _ in 2 }, undefined: ["far,5", "csi,5"]),
    // Frame 6 is an input frame of the forecast, an observation of two start times and an input of none.
    State(
      name: "a NaN frame", value: { t, y, x in t == 6 ? .nan : rain(t, y, x) },
      predict: ["the frame of 2020-01-01T00:30Z has no measured pixel"], validity: { _, _ in .inputPartlyMissing },
      inputMissing: "2020-01-01T00:30Z", compared: 3 * 192),
  ]

  private static func isEdge(_ y: Int, _ x: Int) -> Bool { y < 2 || y >= 10 || x < 3 || x >= 13 }

  @Test(arguments: states) func isTakenAsTheTableSays(_ state: State) throws {
    let folder = try Command.Folder()
    try writeRadarFile(folder / "good.nc")
    try writeRadarFile(folder / "a.nc") { ($0.value, $0.times) = (state.value, state.times) }
    let common = ["--hidden", "4", "--input-frames", "3", "--lead-frames", "2", "--crop", "8", "--max-steps", "3"]
    expect(
      try Command.run(["train", "--data", folder / "good.nc", "--output", folder / "run"] + common), status: 0)

    let train = try Command.run(
      ["train", "--data", folder / "a.nc", "--output", folder / "own"] + common + state.options)
    expect(train, status: state.trainStatus)
    for words in state.train { #expect(train.errors.contains(words), "\(train.errors)") }
    #expect(folder.contains("own/model.safetensors") == (state.trainStatus == 0))
    if state.trainStatus == 0 {
      // The losses are numbers.
      let history = try String(contentsOfFile: folder / "own/history.csv", encoding: .utf8)
      #expect(!history.contains("nan") && !history.contains("inf"), "\(history)")
    }

    let predict = try Command.run(
      [
        "predict", "--frames", folder / "a.nc", "--model", folder / "run", "--output", folder / "f.nc", "--quicklook",
        folder / "f.png",
      ] + state.options)
    expect(predict, status: state.predictStatus)
    for words in state.predict { #expect(predict.errors.contains(words), "\(predict.errors)") }
    #expect(
      folder.contains("f.nc") == (state.predictStatus == 0) && folder.contains("f.png") == folder.contains("f.nc"))
    if state.predictStatus == 0 { try checkForecast(folder, state) }

    let eval = try Command.run(
      [
        "eval", "--data", folder / "a.nc", "--model", folder / "run", "--output", folder / "report", "--baselines",
        "persistence",
      ] + state.options)
    expect(eval, status: 0)
    for words in state.eval { #expect(eval.errors.contains(words), "\(eval.errors)") }
    let lines = try String(contentsOfFile: folder / "report/scores.csv", encoding: .utf8).split(separator: "\n")
    let mse = try #require(lines.first { $0.hasPrefix("all,convlstm,5,mse,") }).split(separator: ",")
    #expect(mse.last.flatMap { Int($0) } == state.compared, "\(mse)")
    for score in state.undefined {
      let prefix = "all,convlstm,5,\(score)"
      let line = try #require(lines.first { $0.hasPrefix(prefix) }, "\(prefix)")
      let parts = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(parts[6].isEmpty, "\(line)")
    }
    #expect(!lines.contains { $0.contains("nan") || $0.contains("inf") })
  }

  /// Advection takes every state, and two frames are enough; it has less to say where rain would come in from outside. So
  /// does S-PROG with three frames.
  @Test(arguments: ["advection", "sprog"], states) func advectionTakesIt(_ method: String, _ state: State) throws {
    let folder = try Command.Folder()
    try writeRadarFile(folder / "a.nc") { ($0.value, $0.times) = (state.value, state.times) }
    let predict = try Command.run(
      [
        "predict", "--method", method, "--frames", folder / "a.nc", "--output", folder / "f.nc", "--lead-frames", "3",
      ] + state.options)
    guard predict.status == 0 || method == "advection" else {
      return expect(predict, status: 65, "needs 3 frames", "only 2 without a gap")
    }
    expect(predict, status: 0)
    let forecast = try #require(try RadarReader().sequences(at: [folder / "f.nc"]).sequences.first)
    for lead in 0..<3 {
      for y in 0..<12 {
        for x in 0..<16 {
          let rate = try forecast.rainRate[lead, y, x]
          #expect(rate.isNaN || (!state.isMissing(y, x) && (0...1000).contains(rate)))
        }
      }
    }
    if ["all dry", "constant field"].contains(state.name) {
      // S-PROG goes through decibels and back.
      let rate = state.value(7, 0, 0)
      let tolerance = method == "sprog" ? 1e-5 * rate : 0
      #expect(try forecast.rainRate.elements.allSatisfy { abs($0 - rate) <= tolerance })
    }
  }

  private func checkForecast(_ folder: Command.Folder, _ state: State) throws {
    let forecast = try #require(try RadarReader().sequences(at: [folder / "f.nc"]).sequences.first)
    let rain = try forecast.rainRate
    let flags = try NetCDFContent.validity(folder / "f.nc")
    #expect(flags.missing == state.inputMissing)
    for y in 0..<12 {
      for x in 0..<16 {
        for lead in 0..<2 {
          let rate = rain[lead, y, x]
          #expect(rate.isNaN == state.isMissing(y, x) && (rate.isNaN || (0...1000).contains(rate)))
        }
        #expect(flags.values[y * 16 + x] == state.validity(y, x).rawValue)
      }
    }
  }
}
