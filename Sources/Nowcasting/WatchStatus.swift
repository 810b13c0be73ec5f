import Foundation
import RadarIO

/// How a watch stands, for monitoring: the content of `status.json` in the folder of the forecasts.
public struct WatchStatus: Encodable, Sendable {
  /// In short.
  public enum State: String, Encodable, Sendable {
    /// It began, and no forecast was made yet.
    case starting
    /// The last forecast was made, and frames come.
    case ok
    /// No frame has come for long.
    case stale
    /// The watched folder is gone or cannot be read.
    case folderMissing = "folder_missing"
    /// The last forecast could not be made or written; it is tried again.
    case failing
    /// It ended, as it was told to.
    case ended
  }

  /// A forecast.
  public struct Made: Encodable, Sendable {
    /// The time of its last input frame: ISO 8601, UTC.
    public var referenceTime: String
    /// The file.
    public var output: String
    /// Seconds from the moment the last input file was whole; absent for frames of the start.
    public var latencySeconds: Double?
  }

  /// In short.
  public var state = State.starting
  /// When this was written: ISO 8601, UTC. At least once a minute, so that a watch that is gone is noticed.
  public var updated = ""
  /// When the watch began: ISO 8601, UTC.
  public var started = ""
  /// The process.
  public var process = ProcessInfo.processInfo.processIdentifier
  /// The version of nowcast.
  public var version = nowcastVersion
  /// The watched folder.
  public var folder: String
  /// How forecasts are made.
  public var method: String
  /// The model's file.
  public var modelFile: String?
  /// Its SHA-256.
  public var modelSha256: String?
  /// The time of the newest frame: ISO 8601, UTC.
  public var newestFrame: String?
  /// Seconds from that time to now by the machine's clock.
  public var newestFrameAgeSeconds: Double?
  /// Seconds since a frame came that was newer than all before it, by a clock that nobody sets.
  public var secondsSinceNewFrame: Double?
  /// The forecast that was made last.
  public var lastForecast: Made?
  /// Forecasts that were made since the start.
  public var forecastsMade = 0
  /// Attempts that failed since the start.
  public var forecastsFailed = 0
  /// Frames whose forecast is still to be made.
  public var forecastsDue = 0
  /// Files that are there and cannot be used.
  public var unusableFiles = 0
  /// What went wrong last.
  public var lastError: String?
  /// Bytes of memory that the process has; absent where the system does not tell.
  public var residentBytes: Int?
  /// Files that the process has open; absent where the system does not tell.
  public var openFiles: Int?

  /// The name of its file.
  public static let fileName = "status.json"

  init(folder: String, method: ForecastMethod) {
    (self.folder, self.method) = (folder, method.rawValue)
    started = WatchStatus.now
  }

  static var now: String { TimeAxis.text(Date().timeIntervalSince1970.rounded()) }

  /// Writes it into a folder, whole or not at all.
  ///
  /// - Throws: `RadarError` `cannotCreate` or `writeFailed`.
  mutating func write(in folder: String) throws {
    updated = WatchStatus.now
    #if os(Linux)
      let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
      residentBytes = pages.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * Int(getpagesize()) }
      openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count
    #endif
    try AtomicOutput.write(
      try JSONText.encode(self, pretty: true), to: folder + "/" + WatchStatus.fileName, overwrite: true)
  }
}
