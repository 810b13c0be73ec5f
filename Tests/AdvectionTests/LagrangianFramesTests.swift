import Advection
import ConvKernels
import Tensor
import Testing

@Suite struct LagrangianFramesTests {
  private let height = 14
  private let width = 17

  private func field(_ seed: UInt64) -> Tensor {
    var random = RandomSource(seed: seed)
    return Tensor.uniform(shape: [height, width], low: 0, high: 1, using: &random)
  }

  /// A motion that turns and is stronger to the right.
  private var motion: MotionField {
    MotionField(
      height: height, width: width,
      vectors: (0..<height * width).map { SIMD2(0.4 + Float($0 % width) / 20, Float($0 / width) / 12 - 0.5) })
  }

  private func expectSame(_ a: some Sequence<Float>, _ b: some Sequence<Float>) {
    for (a, b) in zip(a, b) { #expect(a == b || (a.isNaN && b.isNaN)) }
  }

  /// Rain that moves by whole pixels stands still, before the reference time and after it.
  @Test func movingRainStandsStill() {
    let still = field(1)
    func moved(_ steps: Int) -> Tensor {
      var result = Tensor(shape: [height, width], repeating: .nan)
      for row in 0..<height {
        for column in 0..<width {
          let (y, x) = (row - steps, column - 2 * steps)
          if y >= 0, y < height, x >= 0, x < width { result[row, column] = still[y, x] }
        }
      }
      return result
    }
    let wind = MotionField(height: height, width: width, vectors: Array(repeating: SIMD2(2, 1), count: height * width))
    for (side, sense) in [(LagrangianFrames.Side.past, -1), (.future, 1)] {
      let frames = LagrangianFrames.frames(
        [moved(sense), nil, moved(3 * sense)], side, along: wind, rows: 4..<9, columns: 6..<10)
      #expect(frames.shape == [3, 5, 4])
      for row in 0..<5 {
        for column in 0..<4 {
          #expect(frames[0, row, column] == still[row + 4, column + 6])
          #expect(frames[1, row, column].isNaN)
          #expect(frames[2, row, column] == still[row + 4, column + 6])
        }
      }
    }
  }

  /// Frames of the past are what extrapolation makes of them, and those of the future what it makes along the opposite motion.
  @Test func agreesWithExtrapolation() {
    let (rows, columns) = (3..<11, 2..<15)
    let fields = [field(1), field(2), field(3)]
    let stack = Tensor(shape: [3, height, width], fields.flatMap(\.elements))
    let opposite = MotionField(height: height, width: width, vectors: motion.vectors.map { -$0 })
    for (side, along) in [(LagrangianFrames.Side.past, motion), (.future, opposite)] {
      let part = LagrangianFrames.frames(fields, side, along: motion, rows: rows, columns: columns)
      let whole = SemiLagrangian.extrapolate(each: stack, along: along, pool: WorkerPool(threadCount: 1))
      for step in 0..<3 {
        for row in rows {
          expectSame(
            columns.map { part[step, row - rows.lowerBound, $0 - columns.lowerBound] },
            columns.map { whole[step, row, $0] })
        }
      }
    }
  }

  /// Several fields of one time are carried as each by itself.
  @Test func channels() {
    let stack = Tensor(shape: [2, 3, height, width], (1...6).flatMap { field(UInt64($0)).elements })
    let pool = WorkerPool(threadCount: 2)
    let together = SemiLagrangian.extrapolate(each: stack, along: motion, pool: pool)
    #expect(together.shape == stack.shape)
    for channel in 0..<3 {
      let alone = SemiLagrangian.extrapolate(
        each: Tensor(shape: [2, height, width], (0..<2).flatMap { stack.part($0).part(channel).elements }),
        along: motion, pool: pool)
      for step in 0..<2 { expectSame(together.part(step).part(channel).elements, alone.part(step).elements) }
    }
  }
}
