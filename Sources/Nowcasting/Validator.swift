import ConvLSTM
import Tensor

/// Scores a network on the held-out crops, which are the same every time: as they come, however training chooses its own.
final class Validator {
  /// The most held-out crops that are scored.
  static let samples = 64

  /// The losses over the held-out crops.
  struct Losses {
    /// What is trained with.
    var loss: MaskedLoss
    /// The squared error, by which runs with other losses compare.
    var squared = MaskedLoss(.squared)

    /// Whether what is forecast is a rain rate, so that there is a squared error.
    private let forecastsRates: Bool

    init(_ loss: PixelLoss) {
      self.loss = MaskedLoss(loss)
      forecastsRates = loss.channels == 1
    }

    /// What adds up over ranks: sums and numbers of pixels.
    var sums: [Double] { [loss.sum, Double(loss.count), squared.sum, Double(squared.count)] }

    mutating func add(prediction: Tensor, target: Tensor) {
      loss.add(prediction: prediction, target: target)
      if forecastsRates { squared.add(prediction: prediction, target: target) }
    }
  }

  private let sampler: Sampler
  private let loss: PixelLoss
  private let batches: [[Sampler.Sample]]
  private let tape: EncoderForecasterTape
  private let communicator: any Communicator
  /// The last frame seen as the forecast, on this rank's crops. As for the network, what is missing in it counts as dry.
  private let persistence: Losses
  private let suitsPersistence: Bool

  /// - Parameters:
  ///   - held: the crops, from `Sampler.validationSamples`; every rank takes its share of them.
  ///   - size: the crops that are worked on together.
  ///   - kind: the loss that `loss` is.
  /// - Returns: `nil` where nothing is held out.
  init?(
    _ network: EncoderForecaster, _ sampler: Sampler, held: [Sampler.Sample], loss: PixelLoss, kind: TrainingLoss,
    size: Int, communicator: any Communicator
  ) throws {
    guard !held.isEmpty else { return nil }
    self.sampler = sampler
    self.communicator = communicator
    let held = stride(from: communicator.rank, to: held.count, by: communicator.size).map { held[$0] }
    self.loss = loss
    suitsPersistence = kind.suitsPersistence
    batches = stride(from: 0, to: held.count, by: size).map { Array(held[$0..<min($0 + size, held.count)]) }
    tape = network.makeTape(
      batch: size, inputFrames: sampler.data.inputFrames, leadFrames: sampler.data.leadFrames, height: sampler.height,
      width: sampler.width, recording: .nothing)
    var persistence = Losses(loss)
    for samples in kind.forecastsRates ? batches : [] {
      let batch = try sampler.batch(samples)
      for index in samples.indices {
        let frames = batch.input.part(index)
        let target = batch.target.part(index)
        let last = frames.part(frames.shape[0] - 1)
        for t in 0..<target.shape[0] { persistence.add(prediction: last, target: target.part(t)) }
      }
    }
    self.persistence = persistence
  }

  /// What a network reaches on the crops of all ranks, beside what persistence reaches on the same pixels.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  func validation(_ network: EncoderForecaster) throws -> ModelConfiguration.Validation {
    var sums = try communicator.agree {
      var losses = Losses(loss)
      for samples in batches {
        let batch = try sampler.batch(samples)
        // The last batch may be smaller; it is filled up, and what was filled up does not count.
        let size = tape.inputShape[0]
        let output = network.forward(
          tape, batch.input.filledUp(to: size), guidance: batch.guidance?.filledUp(to: size))
        losses.add(prediction: output.parts(0..<samples.count), target: batch.target)
      }
      return losses.sums + persistence.sums
    }
    communicator.sum(&sums)
    func mean(_ place: Int) -> Double? { sums[place + 1] > 0 ? sums[place] / sums[place + 1] : nil }
    return ModelConfiguration.Validation(
      loss: mean(0) ?? .nan, persistenceLoss: suitsPersistence ? mean(4) : nil, squaredError: mean(2),
      persistenceSquaredError: mean(6))
  }
}

extension Tensor {
  /// The tensor with zeros appended to its outermost dimension.
  fileprivate func filledUp(to count: Int) -> Tensor {
    guard shape[0] < count else { return self }
    var result = Tensor(shape: [count] + shape.dropFirst())
    result.withUnsafeMutableBufferPointer { target in
      withUnsafeBufferPointer { source in _ = target.update(fromContentsOf: source) }
    }
    return result
  }
}
