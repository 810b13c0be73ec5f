import ConvKernels
import Tensor

/// The last layer of an encoder–forecaster: a 1×1 convolution over several layers' hidden states, and guidance where there is
/// some, and the logistic function. `@unchecked Sendable`: packing happens while nothing else uses the head.
final class Head: @unchecked Sendable {
  private let layers: [Int]
  private let outputOrder: ChannelOrder
  private let weights: [PackedWeights]
  private let turnedWeights: [PackedWeights]
  private let bias: AlignedBuffer

  init(layers: [Int], output: Int) {
    self.layers = layers
    let order = ChannelOrder.plain(channels: output)
    outputOrder = order
    weights = layers.map {
      PackedWeights(input: .plain(channels: $0), output: order, kernelHeight: 1, kernelWidth: 1, algorithm: .direct)
    }
    turnedWeights = layers.map {
      PackedWeights(input: order, output: .plain(channels: $0), kernelHeight: 1, kernelWidth: 1, algorithm: .direct)
    }
    bias = AlignedBuffer(count: order.blocks * BlockedLayout.lanes)
  }

  /// The first channel of each layer in the head's concatenated input.
  private var firstChannels: [Int] { layers.indices.map { layers[..<$0].reduce(0, +) } }

  func pack(_ parameters: ParameterSet, forBackward: Bool, pool: WorkerPool) {
    let total = layers.reduce(0, +)
    parameters.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress, let weight = parameters.layout.entry("head.weight"),
        let plainBias = parameters.layout.entry("head.bias")
      else { preconditionFailure("a network without a head") }
      for (index, first) in firstChannels.enumerated() {
        weights[index].pack(.forward, from: base + weight.offset, rowChannels: total, firstChannel: first, pool: pool)
        if forBackward {
          turnedWeights[index].pack(
            .dataGradient, from: base + weight.offset, rowChannels: total, firstChannel: first, pool: pool)
        }
      }
      packChannels(base + plainBias.offset, outputOrder, bias.pointer)
    }
  }

  /// Writes the frame that belongs to the layers' hidden states, folded, to `output` (without halo).
  func forward(_ hidden: [BlockedImage], output: BlockedImage, pool: WorkerPool) {
    convolve(
      zip(hidden, weights).map { ConvolutionInput($0.buffer.pointer, $0.layout, $1) },
      to: ConvolutionTarget(start: .bias(bias.pointer), output: output.buffer.pointer, output.layout), pool: pool)
    logisticForward(output.buffer.pointer, output.layout, pool: pool)
  }

  /// Adds to the hidden states' gradients, to none for guidance, which comes last; replaces `output` by the gradient in front of the logistic function.
  ///
  /// - Parameter isBeforeLogistic: whether `outputGradient` is that already.
  func backward(
    output: BlockedImage, outputGradient: BlockedImage, isBeforeLogistic: Bool, into hiddenGradients: [BlockedImage],
    pool: WorkerPool
  ) {
    if isBeforeLogistic {
      output.buffer.pointer.update(from: outputGradient.buffer.pointer, count: output.layout.count)
    } else {
      logisticBackward(output.buffer.pointer, gradient: outputGradient.buffer.pointer, output.layout, pool: pool)
    }
    for (gradient, weights) in zip(hiddenGradients, turnedWeights) {
      convolve(
        [ConvolutionInput(output.buffer.pointer, output.layout, weights)],
        to: ConvolutionTarget(start: .output, output: gradient.buffer.pointer, gradient.layout), pool: pool)
    }
  }

  /// Adds the gradients of weights and bias over all steps.
  ///
  /// - Parameters:
  ///   - hidden: for each step the layers' hidden states.
  ///   - outputGradients: for each step what ``backward(output:outputGradient:isBeforeLogistic:into:pool:)`` left in
  ///     `output`.
  func accumulateParameterGradients(
    hidden: [[BlockedImage]], outputGradients: [BlockedImage], into gradients: inout ParameterSet, pool: WorkerPool
  ) {
    guard let output = outputGradients.first?.layout else { return }
    let total = layers.reduce(0, +)
    let layout = gradients.layout
    gradients.values.withUnsafeMutableBufferPointer { values in
      guard let base = values.baseAddress, let weight = layout.entry("head.weight"),
        let plainBias = layout.entry("head.bias")
      else { preconditionFailure("a network without a head") }
      let steps = outputGradients.map { UnsafePointer($0.buffer.pointer) }
      let parts = firstChannels.enumerated().map { index, first in
        WeightGradientPart(
          hidden.map { UnsafePointer($0[index].buffer.pointer) },
          WeightGradientGeometry(
            inputLayout: hidden[0][index].layout, outputLayout: output, input: .plain(channels: layers[index]),
            output: outputOrder, kernelHeight: 1, kernelWidth: 1, algorithm: .direct),
          into: base + weight.offset, rowChannels: total, firstChannel: first)
      }
      accumulateWeightGradients(parts, outputGradients: steps, pool: pool)
      accumulateChannelSums(steps, output, outputOrder, into: base + plainBias.offset, pool: pool)
    }
  }
}
