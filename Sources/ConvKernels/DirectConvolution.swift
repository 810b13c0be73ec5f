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

  func source(sample: Int, outputBlock: Int) -> DirectSource {
    DirectSource(
      input: pointer
        + layout.offset(sample: sample, block: 0, y: -(weights.kernelHeight / 2), x: -(weights.kernelWidth / 2)),
      weights: weights.buffer.pointer + outputBlock * weights.outputStride,
      usedLanes: weights.usedLanesPointer, blocks: layout.blocks, blockStride: layout.blockStride,
      rowStride: layout.rowStride, kernelHeight: weights.kernelHeight, kernelWidth: weights.kernelWidth)
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
/// Every output number is computed by one thread, in an order that depends on the geometry alone.
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
  let rows = rowsPerTask(layout)
  let bands = (layout.height + rows - 1) / rows
  pool.run(tasks: layout.batch * bands * layout.blocks) { task in
    let block = task % layout.blocks
    let band = task / layout.blocks % bands
    let sample = task / layout.blocks / bands
    withSources(inputs, sample: sample, outputBlock: block) { sources in
      let bias: UnsafePointer<Float>? =
        switch start {
        case .bias(let pointer): pointer + block * BlockedLayout.lanes
        case .output: nil
        }
      for y in band * rows..<min((band + 1) * rows, layout.height) {
        f32DirectRow(
          sources, y: y, width: layout.width,
          output: output + layout.offset(sample: sample, block: block, y: y, x: 0), bias: bias)
      }
    }
  }
}

/// Rows in one task: enough pixels to be worth a task, few enough that two threads share an image evenly.
func rowsPerTask(_ layout: BlockedLayout) -> Int { max(1, 512 / max(layout.width, 1)) }

/// Calls `body` with the sources of one output block, without touching the heap.
@inline(__always)
func withSources(
  _ inputs: [ConvolutionInput], sample: Int, outputBlock: Int, _ body: (UnsafeBufferPointer<DirectSource>) -> Void
) {
  withUnsafeTemporaryAllocation(of: DirectSource.self, capacity: inputs.count) { sources in
    for (index, input) in inputs.enumerated() {
      sources.initializeElement(at: index, to: input.source(sample: sample, outputBlock: outputBlock))
    }
    body(UnsafeBufferPointer(sources))
  }
}
