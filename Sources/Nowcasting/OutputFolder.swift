import Foundation
import RadarIO

/// A folder for files that are named by their times.
public enum OutputFolder {
  /// Makes a folder and those above it, where they are not there yet.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`, also when it may not be written to.
  public static func make(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw NowcastError(
        .cannotCreate, "the folder cannot be made; is there a file of that name, or the one above not writable?",
        path: path)
    }
    guard access(path, W_OK | X_OK) == 0 else {
      throw NowcastError(
        .cannotCreate, "the folder cannot be written to (\(String(cString: strerror(errno)))).", path: path)
    }
  }

  /// A time as part of a file's name, such as `20201031T0450Z`: names in the order of time.
  public static func name(of time: Double) -> String { TimeAxis.text(time).filter { $0 != "-" && $0 != ":" } }
}
