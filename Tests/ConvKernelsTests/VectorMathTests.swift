import Foundation
import Testing

@testable import Microkernels

@Suite struct VectorMathTests {
  /// All magnitudes and both signs: every 65521st positive float, and a fine grid where the functions bend.
  static let arguments: [Float] =
    stride(from: UInt32(0), to: Float.infinity.bitPattern, by: 65_521).map(Float.init(bitPattern:))
    + stride(from: Float(0), to: 20, by: 0x1p-12)

  private func worst(_ function: (Lanes) -> Lanes, error: (Float, Float) -> Double) -> Double {
    Self.arguments.flatMap { [$0, -$0] }.reduce(0) { worst, x in
      let e = error(x, function(Lanes(repeating: x))[3])
      return e <= worst ? worst : e
    }
  }

  @Test func logisticIsWithinItsBound() {
    let error = worst(VectorMath.logistic) { x, y in abs(1 / (1 + Foundation.exp(-Double(x))) - Double(y)) }
    print("logistic: largest absolute error \(error)")
    #expect(error < 1e-7)
  }

  @Test func tanhIsWithinItsBound() {
    let error = worst(VectorMath.tanh) { x, y in
      let exact = Foundation.tanh(Double(x))
      return abs(exact - Double(y)) / max(abs(exact), 1e-37)
    }
    print("tanh: largest relative error \(error)")
    #expect(error < 2e-7)
  }

  @Test func limitsAndNaN() {
    let x = Lanes(
      .infinity, -.infinity, .nan, 0, 1000, -1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    let (l, t) = (VectorMath.logistic(x), VectorMath.tanh(x))
    #expect(l[0] == 1 && abs(l[1]) < 1e-37 && l[2].isNaN && l[3] == 0.5 && l[4] == 1 && abs(l[5]) < 1e-37)
    #expect(t[0] == 1 && t[1] == -1 && t[2].isNaN && t[3] == 0 && t[4] == 1 && t[5] == -1)
  }
}
