import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct TrainingLossTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Each loss falls, and is said in the model and in the run's configuration.
  @Test(arguments: TrainingLoss.allCases) func eachLossTeaches(loss: TrainingLoss) throws {
    var options = options
    (options.loss, options.epochs, options.learningRate) = (loss, 8, 3e-3)
    var losses: [Double] = []
    let result = try train("run", options) { losses.append($0.trainLoss) }
    #expect(try #require(losses.last) < 0.7 * losses[0])
    let model = try Model(contentsOf: folder / "run")
    #expect(model.configuration.loss == loss)
    #expect(model.configuration.huberDelta == (loss == .huber ? 0.1 : nil))
    let text = try String(contentsOfFile: folder / "run/config.json", encoding: .utf8)
    #expect(text.contains("\"loss\": \"\(loss.rawValue)\""))
    // Whatever the loss, the squared error stands beside persistence's of the same pixels.
    let validation = try #require(result.validation)
    #expect(validation == model.configuration.validation)
    #expect((validation.persistenceLoss == nil) == [.crossEntropy, .exceedance].contains(loss))
    // Probabilities have no squared error.
    guard loss != .exceedance else { return #expect(validation.squaredError == nil) }
    #expect(abs(try #require(validation.persistenceSquaredError) - Self.persistenceSquaredError(options)) < 1e-9)
    if loss == .mse {
      #expect(validation.loss == validation.squaredError)
      #expect(validation.persistenceLoss == validation.persistenceSquaredError)
    }
  }

  /// The squared error of the last frame seen, over all held-out crops, pixel by pixel.
  private static func persistenceSquaredError(_ options: TrainingOptions) throws -> Double {
    let data = try TrainingData([rain], options: options)
    let sampler = Sampler(data, crop: options.crop, batchSize: options.batchSize, seed: options.seed)
    var (sum, count) = (0.0, 0.0)
    for sample in try sampler.validationSamples(most: 64) {
      let batch = try sampler.batch([sample])
      for t in 0..<2 {
        for y in 0..<16 {
          for x in 0..<16 {
            let truth = batch.target[0, t, 0, y, x]
            guard !truth.isNaN else { continue }
            sum += pow(Double(batch.input[0, 2, 0, y, x]) - Double(truth), 2)
            count += 1
          }
        }
      }
    }
    return sum / count
  }

  /// Weights by rain rate, at the published pixel values of HKO-7 (Shi et al. 2017).
  @Test func weightsOfTheBalancedLoss() throws {
    let published = Normalisation(relation: ReflectivityRelation(a: 58.53, b: 1.56))
    guard case .balanced(let weights) = try TrainingLoss.balanced.pixelLoss(published, huberDelta: 1) else {
      Issue.record("no weights")
      return
    }
    let expected: [(Float, Float)] = [
      (0, 1), (0.32825, 1), (0.4624, 1), (0.46245, 2), (0.5511, 2), (0.55113, 5), (0.6181, 5), (0.6183, 10),
      (0.7245, 10), (0.72455, 30), (1, 30),
    ]
    for (pixel, weight) in expected { #expect(weights.weight(of: pixel) == weight, "at \(pixel)") }
    // A rate on a threshold reaches it.
    for (rate, weight) in [(2, 2), (5, 5), (10, 10), (30, 30)] as [(Float, Float)] {
      for normalisation in [published, Normalisation()] {
        guard case .balanced(let weights) = try TrainingLoss.balanced.pixelLoss(normalisation, huberDelta: 1) else {
          continue
        }
        let pixels = normalisation.normalised(Tensor(shape: [2], [rate, rate * 0.999]))
        #expect(weights.weight(of: pixels[0]) == weight && weights.weight(of: pixels[1]) < weight)
      }
    }
  }

  /// The scale goes with the model, and the forecast comes back through it.
  @Test func theLogarithmicScaleIsInTheModel() throws {
    var options = options
    (options.normalisation, options.loss) = (Normalisation(scale: .logRainRate(offset: 0.2, max: 150)), .balanced)
    try train("run", options)
    let model = try Model(contentsOf: folder / "run")
    #expect(model.configuration.normalisation == options.normalisation)
    let forecast = try Forecaster(model, pool: .standard).forecast(try Self.rain.rainRate, last: 5, leadFrames: 2)
    #expect(forecast.elements.allSatisfy { $0.isNaN || (0...150.01).contains($0) })
  }

  @Test func optionsThatMakeNoLossAreRefused() {
    var options = options
    (options.loss, options.normalisation) = (.balanced, Normalisation(scale: .dbzLinear(min: 30)))
    #expect(throwsCode(.usage) { try options.validate() })
    options.normalisation = Normalisation(scale: .dbzLinear(max: 40))
    #expect(throwsCode(.usage) { try options.validate() })
    options.normalisation = Normalisation(scale: .logRainRate(offset: 0.1, max: 20))
    #expect(throwsCode(.usage) { try options.validate() })
    (options.loss, options.huberDelta) = (.huber, 0)
    #expect(throwsCode(.usage) { try options.validate() })
  }
}
