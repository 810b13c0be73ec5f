import KernelInterface

/// One image batch that a convolution reads, and the weights that go with it.
public struct ConvolutionInput {
  /// The start of the batch.
  public let pointer: UnsafePointer<Float>
  /// How it lies in memory. The halo must be at least half the kernel's longer side, rounded down.
  public let layout: BlockedLayout
  /// Its weights.
  public let weights: PackedWeights

  /// Couples a batch with its weights.
  ///
  /// - Precondition: blocks and halo fit the weights.
  public init(_ pointer: UnsafePointer<Float>, _ layout: BlockedLayout, _ weights: PackedWeights) {
    precondition(layout.blocks == weights.input.blocks, "the weights are for another number of channels")
    precondition(
      layout.halo >= max(weights.kernelHeight, weights.kernelWidth) / 2, "the halo is narrower than the kernel")
    self.pointer = pointer
    self.layout = layout
    self.weights = weights
  }
}

/// What a convolution's sums start from.
public enum ConvolutionStart {
  /// Sixteen numbers for each output block.
  case bias(UnsafePointer<Float>)
  /// What the output holds already.
  case output
}

/// Convolution with stride 1 and zero padding that keeps the image's size, summed over all inputs:
/// `output = start + Σ input ∗ weights` (cross-correlation, as in every neural network library).
///
/// With weights packed for ``PackedWeights/Direction/dataGradient`` this is the gradient with respect to the input.
/// Every output number is computed by one thread, in an order that depends on the geometry alone. Each input is
/// computed by its weights' algorithm; those of one algorithm and kernel are summed up before the output's transform.
///
/// - Parameters:
///   - inputs: one or more batches of the output's size.
///   - output: the batch that is written; its halo is left as it is.
public func convolve(
  _ inputs: [ConvolutionInput], start: ConvolutionStart, output: UnsafeMutablePointer<Float>, _ layout: BlockedLayout,
  pool: WorkerPool
) {
  for input in inputs {
    precondition(
      input.layout.batch == layout.batch && input.layout.height == layout.height && input.layout.width == layout.width
        && input.weights.output.blocks == layout.blocks, "input, weights and output of different sizes")
  }
  var start = start
  for part in partsByAlgorithm(inputs) {
    if let winograd = WinogradConvolution(part, outputBlocks: layout.blocks, blocksAtOnce: 4, pool: pool) {
      convolve(winograd, start: start, output: output, layout, pool: pool)
    } else {
      convolveDirectly(part, start: start, output: output, layout, pool: pool)
    }
    start = .output
  }
}

/// The inputs, in parts that one kernel can sum up: direct, then Winograd's algorithm for each kernel and tile.
func partsByAlgorithm(_ inputs: [ConvolutionInput]) -> [[ConvolutionInput]] {
  var parts: [[ConvolutionInput]] = []
  for algorithm in ConvolutionAlgorithm.allCases {
    var rest = inputs.filter { $0.weights.algorithm == algorithm }
    while let first = rest.first?.weights {
      let fits = { (input: ConvolutionInput) in
        algorithm == .direct || input.weights.kernelHeight == first.kernelHeight
      }
      parts.append(rest.filter(fits))
      rest.removeAll(where: fits)
    }
  }
  // Without any input the output still becomes the bias.
  return parts.isEmpty ? [[]] : parts
}
