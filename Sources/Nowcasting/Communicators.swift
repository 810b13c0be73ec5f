import Foundation

/// How a process finds those that it works with.
public enum Communicators {
  /// The ranks of the job in which `mpirun` or `srun` started this process, or this process alone.
  ///
  /// - Throws: ``NowcastError`` `usage` in a job, where the program was built without MPI, `internalError` where the MPI
  ///   library cannot do what is needed.
  public static func start() throws -> any Communicator { try start(ProcessInfo.processInfo.environment) }

  static func start(_ environment: [String: String]) throws -> any Communicator {
    guard isInJob(environment) else { return SingleProcess() }
    #if MPI
      let communicator = try MPICommunicator()
      MemoryNeed.share(among: communicator.sizeOnMachine)
      return communicator
    #else
      throw NowcastError(
        .usage,
        "this process was started as one of several by MPI, but nowcast was built without it; build with --traits MPI.")
    #endif
  }

  /// Whether there is something for this process to join; starting MPI without would look for a daemon, and wait.
  private static func isInJob(_ environment: [String: String]) -> Bool {
    #if MPI
      return ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"].contains { environment[$0] != nil }
    #else
      // Alone it may as well work alone.
      return ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].contains { environment[$0].flatMap(Int.init) ?? 1 > 1 }
    #endif
  }
}
