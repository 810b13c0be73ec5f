import Foundation
import Tensor
import Testing

@testable import Nowcasting

@Suite struct RainSimulatorTests {
  private static func options(
    seed: UInt64 = 1, size: Int = 96, frames: Int = 24, _ change: (inout RainSimulator.Options) -> Void = { _ in }
  ) -> RainSimulator.Options {
    var options = RainSimulator.Options()
    options.seed = seed
    options.height = size
    options.width = size
    options.frames = frames
    change(&options)
    return options
  }

  private func bits(_ tensor: Tensor) -> [UInt32] { tensor.elements.map(\.bitPattern) }

  /// Pearson's correlation of the pairs without NaN.
  private func correlation(_ pairs: [(Float, Float)]) -> Double {
    let pairs = pairs.filter { !$0.0.isNaN && !$0.1.isNaN }.map { (Double($0.0), Double($0.1)) }
    let n = Double(pairs.count)
    let (meanX, meanY) = (pairs.reduce(0) { $0 + $1.0 } / n, pairs.reduce(0) { $0 + $1.1 } / n)
    let covariance = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
    let varianceX = pairs.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    let varianceY = pairs.reduce(0) { $0 + ($1.1 - meanY) * ($1.1 - meanY) }
    return covariance / (varianceX * varianceY).squareRoot()
  }

