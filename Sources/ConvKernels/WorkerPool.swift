import CCPUInfo
import KernelInterface
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that run the numbered tasks of one loop at a time.
///
/// The caller works too, and a run is over when all *tasks* are done, not when all workers have reported: a worker that
/// the system keeps from running holds nothing up unless it is in the middle of a task. Workers spin briefly between
/// runs, then sleep. Which thread runs which task is open, so a task must not depend on another one; then the result
/// is the same for any number of threads.
public final class WorkerPool: Sendable {
  /// How many threads work on a run, the caller included.
  public let threadCount: Int
  /// The instructions that its work is done with.
  public let instructionSet: InstructionSet
  let kernels: KernelTable
  private let shared = Shared()
  private let scratch = Scratch()

  /// Starts a pool in which `threadCount` threads, the caller of ``run(tasks:_:)`` included, work together.
  ///
  /// - Precondition: `threadCount` is positive, and the processor has the instructions.
  public init(threadCount: Int = WorkerPool.coreCount, instructionSet: InstructionSet = .standard) {
    precondition(threadCount > 0, "a pool needs at least one thread")
    self.threadCount = threadCount
    self.instructionSet = instructionSet
    kernels = instructionSet.kernels
    for _ in 1..<max(threadCount, 1) { shared.startWorker() }
  }

  deinit { shared.stop() }

  /// The number of processors that this process may use.
  public static var coreCount: Int { Int(cpu_info_core_count()) }

  /// Calls `body` with every number in `0..<tasks`, on several threads, and returns when all calls have returned.
  ///
  /// While the pool is busy with another caller's run, the tasks are run on the calling thread alone.
  public func run(tasks: Int, _ body: (Int) -> Void) {
    precondition(tasks >= 0 && tasks < Shared.maximumTasks, "\(tasks) tasks in one run")
    guard threadCount > 1, tasks > 1, shared.tryBeginRun() else {
      for task in 0..<tasks { body(task) }
      return
    }
    shared.run(tasks: tasks, body)
    shared.endRun()
  }

  /// Sets a buffer to zero, all threads together: where the memory is new, that is also how it gets its pages.
  public func clear(_ buffer: AlignedBuffer) {
    let share = 1 << 18
    run(tasks: (buffer.count + share - 1) / share) { task in
      (buffer.pointer + task * share).update(repeating: 0, count: min(share, buffer.count - task * share))
    }
  }

  /// Calls `body` with memory for `count` floats of any content, which goes back to the pool afterwards.
  ///
  /// Fresh memory would cost a page fault every 4 KB, more than the work that some tasks do with it.
  func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
    let buffer = scratch.take(count)
    body(buffer.pointer)
    scratch.giveBack(buffer, most: 3 * threadCount)
  }
}

/// Memory that tasks have used and others can use again.
///
/// A mutex of the C library, not that of `Synchronization`: the thread sanitizer does not see what the latter orders, and
/// would report every buffer that goes from one thread to another.
private final class Scratch: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var buffers: [AlignedBuffer] = []

  init() { pthread_mutex_init(mutex, nil) }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func take(_ count: Int) -> AlignedBuffer {
    pthread_mutex_lock(mutex)
    let kept = buffers.lastIndex { $0.count >= count }.map { buffers.remove(at: $0) }
    pthread_mutex_unlock(mutex)
    return kept ?? AlignedBuffer(uninitialized: count)
  }

  func giveBack(_ buffer: AlignedBuffer, most: Int) {
    pthread_mutex_lock(mutex)
    buffers.append(buffer)
    // The smallest goes when there are more than all threads can use at once.
    if buffers.count > most, let least = buffers.indices.min(by: { buffers[$0].count < buffers[$1].count }) {
      buffers.remove(at: least)
    }
    pthread_mutex_unlock(mutex)
  }
}

/// What the caller and the workers share. The workers keep it alive, not the pool.
private final class Shared: @unchecked Sendable {
  static let maximumTasks = 1 << 32
  /// Loads of the job word before a waiting thread goes to sleep: some tens of microseconds.
  private static let spins = 4000

