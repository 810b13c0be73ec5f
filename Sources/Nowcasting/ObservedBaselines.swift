import ConvKernels
import RadarIO
import Tensor
import Verification

/// The baselines beside forecasts that were made elsewhere: from the observed frames up to their reference times.
final class ObservedBaselines {
  private let baselines: [Baseline]
  private let pool: WorkerPool
  /// The fields that could not be made, by reference and lead time: they may be asked for again.
  private(set) var absent: [Baseline: Set<[Double]>] = [:]
  /// The forecasts from the last reference time asked for, as far as they were needed.
  private var made: (sequence: String, start: Int, forecasts: [Baseline: Tensor])?

  init(_ baselines: [Baseline], pool: WorkerPool) {
    self.baselines = baselines
    self.pool = pool
  }

  /// The field of every baseline that can be made, `[h, w]` in mm/h, some time after an observed frame.
  ///
  /// - Parameters:
  ///   - origin: the frame of the reference time; `nil` where there is none.
  ///   - reference: the reference time, in seconds since 1970.
  ///   - seconds: the lead time.
  /// - Throws: `RadarError` when a frame cannot be read any more.
  func fields(
    from origin: (sequence: FrameSequence, frame: Int)?, reference: Double, seconds: Double
  ) throws -> [ScoredForecast] {
    var fields: [ScoredForecast] = []
    for baseline in baselines {
      if let origin, let field = try field(baseline, origin.sequence, origin.frame, seconds: seconds) {
        fields.append(ScoredForecast(method: baseline.rawValue, field: field))
      } else {
        absent[baseline, default: []].insert([reference, seconds])
      }
    }
    return fields
  }

  private func field(
    _ baseline: Baseline, _ sequence: FrameSequence, _ start: Int, seconds: Double
  ) throws -> Tensor? {
    guard baseline != .persistence else { return try sequence.rainRate(at: start) }
    guard start + 1 >= baseline.fewestFrames, sequence.stepSeconds > 0 else { return nil }
    let steps = seconds / sequence.stepSeconds
    // As clocks may be off when frames are read.
    guard steps >= 0.5, steps < 1000.5, abs(steps - steps.rounded()) * sequence.stepSeconds <= 30 else { return nil }
    let lead = Int(steps.rounded())
    if made?.sequence != sequence.name || made?.start != start { made = (sequence.name, start, [:]) }
    if let forecast = made?.forecasts[baseline], forecast.shape[0] >= lead { return forecast.part(lead - 1) }
    let input = try sequence.rainRate(of: max(0, start + 1 - baseline.inputFrames)..<start + 1)
    // The next lead times are likely to be asked for, too.
    let forecast = baseline.forecast(input, leadFrames: max(lead, 12), pool: pool)
    made?.forecasts[baseline] = forecast
    return forecast.part(lead - 1)
  }

  /// Adds what could not be made elsewhere.
  func add(absent other: [Baseline: Set<[Double]>]) { absent.merge(other) { $0.union($1) } }

  /// Sentences on what could not be made.
  var notes: [String] {
    baselines.compactMap { baseline in
      absent[baseline].map(\.count).map { count in
        let frames = baseline.fewestFrames
        let reason =
          frames == 1
          ? "no observed frame has the reference time"
          : "it needs \(frames) observed frames up to the reference time, and lead times of whole steps"
        return "\(baseline.rawValue) is not scored at \(count) forecast times: \(reason)"
      }
    }
  }
}
