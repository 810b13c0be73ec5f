import Advection
import ConvKernels
import Foundation
import RadarIO
import Tensor

/// A way to forecast without a model: what every model has to beat.
public enum Baseline: String, Sendable, CaseIterable, Codable {
  /// Eulerian persistence: nothing moves and nothing changes.
  case persistence
  /// Lagrangian persistence: the last frame is carried along its motion and does not change otherwise.
  case advection
  /// S-PROG: as advection, and what is too small to live that long fades on the way.
  case sprog

  /// Those that forecasts are compared with unless others are named.
  public static let standard: [Baseline] = [.persistence, .advection]

  /// The input frames that it uses, where there are so many.
  public var inputFrames: Int {
    switch self {
    case .persistence: 1
    case .advection: OpticalFlow.standardFrames
    case .sprog: SpectralPrognosis.frames
    }
  }

  /// The fewest input frames that will do.
  public var fewestFrames: Int {
    switch self {
    case .persistence: 1
    case .advection: OpticalFlow.fewestFrames
    case .sprog: SpectralPrognosis.frames
    }
  }

  /// The frames that follow the last of some frames.
  ///
  /// Advection and S-PROG leave a pixel missing where none of the frames that they use measured, and where the rain would
  /// come from what the last frame did not measure. The result is the same for any number of threads.
  ///
  /// - Parameter rainRate: `[t, h, w]` in mm/h, NaN where missing; the last ``inputFrames`` are used.
  /// - Returns: `[leadFrames, h, w]` in mm/h.
  /// - Precondition: there are at least ``fewestFrames``.
  public func forecast(_ rainRate: Tensor, leadFrames: Int, pool: WorkerPool) -> Tensor {
    let count = rainRate.shape[0]
    precondition(count >= fewestFrames, "\(self) from \(count) frames")
    let last = rainRate.part(count - 1)
    switch self {
    case .persistence:
      var result = Tensor(uninitialized: [leadFrames] + last.shape)
      result.withUnsafeMutableBufferPointer { target in
        last.withUnsafeBufferPointer { source in
          guard let from = source.baseAddress, let to = target.baseAddress else { return }
          for lead in 0..<leadFrames { (to + lead * source.count).update(from: from, count: source.count) }
        }
      }
      return result
    case .advection, .sprog:
      let frames = rainRate.parts(max(0, count - inputFrames)..<count)
      let motion = OpticalFlow().motion(of: frames, pool: pool)
      var result =
        self == .sprog
        ? SpectralPrognosis().forecast(frames, along: motion, steps: leadFrames, pool: pool)
        : SemiLagrangian.extrapolate(last, along: motion, steps: leadFrames, pool: pool)
      result.removeUnmeasured(in: frames)
      return result
    }
  }
}

extension Baseline {
  /// The lead frames where nobody says how many: those of an hour.
  public static func leadFrames(stepSeconds: Double) -> Int { min(max(Int((3600 / stepSeconds).rounded()), 1), 1000) }

  /// Checks that there are enough frames for a forecast, and that they tell their time step.
  ///
  /// - Throws: ``NowcastError`` `unusable`.
  public func requireEnoughFrames(_ sequence: FrameSequence) throws {
    // A time step takes two frames, unless a single frame is known to be one of many.
    let needed = max(fewestFrames, 2)
    guard sequence.count < fewestFrames || sequence.stepSeconds <= 0 else { return }
    let reason =
      switch self {
      case .persistence: "the time step"
      case .advection: "the motion"
      case .sprog: "how long rain lives"
      }
    throw NowcastError(
      .unusable,
      "\(rawValue) needs \(needed) frames in a row to know \(reason), but there \(sequence.count == 1 ? "is" : "are") only "
        + "\(sequence.count) without a gap.",
      path: sequence.source.files.first)
  }

  /// The method and its numbers, for the `source` of a forecast.
  public var summary: String {
    switch self {
    case .persistence: "persistence of the last frame"
    case .advection: "advection of the last frame along its motion (optical flow, semi-Lagrangian)"
    case .sprog: "S-PROG, spectral prognosis in levels of scale along the motion (optical flow, semi-Lagrangian)"
    }
  }

  /// The numbers that its forecasts depend on, from a number of frames, for the metadata of a forecast.
  public func parameters(frames: Int) -> String {
    switch self {
    case .persistence: "frames=1"
    case .advection: "frames=\(min(frames, inputFrames)) \(OpticalFlow().summary)"
    case .sprog: "frames=\(inputFrames) \(SpectralPrognosis().summary) \(OpticalFlow().summary)"
    }
  }

  /// Where it is described.
  public var references: String? {
    switch self {
    case .persistence: nil
    case .sprog:
      "Seed 2003, A dynamic and spatial scaling approach to advection forecasting, "
        + "https://doi.org/10.1175/1520-0450(2003)042%3C0381:ADASSA%3E2.0.CO;2; "
        + (Baseline.advection.references ?? "")
    case .advection:
      "Bruhn, Weickert and Schnoerr 2005, Lucas/Kanade meets Horn/Schunck, https://doi.org/10.1023/B:VISI.0000045324.43199.43; "
        + "Germann and Zawadzki 2002, Scale-dependence of the predictability of precipitation, "
        + "https://doi.org/10.1175/1520-0493(2002)130%3C2859:SDOTPO%3E2.0.CO;2"
    }
  }

  /// Why pixels are missing, for the `comment` of a forecast.
  public var missing: String {
    switch self {
    case .persistence: "Missing where the last input frame did not measure."
    case .advection, .sprog:
      "Missing where none of the input frames measured, and where rain would come from what the last one did not measure."
    }
  }
}

extension Tensor {
  /// Makes missing, in every image of `[…, h, w]`, the pixels that none of some frames `[t, h, w]` measured.
  mutating func removeUnmeasured(in frames: Tensor) {
    let pixels = frames.shape[1] * frames.shape[2]
    var isMeasured = [Bool](repeating: false, count: pixels)
    frames.withUnsafeBufferPointer { values in
      for frame in 0..<frames.shape[0] {
        for pixel in 0..<pixels where !values[frame * pixels + pixel].isNaN { isMeasured[pixel] = true }
      }
    }
    withUnsafeMutableBufferPointer { values in
      for frame in 0..<values.count / pixels {
        for pixel in 0..<pixels where !isMeasured[pixel] { values[frame * pixels + pixel] = .nan }
      }
    }
  }
}
