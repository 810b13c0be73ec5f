/// The part of every batch that one of several ranks takes: neighbouring positions, as many on each.
///
/// Together the ranks take the crops that one process would take, each of them once.
struct BatchShare: Sendable, Equatable {
  var rank = 0
  var size = 1

  /// All of every batch.
  static let whole = BatchShare()

  init() {}

  /// - Throws: ``NowcastError`` `usage` where a batch cannot be divided evenly.
  init(_ communicator: any Communicator, batchSize: Int) throws {
    (rank, size) = (communicator.rank, communicator.size)
    guard batchSize % size == 0 else {
      throw NowcastError(
        .usage,
        "--batch-size is \(batchSize), the batch of all ranks together, and cannot be divided evenly among \(size); take "
          + "\(max(batchSize / size, 1) * size) or another number of ranks.")
    }
  }

  /// The positions within a batch.
  func positions(_ batchSize: Int) -> Range<Int> { rank * batchSize / size..<(rank + 1) * batchSize / size }
}
