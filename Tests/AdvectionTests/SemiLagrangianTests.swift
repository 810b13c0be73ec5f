import Advection
import ConvKernels
import Foundation
import Tensor
import Testing

/// A field that pysteps carried along a motion: Scripts/make-advection-fixture.py.
private struct Fixture: Decodable {
  let height, width, steps: Int
  let field, x, y: [Float]
  let forecast: [Float?]

  static func load() throws -> Fixture {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: root.appendingPathComponent("Fixtures/advection/extrapolation.json"))
    return try JSONDecoder().decode(Fixture.self, from: data)
  }

  var motion: MotionField {
    MotionField(height: height, width: width, vectors: zip(x, y).map { SIMD2($0, $1) })
  }
}

@Suite struct SemiLagrangianTests {
  private func uniform(_ vector: SIMD2<Float>, height: Int, width: Int) -> MotionField {
    MotionField(height: height, width: width, vectors: [SIMD2<Float>](repeating: vector, count: height * width))
  }

  @Test func extrapolatesAsPystepsDoes() throws {
    let fixture = try Fixture.load()
    let field = Tensor(shape: [fixture.height, fixture.width], fixture.field)
    let forecast = SemiLagrangian.extrapolate(
      field, along: fixture.motion, steps: fixture.steps, pool: WorkerPool(threadCount: 2))
    #expect(forecast.shape == [fixture.steps, fixture.height, fixture.width])
    var (largest, finite) = (Float(0), 0)
    for (ours, theirs) in zip(forecast.elements, fixture.forecast) {
      #expect(ours.isNaN == (theirs == nil))
      guard let theirs, !ours.isNaN else { continue }
      largest = max(largest, abs(ours - theirs))
      finite += 1
    }
    print("largest difference from pysteps: \(largest) of \(finite) values")
    #expect(largest < 1e-4 && finite > 1000)
  }

  /// Each of several fields is carried as it would be by itself.
  @Test func fieldsOfDifferentTimes() throws {
    let fixture = try Fixture.load()
    let pool = WorkerPool(threadCount: 2)
    let field = Tensor(shape: [fixture.height, fixture.width], fixture.field)
    let fields = Tensor(
      shape: [3, fixture.height, fixture.width], (1...3).flatMap { factor in field.elements.map { $0 * Float(factor) } }
    )
    let each = SemiLagrangian.extrapolate(each: fields, along: fixture.motion, pool: pool)
    for step in 0..<3 {
      let alone = SemiLagrangian.extrapolate(fields.part(step), along: fixture.motion, steps: step + 1, pool: pool)
      for (a, b) in zip(each.part(step).elements, alone.part(step).elements) { #expect(a == b || (a.isNaN && b.isNaN)) }
    }
  }

  @Test func standingRainStays() {
    var field = Tensor(shape: [5, 7], (0..<35).map(Float.init))
    field[2, 3] = .nan
    let forecast = SemiLagrangian.extrapolate(
      field, along: uniform(.zero, height: 5, width: 7), steps: 3, pool: .init(threadCount: 1))
    for lead in 0..<3 {
      for (ours, last) in zip(forecast.part(lead).elements, field.elements) {
        #expect(ours == last || (ours.isNaN && last.isNaN))
      }
    }
  }

  /// By whole pixels everything is moved exactly, holes too, and what comes in from outside is missing.
  @Test func inflowIsMissing() {
    var field = Tensor(shape: [6, 8], (0..<48).map(Float.init))
    field[1, 1] = .nan
    let forecast = SemiLagrangian.extrapolate(
      field, along: uniform(SIMD2(2, 1), height: 6, width: 8), steps: 2, pool: .init(threadCount: 1))
    for lead in 1...2 {
      for y in 0..<6 {
        for x in 0..<8 {
          let (fromY, fromX) = (y - lead, x - 2 * lead)
          let expected = fromY < 0 || fromX < 0 ? .nan : field[fromY, fromX]
          let ours = forecast[lead - 1, y, x]
          #expect(ours == expected || (ours.isNaN && expected.isNaN), "\(lead) \(y) \(x)")
        }
      }
    }
  }

  /// Between pixels a hole takes the pixels that it has most of the weight in, and no more of them.
  @Test func holesDoNotGrow() {
    var field = Tensor(shape: [9, 9], repeating: 4)
    field[4, 4] = .nan
    let forecast = SemiLagrangian.extrapolate(
      field, along: uniform(SIMD2(0.2, 0.1), height: 9, width: 9), steps: 1, pool: .init(threadCount: 1))
    for y in 1..<9 {
      for x in 1..<9 {
        #expect(forecast[0, y, x].isNaN == (y == 4 && x == 4))
        if !(y == 4 && x == 4) { #expect(abs(forecast[0, y, x] - 4) < 1e-5) }
      }
    }
  }

  @Test func threadsChangeNothing() throws {
    let fixture = try Fixture.load()
    var field = Tensor(shape: [fixture.height, fixture.width], fixture.field)
    field[7, 7] = .nan
    func bits(_ threads: Int) -> [UInt32] {
      SemiLagrangian.extrapolate(field, along: fixture.motion, steps: 4, pool: WorkerPool(threadCount: threads))
        .elements.map(\.bitPattern)
    }
    let one = bits(1)
    #expect(one == bits(2) && one == bits(3))
  }
}
