// The logistic function at the end of a network, forward and backward side by side, on channel blocks without a halo.

/// Replaces every number by its logistic function.
public func logisticForward(_ values: UnsafeMutablePointer<Float>, _ layout: BlockedLayout, pool: WorkerPool) {
  forEachImageBlock(layout, pool) { offset, count in pool.kernels.logistic(values + offset, count) }
}

/// Replaces the gradient with respect to p = σ(z) by that with respect to z: times p·(1 − p).
///
/// - Parameters:
///   - values: p, as ``logisticForward(_:_:pool:)`` left it; replaced by the result.
///   - gradient: the gradient with respect to p.
public func logisticBackward(
  _ values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, _ layout: BlockedLayout, pool: WorkerPool
) {
  forEachImageBlock(layout, pool) { offset, count in
    pool.kernels.logisticBackward(values + offset, gradient + offset, count)
  }
}

@inline(__always)
private func forEachImageBlock(_ layout: BlockedLayout, _ pool: WorkerPool, _ body: (Int, Int) -> Void) {
  precondition(layout.halo == 0, "a halo of zeros would become a halo of halves")
  pool.run(tasks: layout.batch * layout.blocks) { task in
    body(task * layout.blockStride, layout.height * layout.width)
  }
}
