import Foundation
import Tensor

/// Crops whose rain is made stronger or weaker at random, all of a crop's frames by one factor: a few hours show few
/// intensities, and a network that has seen no cloudburst will forecast none.
struct IntensityScaling: Sendable, Equatable {
  /// The largest factor of a rain rate, above 1; the smallest is its inverse.
  let most: Double
  /// The scale of the frames.
  let normalisation: Normalisation

  /// A factor between the smallest and the largest, even on a logarithmic scale: doubling is as likely as halving.
  func factor(using source: inout RandomSource) -> Float {
    Float(exp((2 * Double(source.uniform()) - 1) * log(most)))
  }

  /// Multiplies the rain rates that numbers in [0, 1] stand for. What is dry or missing stays so, and what the scale cuts
  /// off is cut again.
  func multiply(_ values: UnsafeMutableBufferPointer<Float>, by factor: Float) {
    guard factor != 1 else { return }
    switch normalisation.scale {
    case .dbzLinear(let least, let most):
      // A factor of the rain rate is so many decibels more.
      let shift = Float(10 * normalisation.relation.b * log10(Double(factor)) / (most - least))
      for index in values.indices where values[index] > 0 { values[index] = min(max(values[index] + shift, 0), 1) }
    case .logRainRate(let offset, let most):
      let range = Float(log1p(most / offset))
      for index in values.indices where values[index] > 0 {
        values[index] = min(log1pf(factor * expm1f(values[index] * range)) / range, 1)
      }
    }
  }
}
