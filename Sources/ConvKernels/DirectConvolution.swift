import KernelInterface

extension ConvolutionInput {
  fileprivate func directSource(sample: Int, outputBlock: Int) -> DirectSource {
    DirectSource(
      input: pointer
        + layout.offset(sample: sample, block: 0, y: -(weights.kernelHeight / 2), x: -(weights.kernelWidth / 2)),
      weights: weights.buffer.pointer + outputBlock * weights.outputStride, weightsStride: weights.outputStride,
      usedLanes: weights.usedLanesPointer, blocks: layout.blocks, blockStride: layout.blockStride,
      rowStride: layout.rowStride, kernelHeight: weights.kernelHeight, kernelWidth: weights.kernelWidth)
  }
}

/// The convolution as it is defined; all inputs' weights are packed for it.
func convolveDirectly(_ inputs: [ConvolutionInput], to target: ConvolutionTarget, pool: WorkerPool) {
  let layout = target.layout
  let kernels = pool.kernels
  let atOnce = kernels.blocksAtOnce
  let parts = (layout.blocks + atOnce - 1) / atOnce
  forEachBand(layout, parts: parts, pool) { sample, part, rows in
    let block = part * atOnce
    convolveRows(
      inputs, sample: sample, block: block, blocks: min(atOnce, layout.blocks - block), rows: rows,
      width: layout.width, start: target.start,
      output: target.output + layout.offset(sample: sample, block: block, y: 0, x: 0),
      rowStride: layout.rowStride, blockStride: layout.blockStride, kernels)
  }
}

/// Some rows of `blocks` output blocks from `block` on, at most as many as the kernels do at once.
///
/// - Parameter output: row 0 of the first block, even where `rows` starts further below.
func convolveRows(
  _ inputs: [ConvolutionInput], sample: Int, block: Int, blocks: Int, rows: Range<Int>, width: Int,
  start: ConvolutionStart, output: UnsafeMutablePointer<Float>, rowStride: Int, blockStride: Int, _ kernels: KernelTable
) {
  withUnsafeTemporaryAllocation(of: DirectSource.self, capacity: max(inputs.count, 1)) { sources in
    for (index, input) in inputs.enumerated() {
      sources.initializeElement(at: index, to: input.directSource(sample: sample, outputBlock: block))
    }
    let bias = start.bias(block: block)
    for y in rows {
      kernels.directRow(
        sources.baseAddress.unsafelyUnwrapped, inputs.count, blocks, y, width, output + y * rowStride, blockStride, bias
      )
    }
  }
}

/// Calls `body` with every band of rows of every part of every image, as tasks of the pool: enough pixels to be worth a
/// task, few enough that two threads share an image evenly.
func forEachBand(
  _ layout: BlockedLayout, parts: Int, _ pool: WorkerPool, _ body: (_ sample: Int, _ part: Int, Range<Int>) -> Void
) {
  let rows = max(1, 512 / max(layout.width, 1))
  let bands = (layout.height + rows - 1) / rows
  pool.run(tasks: layout.batch * bands * parts) { task in
    let (image, part) = (task / parts, task % parts)
    let (sample, band) = (image / bands, image % bands)
    body(sample, part, band * rows..<min((band + 1) * rows, layout.height))
  }
}
