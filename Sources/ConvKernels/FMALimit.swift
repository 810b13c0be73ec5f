/// What the processor can do at most: independent fused multiply-adds on registers, in floating-point operations.
///
/// Runs `rounds` rounds on one thread with the pool's instructions and returns the operations done; the caller takes the
/// time.
public func fmaLimitOperations(rounds: Int, _ sink: inout Float, pool: WorkerPool) -> Int {
  pool.kernels.fmaLimit(rounds, &sink)
}
