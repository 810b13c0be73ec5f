import Foundation
import Tensor

/// Makes up radar frames of rain: for trying things out, for tests and for training where no data may be shared.
///
/// Not a model of weather, but the statistics that matter to a forecast are those of rain. A random field of many scales
/// (``RainNoise``) moves with a smooth wind (``RainMotion``) and changes on the way, small scales sooner than large ones,
/// so that motion can be forecast for an hour or two and details cannot. The upper part of it rains, with a skewed
/// distribution; showers are born in it, grow, move with the wind and die (``RainCells``). A radar sees a disc of all
/// this, with blocked beams and drop-outs (``RadarCoverage``).
///
/// The same options give the same bytes on every run. More frames with otherwise the same options begin with the
/// same frames.
public struct RainSimulator: Sendable {
  /// What to simulate.
  public struct Options: Sendable, Equatable {
    /// The number of rows.
    public var height = 128
    /// The number of columns.
    public var width = 128
    /// The number of frames.
    public var frames = 60
    /// The time between frames in seconds.
    public var stepSeconds = 300.0
    /// The width of a pixel in metres.
    public var spacingMetres = 1000.0
    /// Every seed is another weather.
    public var seed: UInt64 = 1
    /// The typical speed of the wind that moves the rain, in metres per second.
    public var speed = 8.0
    /// The share of the area where it rains, averaged over time; about, because showers come and go.
    public var wetShare = 0.2
    /// Whether pixels are missing. Without it every pixel has a value.
    public var hasMissingPixels = true

    /// Five hours of a domain of 128 km, every five minutes.
    public init() {}

    /// What needs random numbers. Each has its own, so that one does not disturb the other.
    enum Stream {
      case share, motion, cells, coverage
      case octave(Int)
    }

    func randomSource(_ stream: Stream) -> RandomSource {
      let number: UInt64 =
        switch stream {
        case .share: 0
        case .motion: 1
        case .cells: 2
        case .coverage: 3
        case .octave(let index): 4 + UInt64(index)
        }
      // Scrambled first, because people use neighbouring seeds.
      var seeds = RandomSource(seed: seed)
      return RandomSource(seed: seeds.next() &+ number)
    }
  }

  /// What is simulated.
  public let options: Options

  /// Makes a simulator.
  ///
  /// - Precondition: extents, step and spacing are positive, the speed is not negative, the wet share is between 0 and 1.
  public init(_ options: Options = Options()) {
    precondition(options.height > 0 && options.width > 0 && options.frames >= 0, "a simulation needs an extent")
    precondition(options.stepSeconds > 0 && options.spacingMetres > 0, "step and spacing must be positive")
    precondition(options.speed >= 0 && options.wetShare > 0 && options.wetShare < 1, "speed or wet share out of range")
    self.options = options
  }

  /// All frames, `[t, h, w]` in mm/h, NaN where missing.
  ///
  /// Values are multiples of 0.01, zero below 0.1, and at most 150.
  public func frames() -> Tensor {
    var result = Tensor(shape: [options.frames, options.height, options.width])
    result.withUnsafeMutableBufferPointer { all in
      var position = 0
      forEachFrame { _, frame in
        frame.withUnsafeBufferPointer { pixels in
          for value in pixels {
            all[position] = value
            position += 1
          }
        }
      }
    }
    return result
  }

  /// Calls `body` with the number of each frame and the frame, `[h, w]` as in ``frames()``; only one is in memory.
  public func forEachFrame<E: Error>(_ body: (Int, Tensor) throws(E) -> Void) throws(E) {
    let (height, width) = (options.height, options.width)
    let motion = RainMotion(options)
    var noise = RainNoise(options, motion: motion)
    var cells = RainCells(options, motion: motion)
    var coverage = RadarCoverage(options)
    var source = options.randomSource(.share)
    let phase = Double(source.uniform())

    var field = Tensor(shape: [height, width])
    var details = Tensor(shape: [height, width])
    var showers = Tensor(shape: [height, width])
    var level: Float?
    for frame in 0..<options.frames {
      if frame > 0 { noise.advance() }
      let map = motion.maps[frame]
      noise.render(map, field: &field, details: &details)
      cells.advance(to: frame, noise: noise)
      cells.render(map, frame: frame, into: &showers)

      // It rains where the field is above a level that follows the wanted share within about an hour: the share stays
      // in its range, and yet a rain area that moves in is seen to move and not to be traded for another. Showers make
      // up the last quarter.
      let swell = 1 + 0.4 * sin(2 * .pi * (Double(frame) * options.stepSeconds / 32_400 + phase))
      let wanted = RainSimulator.level(of: field, exceededBy: min(0.75 * options.wetShare * swell, 0.95))
      let rate = Float(min(1, options.stepSeconds / 3600))
      let now = level.map { $0 + rate * (wanted - $0) } ?? wanted
      level = now

      var rain = Tensor(shape: [height, width])
      rain.withUnsafeMutableBufferPointer { rain in
        field.withUnsafeBufferPointer { field in
          details.withUnsafeBufferPointer { details in
            showers.withUnsafeBufferPointer { showers in
              for i in rain.indices {
                rain[i] = RainSimulator.rain(excess: field[i] - now, detail: details[i], shower: showers[i])
              }
            }
          }
        }
      }
      if options.hasMissingPixels { coverage.remove(from: &rain) }
      try body(frame, rain)
    }
  }

  /// The rain rate in mm/h where the field exceeds its level by `excess` standard deviations.
  private static func rain(excess: Float, detail: Float, shower: Float) -> Float {
    // Nearly lognormal, but continuous at the edge of the rain.
    var rate = excess > 0 ? 0.45 * (exp(1.5 * excess) - 1) : 0
    if shower > 0.01 { rate += shower * exp(0.7 * detail - 0.2) }
    guard rate >= 0.1 else { return 0 }
    return (min(rate, 150) * 100).rounded() / 100
  }

  /// The value that a share of the field exceeds, to within 1/64.
  private static func level(of field: Tensor, exceededBy share: Double) -> Float {
    // A histogram, because sorting every frame would take longer than making it.
    var histogram = [Int](repeating: 0, count: 1024)
    field.withUnsafeBufferPointer { field in
      histogram.withUnsafeMutableBufferPointer { histogram in
        for value in field { histogram[Int(min(max(value * 64 + 512, 0), 1023))] += 1 }
      }
    }
    var remaining = Int(share * Double(field.count))
    var bin = histogram.count - 1
    while bin > 0 && remaining >= histogram[bin] {
      remaining -= histogram[bin]
      bin -= 1
    }
    return Float(bin + 1 - 512) / 64
  }
}
