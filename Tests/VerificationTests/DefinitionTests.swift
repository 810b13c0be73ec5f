import Foundation
import Tensor
import Testing
import Verification

/// Fields and their scores by every definition, from Scripts/make-score-fixtures.py: NumPy, scikit-image and pysteps.
private struct Golden: Decodable {
  struct Definition: Decodable {
    let factor: Float
    let thresholds: [Float]
    let leads: [[Line]]
    let overall: [Line]
  }
  struct Line: Decodable {
    let name: ScoreName
    let value: Double?

    init(from decoder: any Decoder) throws {
      var values = try decoder.unkeyedContainer()
      let metric = try values.decode(Metric.self)
      let threshold = try values.decodeIfPresent(Float.self)
      name = ScoreName(metric, threshold: threshold, scale: try values.decodeIfPresent(Int.self))
      value = try values.decodeIfPresent(Double.self)
    }
  }
  let height, width, leads: Int
  let windows, pools: [Int]
  let observations: [[Float?]]
  let members: [[Float?]]
  let definitions: [String: Definition]

  static func load() throws -> Golden {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appendingPathComponent("Fixtures/verification/definitions.json"))
    return try JSONDecoder().decode(Golden.self, from: data)
  }
}

@Suite struct DefinitionTests {
  @Test(arguments: ScoreDefinition.allCases)
  func scoresAreThoseOfIndependentImplementations(definition: ScoreDefinition) throws {
    let golden = try Golden.load()
    let expected = try #require(golden.definitions[definition.rawValue])
    #expect(definition.thresholds == expected.thresholds)
    let settings = ScoreSettings(definition: definition, windows: golden.windows, pools: golden.pools)
    let scorer = FrameScorer(settings: settings, height: golden.height, width: golden.width)
    var leads = (0..<golden.leads).map { _ in FieldScores(settings: settings) }
    for (index, observation) in golden.observations.enumerated() {
      let observed = Tensor(
        shape: [golden.height, golden.width], observation.map { ($0 ?? .nan) * expected.factor })
      let values = golden.members[index].map { ($0 ?? .nan) * expected.factor }
      let members = Tensor(shape: [values.count / observed.count, golden.height, golden.width], values)
      let scores = scorer.scores(
        observation: observed, forecasts: [ScoredForecast(method: "ensemble", members: members)])
      leads[index % golden.leads].merge(scores[0])
    }
    for (lead, lines) in zip(leads, expected.leads) { compare(lead.all, lines, "\(definition)") }
    compare(FieldScores.overLeads(leads), expected.overall, "\(definition), all lead times")
  }

  private func compare(_ scores: [Score], _ lines: [Golden.Line], _ what: String) {
    #expect(Set(scores.map(\.name)) == Set(lines.map(\.name)))
    let ours = Dictionary(uniqueKeysWithValues: scores.map { ($0.name, $0.value) })
    for line in lines {
      let value = ours[line.name] ?? nil
      // Sums keep units of 10⁻¹².
      let isClose =
        switch (value, line.value) {
        case (let a?, let b?): abs(a - b) <= 1e-9 * max(1, abs(b))
        case (nil, nil): true
        default: false
        }
      #expect(isClose, "\(what): \(line.name) is \(String(describing: value)), not \(String(describing: line.value))")
    }
  }

  @Test func strictAtTheThreshold() {
    for definition in ScoreDefinition.allCases {
      var scores = FieldScores(settings: ScoreSettings(definition: definition, thresholds: [0.5]))
      scores.add(forecast: Tensor(shape: [1, 1], [0.5]), observation: Tensor(shape: [1, 1], [0.6]))
      #expect(scores.tables[0].hits == (definition == .pysteps ? 0 : 1))
    }
  }

  @Test func everyDefinitionIsDescribed() {
    let texts = ScoreDefinition.allCases.map(\.summary)
    #expect(Set(texts).count == texts.count)
    for text in texts { #expect(text.contains("counts for none, before any threshold")) }
  }
}

@Suite struct ExactSumTests {
  @Test func orderDoesNotMatter() {
    var source = RandomSource(seed: 5)
    let terms = (0..<1000).map { _ in ExactSum(Double(source.normal()) * pow(10, Double(source.index(below: 20)) - 8)) }
    var (forwards, backwards) = (ExactSum.zero, ExactSum.zero)
    for term in terms { forwards += term }
    for term in terms.reversed() { backwards += term }
    #expect(forwards == backwards)
    // In Double it does.
    #expect(terms.reduce(0) { $0 + $1.value } != terms.reversed().reduce(0) { $0 + $1.value })
  }

