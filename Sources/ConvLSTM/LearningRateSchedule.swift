#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How the learning rate changes from update to update, as a factor of the rate asked for. The formulas are those of
/// PyTorch's schedulers with their defaults.
public struct LearningRateSchedule: Sendable, Equatable {
  /// The course.
  public enum Course: Sendable, Equatable {
    /// Always 1.
    case constant
    /// Half a cosine from 1 to 0 over `updates` (Loshchilov and Hutter 2017, without restarts).
    case cosine(updates: Int)
    /// Times `factor` after every `updates`.
    case step(updates: Int, factor: Double)
    /// In `updates`: from 1/25 up to 1 in the first three tenths, and down to 1/250000, both along a cosine (Smith and
    /// Topin 2019).
    case oneCycle(updates: Int)
  }

  /// The course.
  public let course: Course
  /// Over this many updates the factor rises in even steps, beside the course.
  public let warmUp: Int

  /// A schedule.
  public init(_ course: Course, warmUp: Int = 0) {
    self.course = course
    self.warmUp = warmUp
  }

  /// The factor of an update, counted from 0. After the end of a course its last one stays.
  public func factor(update: Int) -> Double {
    let rise = update < warmUp ? Double(update + 1) / Double(warmUp) : 1
    switch course {
    case .constant: return rise
    case .cosine(let updates):
      return rise * (1 + cos(.pi * Double(min(update, updates - 1)) / Double(updates))) / 2
    case .step(let updates, let factor):
      return rise * pow(factor, Double(update / updates))
    case .oneCycle(let updates):
      func between(_ start: Double, _ end: Double, _ share: Double) -> Double {
        end + (start - end) / 2 * (cos(.pi * share) + 1)
      }
      let top = 0.3 * Double(updates) - 1
      let place = Double(min(update, updates - 1))
      if place <= top { return rise * between(1 / 25, 1, place / top) }
      return rise * between(1, 1 / 250_000, (place - top) / (Double(updates - 1) - top))
    }
  }
}

/// Lowers the learning rate when validation has not improved for a while, as PyTorch's `ReduceLROnPlateau`.
public struct PlateauRule: Sendable, Equatable, Codable {
  /// By how much a loss must be below the best one to count, as a share of it.
  public static let threshold = 1e-4

  /// The lowest loss so far.
  public private(set) var best: Double?
  /// Validations without a lower one.
  public private(set) var waited = 0
  /// The factor of the learning rate.
  public private(set) var factor = 1.0

  /// A rule that has seen nothing yet.
  public init() {}

  /// Takes a validation loss: the factor is multiplied by `decay` when more than `patience` in a row were no better.
  public mutating func add(_ loss: Double, patience: Int, decay: Double) {
    if let best, loss >= best * (1 - Self.threshold) {
      waited += 1
      guard waited > patience else { return }
      factor *= decay
      waited = 0
    } else {
      best = loss
      waited = 0
    }
  }
}
