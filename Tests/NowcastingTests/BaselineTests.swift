import Advection
import ConvKernels
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct BaselineTests {
  private let pool = WorkerPool(threadCount: 2)

  /// A shower that moves by two columns a frame, and land that the radar does not see.
  private func shower(frames: Int) -> Tensor {
    var rain = Tensor(shape: [frames, 48, 64])
    for t in 0..<frames {
      for y in 0..<48 {
        for x in 0..<64 {
          let (dx, dy) = ((Float(x) - 20 - 2 * Float(t)) / 6, (Float(y) - 24) / 8)
          rain[t, y, x] = y < 4 ? .nan : 8 * exp(-dx * dx - dy * dy)
        }
      }
    }
    return rain
  }

  @Test func persistenceRepeatsTheLastFrame() {
    let rain = shower(frames: 2)
    let forecast = Baseline.persistence.forecast(rain, leadFrames: 3, pool: pool)
    #expect(forecast.shape == [3, 48, 64])
    for lead in 0..<3 {
      for (ours, last) in zip(forecast.part(lead).elements, rain.part(1).elements) {
        #expect(ours == last || (ours.isNaN && last.isNaN))
      }
    }
  }

  /// Where the shower will be, advection has it, and persistence has not.
  @Test func advectionMovesTheRain() {
    let rain = shower(frames: 9)
    let forecast = Baseline.advection.forecast(rain.parts(0..<3), leadFrames: 6, pool: pool)
    for lead in [3, 6] {
      var (moved, stayed) = (Float(0), Float(0))
      for y in 4..<48 {
        for x in 20..<64 {
          let truth = rain[2 + lead, y, x]
          moved = max(moved, abs(forecast[lead - 1, y, x] - truth))
          stayed = max(stayed, abs(rain[2, y, x] - truth))
        }
      }
      #expect(moved < 0.8 && stayed > 4, "\(lead): \(moved) \(stayed)")
    }
  }

  /// Missing is what the rain comes into from outside, and what no frame measured, whatever moves there.
  @Test func whatNobodyMeasuredIsMissing() {
    var rain = shower(frames: 3)
    rain[0, 30, 5] = .nan
    let forecast = Baseline.advection.forecast(rain, leadFrames: 4, pool: pool)
    for lead in 0..<4 {
      #expect(forecast[lead, 24, 0].isNaN && !forecast[lead, 24, 40].isNaN && !forecast[lead, 30, 12].isNaN)
      for x in 0..<64 { #expect(forecast[lead, 3, x].isNaN) }
    }
  }

  /// Only the last frames count, and more of them than there are is no trouble.
  @Test func usesTheFramesItSays() {
    // It goes the other way at last, so that motion depends on how many frames tell it.
    let forward = shower(frames: 5)
    let rain = Tensor(shape: forward.shape, [0, 2, 4, 4, 3].flatMap { forward.part($0).elements })
    func bits(_ frames: Tensor) -> [UInt32] {
      Baseline.advection.forecast(frames, leadFrames: 2, pool: pool).elements.map(\.bitPattern)
    }
    #expect(bits(rain) == bits(rain.parts(2..<5)) && bits(rain) != bits(rain.parts(3..<5)))
  }

  @Test func tooFewFramesAreRefused() throws {
    let one = countingSequence(frames: 1)
    for baseline in Baseline.allCases {
      #expect(throwsCode(.unusable) { try baseline.requireEnoughFrames(one) })
      try baseline.requireEnoughFrames(countingSequence(frames: baseline == .sprog ? 3 : 2))
    }
  }

  @Test func forecastsAreOfAnHour() {
    #expect([120, 300, 600, 900, 3600, 86400].map(Baseline.leadFrames(stepSeconds:)) == [30, 12, 6, 4, 1, 1])
    #expect(Baseline.leadFrames(stepSeconds: 0.001) == 1000)
  }
}

@Suite struct ObservedBaselinesTests {
  private let observed = countingSequence(frames: 8)

  /// One frame in front of the reference time shows no motion; lead times between frames have none to step to.
  @Test func saysWhatItCannotMake() throws {
    let baselines = ObservedBaselines([.persistence, .advection], pool: .standard)
    #expect(
      try baselines.fields(from: (observed, 2), reference: 600, seconds: 600).map(\.method) == [
        "persistence", "advection",
      ])
    #expect(baselines.notes.isEmpty)
    #expect(try baselines.fields(from: (observed, 0), reference: 0, seconds: 600).map(\.method) == ["persistence"])
    #expect(try baselines.fields(from: (observed, 2), reference: 600, seconds: 450).map(\.method) == ["persistence"])
    #expect(try baselines.fields(from: nil, reference: -300, seconds: 300).isEmpty)
    // What is asked for again is counted once.
    #expect(try baselines.fields(from: nil, reference: -300, seconds: 300).isEmpty)
    #expect(baselines.notes.count == 2)
    #expect(baselines.notes[0].contains("persistence is not scored at 1 "))
    #expect(baselines.notes[1].contains("advection is not scored at 3 "))
  }
}