  @Test(arguments: ["0", "1", "-1", "0.000000000001", "-12.25", "123456789012345678901234.5"])
  func textIsExact(text: String) throws {
    let sum = try #require(ExactSum(text))
    #expect(sum.description == text)
    #expect(abs(sum.value - (try #require(Double(text)))) <= 1e-15 * abs(sum.value))
  }

  @Test(arguments: ["", "-", ".5", "1.", "1e3", "--1", "0.0000000000001", "1 ", String(repeating: "9", count: 40)])
  func otherTextIsRefused(text: String) { #expect(ExactSum(text) == nil) }
}

@Suite struct BootstrapTests {
  /// Blocks whose means are independent normal numbers: the interval of the mean is that of theory.
  @Test func intervalsCoverTheTruth() throws {
    let settings = ScoreSettings(thresholds: [1])
    var (covered, width, trials) = (0, 0.0, 200)
    var source = RandomSource(seed: 9)
    for _ in 0..<trials {
      var blocks: [ScoreBook.Block: FieldScores] = [:]
      for block in 0..<40 {
        var scores = FieldScores(settings: settings)
        scores.add(
          forecast: Tensor(shape: [1, 1], [5 + source.normal()]), observation: Tensor(shape: [1, 1], [5]))
        blocks[.init(event: "e", start: block * 3600)] = scores
      }
      let bootstrap = Bootstrap(blocks: blocks.keys, resamples: 400, seed: source.next())
      let drawn = bootstrap.scores(of: blocks, draws: 0..<bootstrap.count)
      let values = drawn.map { scores in scores.first { $0.name == ScoreName(.me) }?.value }
      let interval = try #require(Bootstrap.interval(values))
      if !interval.excludes(0) { covered += 1 }
      width += interval.high - interval.low
    }
    // 95 % of 200 are 190 ± 3; the interval of percentiles is a little narrow with 40 blocks.
    #expect((178...199).contains(covered), "\(covered) of \(trials)")
    #expect(abs(width / Double(trials) - 2 * 1.96 / 40.0.squareRoot()) < 0.05)
    trials = 0
  }

  @Test func fewBlocksSayNothing() {
    let blocks = (0..<Bootstrap.fewestBlocks - 1).map { ScoreBook.Block(event: "e", start: $0) }
    #expect(Bootstrap(blocks: blocks).count == 0)
    #expect(Bootstrap.interval([]) == nil)
    #expect(Bootstrap.interval(Array(repeating: nil, count: 10) + [1.0]) == nil)
  }

  @Test func manyBlocksAreJoined() {
    let blocks = (0..<1000).map { ScoreBook.Block(event: "e", start: $0) }
    let bootstrap = Bootstrap(blocks: blocks, resamples: 1)
    #expect(bootstrap.groups.count == 100 && bootstrap.groups.joined().count == 1000)
  }
}

@Suite struct SpectrumTests {
  /// Lengths with all kinds of factors, large primes among them: the power of a field is that of its transform (Parseval).
  @Test(arguments: [(8, 8), (12, 30), (37, 48), (64, 61), (31, 22), (2, 97)])
  func powerIsKept(height: Int, width: Int) throws {
    var source = RandomSource(seed: UInt64(height))
    let settings = ScoreSettings(thresholds: [1])
    let f = Tensor.uniform(shape: [height, width], low: 0, high: 4, using: &source)
    var scores = FieldScores(settings: settings)
    scores.add(forecast: f, observation: Tensor(shape: [height, width], f.elements.map { $0 * 4 }))
    for band in scores.sums.spectrum.bands {
      #expect(abs(try #require(band.ratio) * 16 - 1) < 1e-9)
    }
    // One wave along x: its power is in the band of its wavelength only.
    guard width % 4 == 0 || width % 11 == 0 else { return }
    let length = width % 4 == 0 ? 4 : 11
    let wave = Tensor(
      shape: [height, width],
      (0..<height * width).map { Float(2 + cos(2 * Double.pi * Double($0 % width) / Double(length))) })
    var single = FieldScores(settings: settings)
    single.add(forecast: wave, observation: f)
    let longest = single.sums.spectrum.bands.max { $0.forecast.value < $1.forecast.value }
    let wavelength = Double(length) * Double(max(height, width)) / Double(width)
    #expect(Double(longest?.wavelength ?? 0) <= wavelength && Double(longest?.wavelength ?? 0) * 1.5 >= wavelength)
    let total = single.sums.spectrum.bands.reduce(0) { $0 + $1.forecast.value }
    #expect((longest?.forecast.value ?? 0) > 0.999 * total)
  }
}
