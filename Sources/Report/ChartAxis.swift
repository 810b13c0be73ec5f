import Foundation

/// An axis of a chart.
public struct ChartAxis: Sendable {
  /// How numbers lie along it.
  public enum Scale: Sendable {
    /// Evenly.
    case linear
    /// By their logarithm; what is not above zero is left out.
    case logarithmic
  }

  let label: String
  let scale: Scale
  let limits: ClosedRange<Double>?

  /// - Parameters:
  ///   - label: what it measures, and in which units.
  ///   - limits: what must be on it at least, such as `0...1`; the values decide about the rest.
  public init(_ label: String, scale: Scale = .linear, limits: ClosedRange<Double>? = nil) {
    (self.label, self.scale, self.limits) = (label, scale, limits)
  }

  /// Whether a value has a place on the axis.
  func holds(_ value: Double) -> Bool { value.isFinite && (scale == .linear || value > 0) }

  /// The range that holds all `values`, and the values that are written beside it.
  ///
  /// - Parameter wanted: the number of ticks, about.
  func layout(_ values: [Double], wanted: Int) -> (range: ClosedRange<Double>, ticks: [Double]) {
    let all = (values + (limits.map { [$0.lowerBound, $0.upperBound] } ?? [])).filter(holds)
    guard let least = all.min(), let most = all.max() else {
      return scale == .linear ? (0...1, [0, 1]) : (1...10, [1, 10])
    }
    switch scale {
    case .linear: return linear(least, most, wanted)
    case .logarithmic: return logarithmic(least, most, wanted)
    }
  }

  private func linear(_ least: Double, _ most: Double, _ wanted: Int) -> (ClosedRange<Double>, [Double]) {
    // A range of no width, or one that numbers hardly resolve, is opened.
    let width = max(most - least, max(least.magnitude, most.magnitude) * 1e-6)
    let (least, most) =
      width > 0 && most > least ? (least, most) : (least - max(width, 1) / 2, most + max(width, 1) / 2)
    let raw = (most - least) / Double(max(wanted, 1))
    let power = pow(10, floor(log10(raw)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
    let ticks = stride(from: (least / step - 1e-9).rounded(.up), through: (most / step + 1e-9).rounded(.down), by: 1)
      .map { $0 * step == 0 ? 0 : $0 * step }
    return (least...most, ticks)
  }

  private func logarithmic(_ least: Double, _ most: Double, _ wanted: Int) -> (ClosedRange<Double>, [Double]) {
    // A little room, so that no curve lies on the edge.
    let room = pow(most / least, 0.04)
    let (least, most) = most > least * 1.001 ? (least / room, most * room) : (least / 1.5, most * 1.5)
    let decades = Int(floor(log10(least)))...Int(ceil(log10(most)))
    let choices: [[Double]] = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]]
    for (index, choice) in choices.enumerated() {
      let ticks = decades.flatMap { decade in choice.map { $0 * pow(10, Double(decade)) } }
        .filter { $0 >= least && $0 <= most }
      if index == 0 && ticks.count > wanted + 2 {
        let every = (ticks.count + wanted - 1) / wanted
        return (least...most, ticks.enumerated().filter { $0.offset % every == 0 }.map(\.element))
      }
      if ticks.count >= min(wanted, 3) { return (least...most, ticks) }
    }
    return (least...most, linear(least, most, wanted).1)
  }

  /// Where in a range a value lies, from 0 to 1.
  func place(_ value: Double, in range: ClosedRange<Double>) -> Double {
    switch scale {
    case .linear: (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    case .logarithmic: log(value / range.lowerBound) / log(range.upperBound / range.lowerBound)
    }
  }
}
