import Tensor

/// Loss and gradients of a batch, computed in sub-batches one after the other in the same memory.
///
/// The memory of a training step grows with the number of samples that are worked on together; so a large batch costs
/// that of a small one. The sizes of sub-batches follow from those of the batch alone and gradients are added up in order,
/// so the number of threads changes no bit.
public final class TrainingStep {
  private let network: EncoderForecaster
  /// What is minimised.
  public let loss: PixelLoss
  /// The batch's input, `[b, inputFrames, c, h, w]`.
  public let inputShape: [Int]
  /// The batch's target, `[b, leadFrames, c, h, w]`.
  public let targetShape: [Int]
  /// For each sub-batch its samples and the tape they use. All tapes share the first one's memory.
  private let parts: [(samples: Range<Int>, tape: EncoderForecasterTape)]

  /// Makes the memory for steps on batches of one size.
  ///
  /// - Parameters:
  ///   - network: whose weights the gradients are for.
  ///   - loss: what is minimised.
  ///   - batch: samples.
  ///   - inputFrames: frames of a sample that are read.
  ///   - leadFrames: frames that are forecast.
  ///   - height: rows of a frame.
  ///   - width: its columns.
  ///   - recomputes: whether the backward pass computes gates again instead of keeping them: a third of the
  ///     memory for states and gates, and about four tenths more time. The results agree within rounding.
  public init(
    _ network: EncoderForecaster, loss: PixelLoss = .squared, batch: Int, inputFrames: Int, leadFrames: Int,
    height: Int, width: Int, recomputes: Bool = false
  ) {
    self.network = network
    self.loss = loss
    let configuration = network.configuration
    let sizes = SubBatches.sizes(
      batch: batch, pixels: configuration.foldedPixels(height: height, width: width),
      together: SubBatches.trainingPixels)
    let tape = network.makeTape(
      batch: sizes[0], inputFrames: inputFrames, leadFrames: leadFrames, height: height, width: width,
      recording: recomputes ? .states : .all)
    var parts: [(samples: Range<Int>, tape: EncoderForecasterTape)] = []
    for size in sizes {
      let first = parts.last?.samples.upperBound ?? 0
      let last = parts.last?.tape ?? tape
      parts.append(
        (first..<first + size, size == last.inputShape[0] ? last : EncoderForecasterTape(tape, batch: size)))
    }
    self.parts = parts
    inputShape = [batch] + tape.inputShape.dropFirst()
    precondition(
      loss.channels == 1 || loss.channels == configuration.outputChannels, "a loss of other channels than the network")
    targetShape = [batch, leadFrames, loss.channels == 1 ? configuration.outputChannels : 1, height, width]
  }

  /// The size of the largest sub-batch of a batch of frames of that size.
  public static func subBatchSize(
    _ configuration: EncoderForecasterConfiguration, batch: Int, height: Int, width: Int
  ) -> Int {
    SubBatches.sizes(
      batch: batch, pixels: configuration.foldedPixels(height: height, width: width),
      together: SubBatches.trainingPixels)[0]
  }

  /// The loss over the valid pixels of a batch, and its gradients.
  ///
  /// - Parameters:
  ///   - input: `[b, inputFrames, c, h, w]`.
  ///   - target: `[b, leadFrames, c, h, w]`, NaN where missing.
  ///   - guidance: `[b, leadFrames, guidanceChannels, h, w]`, for a network that reads some.
  ///   - gradients: have those of the loss added to them. Without a valid pixel there are none.
  ///   - validCount: the valid pixels of the mean, where the batch is a part of a larger one; `nil` counts its own.
  ///   - whenFinal: is called with each of the network's ``EncoderForecaster/gradientBuckets``, in their order, as soon as
  ///     its gradients are final, while others are still computed; never without a valid pixel.
  public func callAsFunction(
    input: Tensor, target: Tensor, guidance: Tensor? = nil, into gradients: inout ParameterSet, validCount: Int? = nil,
    whenFinal: ((Range<Int>, ParameterSet) -> Void)? = nil
  ) -> MaskedLoss {
    precondition(input.shape == inputShape && target.shape == targetShape, "a batch of another size than the step's")
    var sum = MaskedLoss(loss)
    // Of the whole batch, so that every sub-batch's gradients have their share of the mean.
    let own = MaskedLoss.validCount(target)
    guard own > 0 else { return sum }
    for (index, (samples, tape)) in parts.enumerated() {
      let part = target.parts(samples)
      let output = network.forward(tape, input.parts(samples), guidance: guidance?.parts(samples))
      sum.add(prediction: output, target: part, pool: network.pool)
      network.backward(
        tape,
        outputGradient: MaskedLoss.gradient(
          loss, prediction: output, target: part, validCount: validCount ?? own, pool: network.pool),
        isBeforeLogistic: loss.isGradientBeforeLogistic, into: &gradients, isLast: index == parts.count - 1,
        whenFinal: whenFinal)
    }
    return sum
  }
}
