import ConvKernels
import Foundation
import Tensor
import Testing

@testable import Advection

/// Rain that moves as it is told: cells of a fixed brightness in a plane, seen through a map.
private struct MovingRain {
  private let cells: [(x: Float, y: Float, radius: Float, peak: Float)]
  let height = 150
  let width = 190

  init(seed: UInt64) {
    var source = RandomSource(seed: seed)
    func draw(_ low: Float, _ high: Float) -> Float { low + (high - low) * source.uniform() }
    cells = (0..<150).map { _ in (draw(-40, 230), draw(-40, 190), draw(4, 14), draw(0.5, 12)) }
  }

  /// A frame, `[h, w]` in mm/h: the rain at the place that each pixel's air comes from.
  func frame(_ origin: (Float, Float) -> (Float, Float)) -> Tensor {
    var values: [Float] = []
    for row in 0..<height {
      for column in 0..<width {
        let (x, y) = origin(Float(column), Float(row))
        values.append(
          cells.reduce(0) { sum, cell in
            let (dx, dy) = ((x - cell.x) / cell.radius, (y - cell.y) / cell.radius)
            return sum + cell.peak * exp(-dx * dx - dy * dy)
          })
      }
    }
    return Tensor(shape: [height, width], values)
  }

  /// Frames, `[t, h, w]`.
  func frames(_ count: Int, _ origin: (Int, Float, Float) -> (Float, Float)) -> Tensor {
    let frames = (0..<count).map { t in frame { origin(t, $0, $1) } }
    return Tensor(shape: [count, height, width], frames.flatMap(\.elements))
  }
}

@Suite struct OpticalFlowTests {
  private let rain = MovingRain(seed: 3)

  /// The mean and the largest distance from the true motion, of pixels at least so far from the edge.
  private func errors(
    _ motion: MotionField, margin: Int = 12, _ truth: (Float, Float) -> SIMD2<Float>
  ) -> (mean: Float, largest: Float) {
    var (sum, largest, count) = (Float(0), Float(0), Float(0))
    for row in margin..<motion.height - margin {
      for column in margin..<motion.width - margin {
        let error = motion[row, column] - truth(Float(column), Float(row))
        let distance = (error * error).sum().squareRoot()
        sum += distance
        largest = max(largest, distance)
        count += 1
      }
    }
    print("motion: mean error \(sum / count), largest \(largest) pixels per frame")
    return (sum / count, largest)
  }

  @Test(arguments: [SIMD2<Float>(2.3, -1.7), SIMD2(-9.4, 6.2), SIMD2(0.25, 0.1), SIMD2(0, 0)])
  func translationIsRecovered(_ truth: SIMD2<Float>) {
    let frames = rain.frames(3) { t, x, y in (x - Float(t) * truth.x, y - Float(t) * truth.y) }
    let motion = OpticalFlow().motion(of: frames, pool: WorkerPool(threadCount: 2))
    let (mean, largest) = errors(motion) { _, _ in truth }
    #expect(mean < 0.05 && largest < 0.4)
  }

  /// A turn around the middle, with the wind of a radar image: 3.6 pixels per frame at the corners.
  @Test func rotationIsRecovered() {
    let (centreX, centreY, angle) = (Float(94.5), Float(74.5), Float(0.03))
    let frames = rain.frames(3) { t, x, y in
      let turn = -angle * Float(t)
      let (dx, dy) = (x - centreX, y - centreY)
      return (centreX + cos(turn) * dx - sin(turn) * dy, centreY + sin(turn) * dx + cos(turn) * dy)
    }
    let motion = OpticalFlow().motion(of: frames, pool: WorkerPool(threadCount: 2))
    func truth(_ x: Float, _ y: Float) -> SIMD2<Float> { SIMD2(-angle * (y - centreY), angle * (x - centreX)) }
    // At the edge the penalty on gradients has only one side to it and flattens the last cells.
    let inner = errors(motion, margin: 32, truth)
    #expect(inner.mean < 0.06 && inner.largest < 0.3)
    #expect(errors(motion, margin: 0, truth).mean < 0.3)
  }

  /// What is not measured, where and when it may be, says nothing about the motion; other units would.
  @Test func missingPixelsDoNotCount() {
    let truth = SIMD2<Float>(3, 1)
    var frames = rain.frames(3) { t, x, y in (x - Float(t) * truth.x, y - Float(t) * truth.y) }
    for t in 0..<3 {
      for row in 0..<rain.height {
        for column in 0..<rain.width where (row + column) % 60 < 12 || (t == 1 && column > 120) {
          frames[t, row, column] = .nan
        }
      }
    }
    let motion = OpticalFlow().motion(of: frames, pool: WorkerPool(threadCount: 2))
    let (mean, _) = errors(motion) { _, _ in truth }
    #expect(mean < 0.15)
  }

  /// One shower moves; the dry land around it gets its motion, and growth does not change it.
  @Test func motionReachesWhereItIsDry() {
    var frames = Tensor(shape: [3, 150, 190])
    for t in 0..<3 {
      for row in 0..<150 {
        for column in 0..<190 {
          let (dx, dy) = ((Float(column) - 60 - 4 * Float(t)) / 12, (Float(row) - 70) / 9)
          frames[t, row, column] = (6 + Float(t)) * exp(-dx * dx - dy * dy)
        }
      }
    }
    let motion = OpticalFlow().motion(of: frames, pool: WorkerPool(threadCount: 1))
    let (_, largest) = errors(motion, margin: 0) { _, _ in SIMD2(4, 0) }
    #expect(largest < 0.8)
  }

