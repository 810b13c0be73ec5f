/// An autoregressive process of second order without noise, for a level of scale: how what is known of it fades.
///
/// Its parameters follow from the correlations of the level with itself one and two steps ago by the Yule–Walker equations
/// (Box and Jenkins); the correlation of two steps is raised, if need be, so that the process is stationary (as in
/// Pulkkinen et al. 2019).
struct AutoregressiveModel: Sendable, Equatable {
  /// The weights of the last value and of the one before it.
  let parameters: SIMD2<Double>

  /// - Parameters:
  ///   - one: the correlation at one step.
  ///   - two: that at two.
  init(correlations one: Double, _ two: Double) {
    // What does not change at all stays; what has nothing to do with itself is unpredictable.
    guard one < 0.999_999 else {
      parameters = SIMD2(1, 0)
      return
    }
    guard one > 0 else {
      parameters = .zero
      return
    }
    let square = one * one
    let rest = 1 - square
    let least = (3 * square - 2 + 2 * rest * rest.squareRoot()) / square
    let two = max(two, 2 * square - 1, least)
    parameters = SIMD2(one * (1 - two), two - square) / rest
  }

  /// For each of a number of steps, the shares of the last value and of the one before it in the forecast.
  func shares(steps: Int) -> [SIMD2<Double>] {
    var (before, last) = (SIMD2<Double>(0, 1), SIMD2<Double>(1, 0))
    return (0..<steps).map { _ in
      (before, last) = (last, parameters.x * last + parameters.y * before)
      return last
    }
  }
}