  /// The run's number (upper half) and how many of its tasks nobody has taken yet (lower half). Taking a task is one
  /// compare-and-exchange, so a worker that was late for a run can't take a task of the next one by mistake.
  private let job = Atomic<UInt64>(0)
  private let finished = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  /// Written before the job is published and read after a task was taken, while the run can't end.
  private var tasks = 0
  private var body: ((Int) -> Void)?

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let workAvailable = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let runFinished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(workAvailable, nil)
    pthread_cond_init(runFinished, nil)
  }

  deinit {
    pthread_cond_destroy(runFinished)
    pthread_cond_destroy(workAvailable)
    pthread_mutex_destroy(mutex)
    runFinished.deallocate()
    workAvailable.deallocate()
    mutex.deallocate()
  }

  func tryBeginRun() -> Bool {
    busy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
  }

  func endRun() { busy.store(false, ordering: .releasing) }

  func run(tasks: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.tasks = tasks
      self.body = body
      finished.store(0, ordering: .relaxed)
      let number = (job.load(ordering: .relaxed) >> 32) &+ 1
      job.store(number << 32 | UInt64(tasks), ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        locked { _ = pthread_cond_broadcast(workAvailable) }
      }
      while takeAndRunTask() {}
      waitForTasks(tasks)
      self.body = nil
    }
  }

  /// Takes one task, if there is one left, and runs it.
  private func takeAndRunTask() -> Bool {
    var word = job.load(ordering: .acquiring)
    while word & 0xFFFF_FFFF > 0 {
      let (taken, seen) = job.weakCompareExchange(
        expected: word, desired: word - 1, ordering: .acquiringAndReleasing)
      if taken {
        let tasks = self.tasks
        call(tasks - Int(word & 0xFFFF_FFFF))
        if finished.add(1, ordering: .sequentiallyConsistent).newValue == tasks,
          callerSleeps.load(ordering: .sequentiallyConsistent)
        {
          locked { _ = pthread_cond_signal(runFinished) }
        }
        return true
      }
      word = seen
    }
    return false
  }

  /// Runs one task. A function of its own, and never inlined, so that this thread has let go of the closure before the
  /// task counts as finished: the caller's frame, in which the closure lives, may end right then.
  @inline(never)
  private func call(_ task: Int) { body?(task) }

  private func waitForTasks(_ tasks: Int) {
    for _ in 0..<Self.spins {
      if finished.load(ordering: .acquiring) == tasks { return }
      cpu_info_pause()
    }
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    locked {
      while finished.load(ordering: .sequentiallyConsistent) != tasks { pthread_cond_wait(runFinished, mutex) }
    }
    callerSleeps.store(false, ordering: .sequentiallyConsistent)
  }

  func startWorker() {
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    // Where the system has no thread to give, the caller does the work alone: slower, and not wrong.
    let retained = Unmanaged.passRetained(self)
    let status = pthread_create(&thread, nil, runWorker, retained.toOpaque())
    if status != 0 {
      retained.release()
    } else if let handle = Optional(thread) {
      pthread_detach(handle)
    }
  }

  fileprivate func work() {
    while !stopping.load(ordering: .acquiring) {
      if takeAndRunTask() { continue }
      var waited = 0
      while waited < Self.spins && !hasWork {
        cpu_info_pause()
        waited += 1
      }
      if waited == Self.spins { sleep() }
    }
  }

  private var hasWork: Bool {
    job.load(ordering: .sequentiallyConsistent) & 0xFFFF_FFFF > 0 || stopping.load(ordering: .sequentiallyConsistent)
  }

  private func sleep() {
    sleepers.add(1, ordering: .sequentiallyConsistent)
    locked {
      while !hasWork { pthread_cond_wait(workAvailable, mutex) }
    }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
  }

  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    locked { _ = pthread_cond_broadcast(workAvailable) }
  }

  private func locked(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_mutex_unlock(mutex)
  }
}

#if canImport(Glibc)
  private func runWorker(_ shared: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let shared { Unmanaged<Shared>.fromOpaque(shared).takeRetainedValue().work() }
    return nil
  }
#else
  private func runWorker(_ shared: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<Shared>.fromOpaque(shared).takeRetainedValue().work()
    return nil
  }
#endif
