import Foundation

@testable import Nowcasting

/// Ranks that are threads of this process: what `mpirun` starts, in a test.
final class ThreadRanks: @unchecked Sendable {
  let size: Int
  private let condition = NSCondition()
  private var given: [Any?]
  private var arrived = 0
  private var taken: [Any] = []
  private var round = 0

  private init(_ size: Int) {
    self.size = size
    given = [Any?](repeating: nil, count: size)
  }

  /// Runs `body` on every rank, and returns what it gave, in the order of the ranks.
  static func run<T>(
    _ size: Int, _ body: @escaping (any Communicator) throws -> T
  ) -> [Result<T, any Error>] {
    let ranks = ThreadRanks(size)
    let ended = DispatchSemaphore(value: 0)
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) var results = [Result<T, any Error>?](repeating: nil, count: size)
    for rank in 0..<size {
      Thread {
        let result = Result { try body(ThreadRank(ranks, rank)) }
        ranks.condition.withLock { results[rank] = result }
        ended.signal()
      }.start()
    }
    for _ in 0..<size { ended.wait() }
    return results.compactMap(\.self)
  }

  /// Gives one's own value and takes those of all ranks, when all have given theirs.
  fileprivate func exchange<T>(_ rank: Int, _ value: T) -> [T] {
    condition.withLock {
      given[rank] = value
      arrived += 1
      let own = round
      if arrived == size {
        (taken, arrived, round) = (given.compactMap(\.self), 0, round + 1)
        condition.broadcast()
      }
      // A rank that makes another call, or none, would have the others wait for ever.
      let end = Date(timeIntervalSinceNow: 120)
      while round == own { precondition(condition.wait(until: end), "rank \(rank) waits for the others in vain") }
      guard let values = taken as? [T] else { preconditionFailure("the ranks make different calls") }
      return values
    }
  }
}

private final class ThreadRank: Communicator {
  private let ranks: ThreadRanks
  let rank: Int

  init(_ ranks: ThreadRanks, _ rank: Int) { (self.ranks, self.rank) = (ranks, rank) }

  var size: Int { ranks.size }
  var sizeOnMachine: Int { ranks.size }
  var coreCount: Int { 1 }

  func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {
    let all = ranks.exchange(rank, Array(values))
    for index in values.indices { values[index] = all.reduce(0) { $0 + $1[index] } }
  }

  func finishSums() {}

  func sum(_ values: inout [Double]) {
    let all = ranks.exchange(rank, values)
    for index in values.indices { values[index] = all.reduce(0) { $0 + $1[index] } }
  }

  func broadcast(_ bytes: [UInt8]) -> [UInt8] { ranks.exchange(rank, bytes)[0] }

  func gather(_ bytes: [UInt8]) -> [[UInt8]] {
    let all = ranks.exchange(rank, bytes)
    return rank == 0 ? all : []
  }

  func end() {}
  func abort(status: Int32) {}
}