  @Test func theSameOptionsGiveTheSameBytes() async {
    let first = bits(RainSimulator(Self.options(frames: 6)).frames())
    await withTaskGroup(of: [UInt32].self) { group in
      for _ in 0..<3 {
        group.addTask { RainSimulator(Self.options(frames: 6)).frames().elements.map(\.bitPattern) }
      }
      for await other in group { #expect(other == first) }
    }
  }

  @Test func moreFramesBeginWithTheSameFrames() {
    let short = RainSimulator(Self.options(frames: 4)).frames()
    let long = RainSimulator(Self.options(frames: 9)).frames()
    #expect(bits(long.parts(0..<4)) == bits(short))
  }

  @Test func framesOneByOneAreTheSame() {
    let simulator = RainSimulator(Self.options(frames: 3))
    let all = simulator.frames()
    var numbers: [Int] = []
    simulator.forEachFrame { number, frame in
      numbers.append(number)
      #expect(bits(frame) == bits(all.part(number)))
    }
    #expect(numbers == [0, 1, 2])
  }

  @Test func neighbouringSeedsAreUnrelated() {
    let frames = (1...4).map {
      RainSimulator(Self.options(seed: $0, frames: 1) { $0.hasMissingPixels = false }).frames()
    }
    for i in 0..<4 {
      for j in 0..<i {
        let pairs = zip(frames[i].elements, frames[j].elements).map { (log($0 + 0.1), log($1 + 0.1)) }
        #expect(abs(correlation(pairs)) < 0.4)
      }
    }
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func valuesAreThoseOfRain(seed: UInt64) {
    let frames = RainSimulator(Self.options(seed: seed, size: 128, frames: 30)).frames()
    let valid = frames.elements.filter { !$0.isNaN }
    for value in valid where value != (value * 100).rounded() / 100 || value < 0 || value > 150 {
      Issue.record("\(value) mm/h")
    }
    let wet = valid.filter { $0 > 0 }.sorted()
    #expect((wet.first ?? 0) >= 0.1)
    let share = Double(wet.count) / Double(valid.count)
    #expect(share > 0.1 && share < 0.35, "wet share \(share)")
    // Skewed: the mean of the wet pixels is far above their median, and the rare ones far above that.
    let mean = wet.reduce(0, +) / Float(wet.count)
    let median = wet[wet.count / 2]
    #expect(median > 0.2 && median < 1.5, "median \(median)")
    #expect(mean > 1.6 * median, "mean \(mean), median \(median)")
    let rare = valid.sorted()[valid.count * 999 / 1000]
    #expect(rare > 8 && rare < 80, "99.9th percentile \(rare)")
    let variance = wet.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(wet.count)
    let skewness = wet.reduce(0) { $0 + pow($1 - mean, 3) } / Float(wet.count) / pow(variance, 1.5)
    #expect(skewness > 2, "skewness \(skewness)")
  }

  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func rainIsPredictableOnceItsMotionIsKnown(seed: UInt64) {
    let options = Self.options(seed: seed, frames: 20) { $0.hasMissingPixels = false }
    let frames = RainSimulator(options).frames()
    let maps = RainMotion(options).maps
    var moving: [[(Float, Float)]] = [[], [], []]
    var standing: [[(Float, Float)]] = [[], [], []]
    for (index, lag) in [1, 3, 6].enumerated() {
      for frame in lag..<20 {
        for y in stride(from: 0, to: 96, by: 2) {
          for x in stride(from: 0, to: 96, by: 2) {
            let place = maps[frame](Double(x), Double(y))
            let origin = maps[frame - lag].inverse(place.x, place.y)
            let (ox, oy) = (Int(origin.x.rounded()), Int(origin.y.rounded()))
            guard (0..<96).contains(ox), (0..<96).contains(oy) else { continue }
            let now = log(frames[frame, y, x] + 0.1)
            moving[index].append((log(frames[frame - lag, oy, ox] + 0.1), now))
            standing[index].append((log(frames[frame - lag, y, x] + 0.1), now))
          }
        }
      }
    }
    let (lagrangian, eulerian) = (moving.map(correlation), standing.map(correlation))
    #expect(lagrangian[0] > 0.85 && lagrangian[0] > eulerian[0] + 0.05, "\(lagrangian) \(eulerian)")
    #expect(lagrangian[1] > 0.65 && lagrangian[1] > eulerian[1] + 0.2, "\(lagrangian) \(eulerian)")
    #expect(lagrangian[2] > 0.38 && lagrangian[2] > eulerian[2] + 0.2, "\(lagrangian) \(eulerian)")
    #expect(lagrangian[0] > lagrangian[1] && lagrangian[1] > lagrangian[2])
  }

  @Test func smallScalesForgetSooner() {
    let options = Self.options(frames: 13) {
      $0.hasMissingPixels = false
      $0.speed = 0
    }
    let motion = RainMotion(options)
    var noise = RainNoise(options, motion: motion)
    var field = Tensor(shape: [96, 96])
    var details = field
    noise.render(motion.maps[0], field: &field, details: &details)
    let (firstField, firstDetails) = (field, details)
    for frame in 1...12 {
      noise.advance()
      noise.render(motion.maps[frame], field: &field, details: &details)
    }
    let whole = correlation(Array(zip(firstField.elements, field.elements)))
    let small = correlation(Array(zip(firstDetails.elements, details.elements)))
    #expect(whole > small + 0.1, "\(whole), \(small)")
    #expect(small > 0 && small < 0.7)
    // Mean 0 and variance 1, on average over many small waves.
    let mean = firstDetails.elements.reduce(0, +) / 9216
    let variance = firstDetails.elements.reduce(0) { $0 + $1 * $1 } / 9216
    #expect(abs(mean) < 0.25)
    #expect(abs(variance - 1) < 0.3)
  }

  @Test func theMotionIsTheWind() {
    let motion = RainMotion(Self.options(frames: 50))
    for frame in 0..<49 {
      let place = motion.maps[frame](47.5, 47.5)
      let (x, y) = motion.maps[frame + 1].inverse(place.x, place.y)
      let distance = hypot(x - 47.5, y - 47.5)
      // 8 m/s, give or take a fifth, for 300 s: 1.92 to 2.88 pixels of 1 km, eastwards.
      #expect(distance > 1.8 && distance < 3)
      #expect(x > 47.5)
    }
  }

  @Test func theRadarSeesADisc() {
    let frames = RainSimulator(Self.options(size: 128, frames: 40)).frames()
    var alwaysMissing = 0
    var sometimesMissing = 0
    for y in 0..<128 {
      for x in 0..<128 {
        let missing = (0..<40).count { frames[$0, y, x].isNaN }
        alwaysMissing += missing == 40 ? 1 : 0
        sometimesMissing += missing > 0 && missing < 40 ? 1 : 0
      }
    }
    #expect(alwaysMissing > 1600 && alwaysMissing < 4000)
    #expect(sometimesMissing > 40)
    for (y, x) in [(0, 0), (0, 127), (127, 0), (127, 127)] { #expect(frames[0, y, x].isNaN) }
    let shares = (0..<40).map { frame in frames.part(frame).elements.count { $0.isNaN } }
    // A sector is missing now and then.
    #expect((shares.max() ?? 0) > (shares.min() ?? 0) + 100)
  }

  @Test func nothingIsMissingOnDemand() {
    let frames = RainSimulator(Self.options { $0.hasMissingPixels = false }).frames()
    #expect(!frames.elements.contains { $0.isNaN })
  }

  @Test func theWetShareFollowsTheOption() {
    func share(_ wanted: Double) -> Double {
      let options = Self.options(frames: 20) {
        $0.wetShare = wanted
        $0.hasMissingPixels = false
      }
      let values = RainSimulator(options).frames().elements
      return Double(values.count { $0 > 0 }) / Double(values.count)
    }
    #expect(share(0.6) > share(0.3) + 0.1)
    #expect(share(0.3) > share(0.1) + 0.05)
  }

  @Test func anyExtentAndResolutionWorks() {
    for (height, width, spacing, step) in [
      (1, 1, 1000, 300), (3, 70, 1000, 300), (70, 3, 100, 60), (40, 30, 5000, 900), (20, 20, 250, 3600),
    ] {
      let options = Self.options(frames: 5) {
        $0.height = height
        $0.width = width
        $0.spacingMetres = Double(spacing)
        $0.stepSeconds = Double(step)
      }
      let frames = RainSimulator(options).frames()
      #expect(frames.shape == [5, height, width])
      #expect(!frames.elements.contains { $0.isInfinite || $0 < 0 })
    }
    #expect(RainSimulator(Self.options(frames: 0)).frames().shape == [0, 96, 96])
  }
}
