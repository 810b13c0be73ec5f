import ConvLSTM

/// Adds up gradients over all ranks, bucket by bucket, while the backward pass still computes others.
///
/// Buckets lie in memory of their own meanwhile, so that nobody writes where the network reads.
final class GradientSum {
  private let communicator: any Communicator
  /// Places in the flat buffer, in the order in which they become final: the same on all ranks.
  private let buckets: [Range<Int>]
  private let memory: UnsafeMutableBufferPointer<Float>
  /// How many buckets of the present step have been begun.
  private var begun = 0
  /// The time that the network has stood still for the sums so far, which is that for slower ranks, too.
  private(set) var waiting = Duration.zero

  init(_ communicator: any Communicator, buckets: [Range<Int>]) {
    (self.communicator, self.buckets) = (communicator, buckets)
    memory = .allocate(capacity: communicator.size > 1 ? buckets.reduce(0) { max($0, $1.upperBound) } : 0)
  }

  deinit { memory.deallocate() }

  /// Begins to add up a bucket whose gradients are final on this rank.
  func begin(_ bucket: Range<Int>, _ gradients: ParameterSet) {
    guard communicator.size > 1 else { return }
    precondition(begun < buckets.count && buckets[begun] == bucket, "buckets out of order")
    let target = UnsafeMutableBufferPointer(rebasing: memory[bucket])
    gradients.values.withUnsafeBufferPointer { _ = target.update(fromContentsOf: $0[bucket]) }
    communicator.beginSum(target)
    begun += 1
  }

  /// Begins what was not begun yet, as on a rank that had no measured pixel, and waits for all.
  func finish(into gradients: inout ParameterSet) {
    guard communicator.size > 1 else { return }
    for bucket in buckets[begun...] { begin(bucket, gradients) }
    waiting += ContinuousClock().measure { communicator.finishSums() }
    begun = 0
    gradients.values.withUnsafeMutableBufferPointer { values in
      for bucket in buckets {
        _ = UnsafeMutableBufferPointer(rebasing: values[bucket]).update(fromContentsOf: memory[bucket])
      }
    }
  }
}
