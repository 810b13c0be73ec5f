import Nowcasting

/// The processes that this one works with, and how they end together.
enum Job {
  /// `nil` before there is one. `nonisolated(unsafe)`: it is set once, by the main thread, before others are started.
  nonisolated(unsafe) private static var communicator: (any Communicator)?

  /// This process's number among them.
  static var rank: Int { communicator?.rank ?? 0 }

  /// Joins the job that this process was started in.
  ///
  /// - Throws: `NowcastError`, as `Communicators.start()`.
  static func join() throws -> any Communicator {
    let joined = try Communicators.start()
    communicator = joined
    return joined
  }

  /// Leaves it, when all is done.
  static func end() { communicator?.end() }

  /// Tells people of an error, once, and ends the job; what all ranks know of is told by rank 0, and none has to be ended.
  ///
  /// - Returns: the exit status.
  static func fail(_ error: any Error) -> Int32 {
    let told = NowcastError(any: error)
    let isShared = error is SharedError
    if !isShared || rank == 0 {
      Console.complain((isShared || rank == 0 ? "" : "rank \(rank): ") + told.description)
    }
    if isShared { end() } else { communicator?.abort(status: told.exitStatus) }
    return told.exitStatus
  }
}
