import KernelInterface

/// The weight gradient as it is defined: first sums over a few rows in registers, then over those sums, so that rounding
/// errors grow slowly.
func accumulateWeightGradientDirectly(
  _ part: WeightGradientPart, _ outputGradients: [UnsafePointer<Float>], pool: WorkerPool
) {
  let geometry = part.geometry
  let (input, output) = (geometry.input, geometry.output)
  let (kernelHeight, kernelWidth) = (geometry.kernelHeight, geometry.kernelWidth)
  pool.run(tasks: output.blocks * input.blocks * kernelHeight) { task in
    let ky = task % kernelHeight
    let inputBlock = task / kernelHeight % input.blocks
    let outputBlock = task / kernelHeight / input.blocks
    let quads = (input.usedLanes(block: inputBlock) + 3) / 4
    pool.withScratch(kernelWidth * 256) { sums in
      sums.update(repeating: 0, count: kernelWidth * 256)
      for (x, g) in zip(part.inputs, outputGradients) {
        for sample in 0..<geometry.inputLayout.batch {
          addImage(
            x, g, geometry, sample: sample, outputBlock: outputBlock, inputBlock: inputBlock, ky: ky, quads: quads,
            sums, pool.kernels)
        }
      }
      part.add(sums, outputBlock: outputBlock, inputBlock: inputBlock, rows: ky..<ky + 1)
    }
  }
}

/// Adds one image's part to `sums`, `[kx][16 input lanes][16 output lanes]`.
private func addImage(
  _ input: UnsafePointer<Float>, _ outputGradient: UnsafePointer<Float>, _ geometry: WeightGradientGeometry,
  sample: Int, outputBlock: Int, inputBlock: Int,
  ky: Int, quads: Int, _ sums: UnsafeMutablePointer<Float>, _ kernels: KernelTable
) {
  let (inputLayout, outputLayout) = (geometry.inputLayout, geometry.outputLayout)
  let (height, width) = (outputLayout.height, outputLayout.width)
  // About 256 pixels: 16 KB of either operand, which stay in the first cache for all taps and channels. A constant, not
  // the cache's size, since the order of sums depends on it.
  let rows = max(1, 256 / max(width, 1))
  var y = 0
  while y < height {
    let here = min(rows, height - y)
    let g = outputGradient + outputLayout.offset(sample: sample, block: outputBlock, y: y, x: 0)
    for kx in 0..<geometry.kernelWidth {
      let x =
        input
        + inputLayout.offset(
          sample: sample, block: inputBlock, y: y + ky - geometry.kernelHeight / 2, x: kx - geometry.kernelWidth / 2)
      for quad in 0..<quads {
        kernels.directWeightGradient(
          x + quad * 4, inputLayout.rowStride, g, outputLayout.rowStride, here, width, sums + kx * 256 + quad * 64)
      }
    }
    y += here
  }
}
