import Foundation
import RadarIO

/// Something that happened while a folder was watched: one line of a log.
public struct WatchLine: Encodable, Sendable {
  /// What a line is about.
  public enum Event: String, Encodable, Sendable {
    /// The watch begins.
    case start
    /// A frame has come, or comes to its forecast now.
    case cycle
    /// Frames of the start that get no forecast.
    case skipped
    /// A file that cannot be used.
    case file
    /// The model was replaced, or a new one refused.
    case model
    /// No frame has come for long.
    case stale
    /// The folder is gone or back.
    case folder
    /// Something else that people should know.
    case warning
    /// The watch ends.
    case end
  }

  /// What came of a frame.
  public enum Status: String, Encodable, Sendable {
    /// Its forecast was made.
    case made
    /// Its forecast was made again, from frames that came late or were corrected.
    case remade
    /// There is a forecast from the same frames already.
    case unchanged
    /// Frames in front of it are missing, so there can be no forecast yet.
    case waiting
    /// The forecast could not be made or written.
    case failed
  }

  /// What it is about.
  public var event: Event
  /// When it was written: ISO 8601, UTC.
  public var time: String
  /// What came of the frame.
  public var status: Status?
  /// The time of the frame.
  public var referenceTime: String?
  /// The files of the input frames.
  public var inputs: [String]?
  /// The times of input frames that are missing.
  public var missing: [String]?
  /// Seconds from the moment the last input file was whole to that the forecast was; absent for frames of the start.
  public var latencySeconds: Double?
  /// Seconds that reading, forecasting and writing took.
  public var workSeconds: Double?
  /// The method.
  public var method: String?
  /// The model's file.
  public var model: String?
  /// Its SHA-256.
  public var modelSHA256: String?
  /// The share of the measured pixels of all lead times with 0.1 mm/h or more.
  public var rainShare: Double?
  /// The area with 0.1 mm/h or more in km², mean of all lead times; absent where the distance of pixels is not known.
  public var rainArea: Double?
  /// The largest rain rate of all lead times in mm/h.
  public var largestRainRate: Double?
  /// The forecast.
  public var output: String?
  /// A sentence for people.
  public var message: String?

  enum CodingKeys: String, CodingKey {
    case event, time, status, inputs, missing, method, model, output, message
    case referenceTime = "reference_time"
    case latencySeconds = "latency_seconds"
    case workSeconds = "work_seconds"
    case modelSHA256 = "model_sha256"
    case rainShare = "rain_share"
    case rainArea = "rain_area_km2"
    case largestRainRate = "largest_rain_rate_mm_h"
  }

  init(_ event: Event, _ message: String? = nil) {
    (self.event, self.message) = (event, message)
    // A millisecond of the clock that people read; what is measured is measured by one that nobody sets.
    time = TimeAxis.text((Date().timeIntervalSince1970 * 1000).rounded() / 1000)
  }

  /// As one line of JSON.
  public var json: String {
    get throws { String(decoding: try JSONText.encode(self, pretty: false), as: UTF8.self) }
  }

  /// Whether people should look at it.
  public var isWarning: Bool {
    switch event {
    case .start, .end, .model, .folder: false
    case .skipped, .file, .stale, .warning: true
    case .cycle: status == .failed
    }
  }

  /// For people.
  public var text: String {
    guard event == .cycle, let status else { return message ?? event.rawValue }
    var parts = [[referenceTime, status.rawValue].compactMap(\.self).joined(separator: "  ")]
    if let output, status == .made || status == .remade { parts.append(output) }
    if let latencySeconds { parts.append(String(format: "%.2f s after the frame", latencySeconds)) }
    if let rainShare, let largestRainRate {
      parts.append(String(format: "rain on %.1f %%, at most %.1f mm/h", 100 * rainShare, largestRainRate))
    }
    if let missing, !missing.isEmpty { parts.append("missing \(missing.joined(separator: " "))") }
    if let message { parts.append(message) }
    return parts.joined(separator: "  ")
  }
}
