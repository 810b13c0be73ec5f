import ConvKernels
import Foundation
import Testing

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyTaskRunsOnce(threads: Int) {
    let pool = WorkerPool(threadCount: threads)
    for tasks in [0, 1, 2, 7, 1000] {
      let runs = Counters(count: tasks)
      pool.run(tasks: tasks) { runs.add($0) }
      #expect(runs.values == [Int](repeating: 1, count: tasks))
    }
  }

  /// Thousands of short runs in a row: a worker that is late for a run must not touch the next one.
  @Test func shortRunsFollowEachOther() {
    let pool = WorkerPool(threadCount: 4)
    for round in 0..<5000 {
      let runs = Counters(count: 5)
      pool.run(tasks: 5) { runs.add($0) }
      guard runs.values == [1, 1, 1, 1, 1] else {
        Issue.record("round \(round): \(runs.values)")
        return
      }
    }
  }

  @Test func severalCallersShareAPool() async {
    let pool = WorkerPool(threadCount: 3)
    await withTaskGroup(of: [Int].self) { group in
      for _ in 0..<8 {
        group.addTask {
          let runs = Counters(count: 200)
          for _ in 0..<20 { pool.run(tasks: 200) { runs.add($0) } }
          return runs.values
        }
      }
      for await values in group { #expect(values == [Int](repeating: 20, count: 200)) }
    }
  }
}

/// With a lock of Foundation: the thread sanitizer does not see what that of `Synchronization` orders.
private final class Counters: @unchecked Sendable {
  private let lock = NSLock()
  private var storage: [Int]
  init(count: Int) { storage = [Int](repeating: 0, count: count) }
  func add(_ index: Int) { lock.withLock { storage[index] += 1 } }
  var values: [Int] { lock.withLock { storage } }
}
