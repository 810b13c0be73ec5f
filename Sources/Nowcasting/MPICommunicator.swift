#if MPI
  import CCPUInfo
  import CMPI
  import ConvKernels
  import Foundation

  /// The ranks of an MPI job.
  ///
  /// MPI libraries work on a sum only while they are called. So a thread of its own asks after those that were begun, and
  /// sleeps in between: the network needs the cores. `@unchecked Sendable`: everything that changes, and every call of
  /// MPI, goes through the lock.
  final class MPICommunicator: Communicator, @unchecked Sendable {
    let rank: Int
    let size: Int
    let sizeOnMachine: Int
    let coreCount: Int

    private let lock = NSLock()
    private let queue = DispatchQueue(label: "nowcast.sums")
    /// Sums that were begun and are not known to be done.
    private var requests: [MPI_Request?] = []
    private var isWatching = false

    /// How long the thread sleeps in microseconds: about what a message takes over a network.
    private static let pause: useconds_t = 50

    /// Joins the job.
    ///
    /// - Throws: ``NowcastError`` `internalError` where the library cannot be called from several threads in turn.
    init() throws {
      guard cmpi_start() != 0 else {
        throw NowcastError(
          .internalError, "this MPI library cannot be called from several threads in turn (MPI_THREAD_SERIALIZED).")
      }
      (rank, size) = (Int(cmpi_rank()), Int(cmpi_size()))
      // A launcher may bind each rank to cores of its own, or let all of them use all.
      var allowed = [Int32](repeating: 0, count: 4096)
      cpu_info_allowed_cores(&allowed, Int32(allowed.count))
      var users = allowed
      sizeOnMachine = Int(cmpi_sum_on_machine(&users, Int32(users.count)))
      let share = zip(allowed, users).reduce(0.0) { $1.0 > 0 ? $0 + 1 / Double($1.1) : $0 }
      coreCount = max(1, share > 0 ? Int(share + 1e-9) : WorkerPool.coreCount / sizeOnMachine)
    }

    func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {
      guard let base = values.baseAddress else { return }
      lock.withLock {
        var request: MPI_Request?
        cmpi_begin_sum(base, Self.count(values.count), &request)
        requests.append(request)
        guard !isWatching else { return }
        isWatching = true
        queue.async { self.watch() }
      }
    }

    /// Works on the sums until there are none.
    private func watch() {
      while lock.withLock({
        if !requests.isEmpty, cmpi_test(&requests, Int32(requests.count)) != 0 { requests = [] }
        isWatching = !requests.isEmpty
        return isWatching
      }) { usleep(Self.pause) }
    }

    func finishSums() {
      lock.withLock {
        if !requests.isEmpty { cmpi_wait(&requests, Int32(requests.count)) }
        requests = []
      }
    }

    func sum(_ values: inout [Double]) { lock.withLock { cmpi_sum_doubles(&values, Self.count(values.count)) } }

    func broadcast(_ bytes: [UInt8]) -> [UInt8] {
      var result = bytes
      lock.withLock {
        var count = UInt64(bytes.count)
        cmpi_broadcast(&count, Int32(MemoryLayout<UInt64>.size))
        if rank > 0 { result = [UInt8](repeating: 0, count: Int(count)) }
        cmpi_broadcast(&result, Self.count(result.count))
      }
      return result
    }

    func gather(_ bytes: [UInt8]) -> [[UInt8]] {
      lock.withLock {
        var count = UInt64(bytes.count)
        let header = Int32(MemoryLayout<UInt64>.size)
        guard rank == 0 else {
          cmpi_send(&count, header, 0)
          cmpi_send(bytes, Self.count(bytes.count), 0)
          return []
        }
        return [bytes]
          + (1..<size).map { other in
            cmpi_receive(&count, header, Int32(other))
            var theirs = [UInt8](repeating: 0, count: Int(count))
            cmpi_receive(&theirs, Self.count(theirs.count), Int32(other))
            return theirs
          }
      }
    }

    func end() { lock.withLock { cmpi_end() } }

    func abort(status: Int32) { lock.withLock { cmpi_abort(status) } }

    /// MPI counts in 32 bits.
    private static func count(_ count: Int) -> Int32 {
      guard let count = Int32(exactly: count) else { preconditionFailure("\(count) elements in one message") }
      return count
    }
  }
#endif
