import CRadarShim

/// The memory of this process.
public enum ProcessMemory {
  /// Gives back to the system what was freed: in a process that goes on for months and takes large buffers again and
  /// again, what the allocator keeps in pieces would grow.
  public static func giveBack() { radar_return_memory() }
}
