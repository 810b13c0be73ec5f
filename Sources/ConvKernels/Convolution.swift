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

  /// The sixteen numbers of a block, if there are any.
  func bias(block: Int) -> UnsafePointer<Float>? {
    switch self {
    case .bias(let pointer): pointer + block * BlockedLayout.lanes
    case .output: nil
    }
  }
}

/// Where a convolution's result goes.
public struct ConvolutionTarget {
  /// What the sums start from.
  public let start: ConvolutionStart
  /// The batch that is written; its halo is left as it is.
  public let output: UnsafeMutablePointer<Float>
  /// How it lies in memory.
  public let layout: BlockedLayout

  /// Names a batch.
  public init(start: ConvolutionStart, output: UnsafeMutablePointer<Float>, _ layout: BlockedLayout) {
    self.start = start
    self.output = output
    self.layout = layout
  }

  /// - Precondition: the input has the target's size, and its weights the target's channels.
  fileprivate func check(_ input: ConvolutionInput) {
    precondition(
      input.layout.batch == layout.batch && input.layout.height == layout.height && input.layout.width == layout.width
        && input.weights.output.blocks == layout.blocks, "input, weights and output of different sizes")
  }
}

/// Convolution with stride 1 and zero padding that keeps the image's size, summed over all inputs:
/// `output = start + Σ input ∗ weights` (cross-correlation, as in every neural network library).
///
/// With weights packed for ``PackedWeights/Direction/dataGradient`` this is the gradient with respect to the input.
/// Every output number is computed by one thread, in an order that depends on the geometry alone. Each input is
/// computed by its weights' algorithm; those of one algorithm and kernel are summed up before the output's transform.
///
/// - Parameter inputs: one or more batches of the target's size.
public func convolve(_ inputs: [ConvolutionInput], to target: ConvolutionTarget, pool: WorkerPool) {
  inputs.forEach(target.check)
  var target = target
  for part in partsByAlgorithm(inputs) {
    if let winograd = WinogradConvolution(part, blocksAtOnce: 4, pool: pool) {
      convolve(winograd, [target], pool: pool)
    } else {
      convolveDirectly(part, to: target, pool: pool)
    }
    target = ConvolutionTarget(start: .output, output: target.output, target.layout)
  }
}

/// Several convolutions of one batch, as ``convolve(_:to:pool:)`` computes each of them. Where one algorithm and kernel
/// serves all, the batch is transformed once.
///
/// - Parameter convolutions: the batch with the weights of each convolution, and where its result goes.
public func convolve(_ convolutions: [(input: ConvolutionInput, target: ConvolutionTarget)], pool: WorkerPool) {
  guard let first = convolutions.first?.input else { return }
  let areAlike = convolutions.allSatisfy {
    $0.input.pointer == first.pointer && $0.input.layout == first.layout
      && $0.input.weights.algorithm == first.weights.algorithm
      && $0.input.weights.kernelHeight == first.weights.kernelHeight
  }
  if areAlike,
    let winograd = WinogradConvolution(
      [first], others: convolutions.dropFirst().map(\.input.weights), blocksAtOnce: 4, pool: pool)
  {
    for (input, target) in convolutions { target.check(input) }
    convolve(winograd, convolutions.map(\.target), pool: pool)
  } else {
    for (input, target) in convolutions { convolve([input], to: target, pool: pool) }
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
