import ConvLSTM
import Foundation
import Tensor
import Testing

/// The code of the article `TwentyLines` is that between the two marks below, which is compiled and run here.
@Suite struct TutorialTests {
  // begin
  // Eight films in which a bright square moves one pixel to the right with every frame.
  func films(_ frames: Range<Int>) -> Tensor {
    var result = Tensor(shape: [8, frames.count, 1, 16, 16])
    for index in 0..<8 * frames.count * 16 {
      let (film, t, pixel) = (index / 16 / frames.count, index / 16 % frames.count, index % 16)
      result[film, t, 0, film + pixel / 4, (frames.lowerBound + t + 3 * film + pixel % 4) % 16] = 1
    }
    return result
  }
  // pause

  @Test func theNetworkLearns() throws {
    // continue
    let configuration = try EncoderForecasterConfiguration(patch: 1, hidden: [16])
    let network = EncoderForecaster(configuration, seed: 1)
    let step = TrainingStep(network, batch: 8, inputFrames: 5, leadFrames: 5, height: 16, width: 16)
    var adam = Optimizer(.adam(), count: configuration.parameterLayout.count)
    for update in 1...200 {
      var gradients = ParameterSet(configuration.parameterLayout)
      let loss = step(input: films(0..<5), target: films(5..<10), into: &gradients)
      adam.update(&network.parameters, gradients: gradients, learningRate: 0.005)
      if update % 50 == 0 { print("update \(update): mean squared error \(loss.mean ?? .nan)") }
    }
    let forecast = network.forecast(films(0..<5), leadFrames: 5)
    // end
    #expect(forecast.shape == [8, 5, 1, 16, 16])
    // A sixteenth of the pixels is bright: a dry forecast errs by 0.0625.
    var loss = MaskedLoss(.squared)
    loss.add(prediction: forecast, target: films(5..<10))
    #expect(try #require(loss.mean) < 0.01)
  }

  @Test func theArticleShowsThisCode() throws {
    func text(_ path: String) throws -> String {
      let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized
      return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    func lines(_ text: Substring) -> [String] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    let article = try text("Sources/ConvLSTM/ConvLSTM.docc/TwentyLines.md")
    let block = try #require(article.firstMatch(of: /```swift\n((?s).*?)\n```/)).output.1
    let shown = lines(block).filter { !$0.hasPrefix("import ") }
    #expect(shown.count == 20)
    var compiled: [String] = []
    var isCode = false
    for line in lines(try text("Tests/ConvLSTMTests/TutorialTests.swift")[...]) {
      let word = line.trimmingCharacters(in: .whitespaces)
      if ["// begin", "// continue"].contains(word) {
        isCode = true
      } else if ["// pause", "// end"].contains(word) {
        isCode = false
      } else if isCode {
        // The function stands one step to the right here, the rest two.
        compiled.append(String(line.dropFirst(compiled.count < 9 ? 2 : 4)))
      }
    }
    #expect(compiled == shown)
  }
}