  @Test(arguments: [Float(0), 0.05, 7, .nan]) func withoutStructureNothingMoves(_ value: Float) {
    let motion = OpticalFlow().motion(
      of: Tensor(shape: [3, 40, 50], repeating: value), pool: WorkerPool(threadCount: 1))
    #expect(motion.vectors.allSatisfy { $0 == .zero })
  }

  /// No size is too small, and no image too wild for a finite motion.
  @Test(arguments: [(1, 1), (1, 40), (40, 1), (3, 5), (33, 47), (64, 31)]) func anySizeWillDo(_ size: (Int, Int)) {
    var source = RandomSource(seed: 5)
    let noise = Tensor.uniform(shape: [2, size.0, size.1], low: -200, high: 1000, using: &source)
    let rates = Tensor(shape: noise.shape, noise.elements.map { $0 < -100 ? .nan : max($0, 0) })
    let motion = OpticalFlow().motion(of: rates, pool: WorkerPool(threadCount: 2))
    #expect(motion.height == size.0 && motion.width == size.1)
    #expect(motion.vectors.allSatisfy { $0.x.isFinite && $0.y.isFinite })
  }

  @Test func threadsChangeNothing() {
    var frames = rain.frames(3) { t, x, y in (x - 2 * Float(t), y + 0.7 * Float(t) + 0.01 * x) }
    for column in 0..<70 { frames[1, 33, column] = .nan }
    func bits(_ threads: Int) -> [UInt32] {
      OpticalFlow().motion(of: frames, pool: WorkerPool(threadCount: threads))
        .vectors.flatMap { [$0.x.bitPattern, $0.y.bitPattern] }
    }
    let one = bits(1)
    #expect(one == bits(2) && one == bits(3))
  }
}

@Suite struct FlowImagesTests {
  private let pool = WorkerPool(threadCount: 1)

  @Test func decibelsAreThoseOfPysteps() {
    // dB_transform(threshold=0.1, zerovalue=-15) of the same rates.
    let rates: [Float] = [0, 0.0999, 0.1, 1, 2, 100]
    let decibels = FlowImages.decibels(Tensor(shape: [6], rates), pool: pool).elements
    for (ours, theirs) in zip(decibels, [-15, -15, -10, 0, 3.0103, 20] as [Float]) {
      #expect(abs(ours - theirs) < 1e-4)
    }
    let missing = FlowImages.decibels(Tensor(shape: [2], [Float.nan, .infinity]), pool: pool)
    let areMissing = missing.elements.allSatisfy { $0.isNaN }
    #expect(areMissing)
  }

  @Test func halvesAreMeansOfTheMeasured() {
    let image = Tensor(shape: [3, 5], [1, 3, .nan, 4, 5, 5, 7, .nan, 8, 7, 9, .nan, 1, 2, 3] as [Float])
    let half = FlowImages.halved(image, pool: pool)
    #expect(half.shape == [2, 3])
    // 2 of 4 pixels are no more than half of them; the last row and column have fewer pixels.
    let expected: [Float] = [4, .nan, 6, .nan, 1.5, 3]
    for (ours, mean) in zip(half.elements, expected) { #expect(ours == mean || (ours.isNaN && mean.isNaN)) }
  }

  @Test func smoothingKeepsConstantsAndHoles() {
    var image = Tensor(shape: [9, 11], repeating: 5)
    image[4, 4] = .nan
    image[0, 0] = .nan
    let smooth = FlowImages.smoothed(image, pool: pool)
    for row in 0..<9 {
      for column in 0..<11 {
        let value = smooth[row, column]
        #expect(value.isNaN == image[row, column].isNaN)
        if !value.isNaN { #expect(abs(value - 5) < 1e-5) }
      }
    }
    // A point becomes the Gaussian: exp(-1/2) of the middle one pixel away, exp(-1) diagonally.
    var point = Tensor(shape: [9, 9])
    point[4, 4] = 1
    let spread = FlowImages.smoothed(point, pool: pool)
    #expect(abs(spread[4, 5] / spread[4, 4] - exp(-0.5)) < 1e-5 && abs(spread[3, 5] / spread[4, 4] - exp(-1)) < 1e-5)
  }

  /// A small image has one motion, by correlation, to a sixteenth of a pixel; what is missing does not matter.
  @Test(arguments: [SIMD2<Float>(3.25, -2.5), SIMD2(-4, 1), .zero]) func smallImages(wind: SIMD2<Float>) {
    let rain = MovingRain(seed: 5).frames(3) { t, x, y in (60 + x - Float(t) * wind.x, 60 + y - Float(t) * wind.y) }
    func crop(_ missing: Bool) -> Tensor {
      var part = Tensor(shape: [3, 37, 48])
      for t in 0..<3 {
        for row in 0..<37 {
          for column in 0..<48 { part[t, row, column] = missing && row < 5 ? .nan : rain[t, row, column] }
        }
      }
      return part
    }
    for missing in [false, true] {
      let motion = OpticalFlow().motion(of: crop(missing), pool: WorkerPool(threadCount: 2))
      #expect(Set(motion.vectors).count == 1)
      let error = motion[0, 0] - wind
      #expect((error * error).sum().squareRoot() < 0.1)
    }
    let dry = OpticalFlow().motion(of: Tensor(shape: [2, 9, 5]), pool: WorkerPool(threadCount: 1))
    #expect(dry.vectors.allSatisfy { $0 == .zero })
  }
}
