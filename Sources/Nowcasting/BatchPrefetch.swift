import Foundation

/// Makes the next batches while the network works on the present one, so that training does not wait for files.
///
/// What a batch holds depends on epoch and number alone, so the results are those without it.
final class BatchPrefetch {
  /// A batch that is being made, or waits to be.
  ///
  /// `@unchecked Sendable`: the result is written before the semaphore is raised, and read after.
  private final class Pending: @unchecked Sendable {
    let epoch: Int
    let number: Int
    let done = DispatchSemaphore(value: 0)
    var result: Result<Sampler.Batch, any Error>?

    init(epoch: Int, number: Int) { (self.epoch, self.number) = (epoch, number) }
  }

  /// Whether what was begun is still wanted.
  ///
  /// `@unchecked Sendable`: the flag goes through the lock.
  private final class Course: @unchecked Sendable {
    private let lock = NSLock()
    private var isLeft = false

    var isOver: Bool { lock.withLock { isLeft } }
    func leave() { lock.withLock { isLeft = true } }
  }

  /// The most batches that are made ahead: some windows lie in files of which nothing is in memory, and while one of those
  /// is read, the network goes on with what is ready.
  private static let mostAhead = 8
  private static let mostBytes = 256e6

  /// How many batches are made ahead, if one takes so many bytes.
  static func ahead(batchBytes: Double) -> Int { max(1, min(mostAhead, Int(mostBytes / max(batchBytes, 1)))) }

  private let sampler: Sampler
  private let share: BatchShare
  private let ahead: Int
  private let queue = DispatchQueue(label: "nowcast.batches")
  /// In the order in which they will be asked for.
  private var pending: [Pending] = []
  private var course = Course()

  init(_ sampler: Sampler, share: BatchShare = .whole) {
    (self.sampler, self.share) = (sampler, share)
    ahead = BatchPrefetch.ahead(batchBytes: sampler.batchBytes(samples: share.positions(sampler.batchSize).count))
  }

  deinit { forget() }

  /// This rank's share of a batch of an epoch; those after it are begun.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more.
  func batch(epoch: Int, number: Int) throws -> Sampler.Batch {
    if pending.first.map({ $0.epoch != epoch || $0.number != number }) ?? true {
      forget()
      begin(epoch: epoch, number: number)
    }
    let present = pending.removeFirst()
    var last = pending.last ?? present
    while pending.count < ahead {
      let endsEpoch = last.number + 1 == sampler.batchesPerEpoch
      last = begin(epoch: endsEpoch ? last.epoch + 1 : last.epoch, number: endsEpoch ? 0 : last.number + 1)
    }
    present.done.wait()
    guard let result = present.result else { preconditionFailure("a batch is there once it is told to be") }
    return try result.get()
  }

  @discardableResult private func begin(epoch: Int, number: Int) -> Pending {
    let next = Pending(epoch: epoch, number: number)
    pending.append(next)
    queue.async { [sampler, share, course] in
      guard !course.isOver else { return }
      next.result = Result { try sampler.batch(epoch: next.epoch, number: next.number, share: share) }
      next.done.signal()
    }
    return next
  }

  /// Gives up what was not begun and will not be asked for.
  private func forget() {
    course.leave()
    (pending, course) = ([], Course())
  }
}
