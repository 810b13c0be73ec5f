import Foundation

/// Makes the next batch while the network works on the present one, so that training does not wait for files.
///
/// What a batch holds depends on epoch and number alone, so the results are those without it.
final class BatchPrefetch {
  /// A batch that is being made.
  ///
  /// `@unchecked Sendable`: the result is written before the semaphore is raised, and read after.
  private final class Pending: @unchecked Sendable {
    let epoch: Int
    let number: Int
    let done = DispatchSemaphore(value: 0)
    var result: Result<Sampler.Batch, any Error>?

    init(epoch: Int, number: Int) { (self.epoch, self.number) = (epoch, number) }
  }

  private let sampler: Sampler
  private let share: BatchShare
  private let queue = DispatchQueue(label: "nowcast.batches")
  private var pending: Pending?

  init(_ sampler: Sampler, share: BatchShare = .whole) { (self.sampler, self.share) = (sampler, share) }

  /// This rank's share of a batch of an epoch; that of the one after it is begun.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  func batch(epoch: Int, number: Int) throws -> Sampler.Batch {
    var batch: Sampler.Batch?
    if let pending, pending.epoch == epoch, pending.number == number {
      pending.done.wait()
      batch = try pending.result?.get()
    }
    let result = try batch ?? sampler.batch(epoch: epoch, number: number, share: share)
    let isLast = number + 1 == sampler.batchesPerEpoch
    let next = Pending(epoch: isLast ? epoch + 1 : epoch, number: isLast ? 0 : number + 1)
    pending = next
    queue.async { [sampler, share] in
      next.result = Result { try sampler.batch(epoch: next.epoch, number: next.number, share: share) }
      next.done.signal()
    }
    return result
  }
}
