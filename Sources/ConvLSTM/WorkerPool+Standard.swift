import ConvKernels

extension WorkerPool {
  /// A pool of all processors, made when it is first used.
  public static let standard = WorkerPool()
}
