// The leaky rectifier (Maas et al. 2013), forward and backward side by side: x where it is positive, slope·x elsewhere.

/// Replaces every number by its leaky rectifier; the halo of zeros stays one.
///
/// - Precondition: the slope is positive, so that the sign of the result tells which side a number was on.
public func leakyReLUForward(
  _ values: UnsafeMutablePointer<Float>, _ layout: BlockedLayout, slope: Float, pool: WorkerPool
) {
  precondition(slope > 0, "a slope of \(slope)")
  forEachImageRow(layout, pool) { sample, block, y in
    let row = UnsafeMutableRawPointer(values + layout.offset(sample: sample, block: block, y: y, x: 0))
      .assumingMemoryBound(to: SIMD16<Float>.self)
    for x in 0..<layout.width { row[x].replace(with: row[x] * slope, where: row[x] .< 0) }
  }
}

/// Replaces the gradient with respect to the result by that with respect to the argument; at zero its slope is that of
/// negative numbers, as in PyTorch.
///
/// - Parameters:
///   - output: what ``leakyReLUForward(_:_:slope:pool:)`` left.
///   - gradient: may lie in memory with another halo.
public func leakyReLUBackward(
  _ output: UnsafePointer<Float>, _ outputLayout: BlockedLayout, gradient: UnsafeMutablePointer<Float>,
  _ layout: BlockedLayout, slope: Float, pool: WorkerPool
) {
  precondition(layout.with(blocks: layout.blocks, halo: outputLayout.halo) == outputLayout, "images of different sizes")
  forEachImageRow(layout, pool) { sample, block, y in
    let row = UnsafeMutableRawPointer(gradient + layout.offset(sample: sample, block: block, y: y, x: 0))
      .assumingMemoryBound(to: SIMD16<Float>.self)
    let result = UnsafeRawPointer(output + outputLayout.offset(sample: sample, block: block, y: y, x: 0))
      .assumingMemoryBound(to: SIMD16<Float>.self)
    for x in 0..<layout.width { row[x].replace(with: row[x] * slope, where: result[x] .<= 0) }
  }
}

/// Calls `body` with every row of every block; some rows are one task.
@inline(__always)
private func forEachImageRow(_ layout: BlockedLayout, _ pool: WorkerPool, _ body: (Int, Int, Int) -> Void) {
  let rows = max(1, 1024 / max(layout.width, 1))
  let bands = (layout.height + rows - 1) / rows
  pool.run(tasks: layout.batch * layout.blocks * bands) { task in
    let (image, band) = task.quotientAndRemainder(dividingBy: bands)
    let (sample, block) = image.quotientAndRemainder(dividingBy: layout.blocks)
    for y in band * rows..<min((band + 1) * rows, layout.height) { body(sample, block, y) }
  }
}
