import Foundation
import Tensor

/// What the radar of a ``RainSimulator`` does not see: beyond its range, behind obstacles, and now and then.
struct RadarCoverage: Sendable {
  /// The azimuth of each pixel in radians, `-π...π`; NaN where the radar never sees anything.
  private var azimuth: [Float]
  /// Sectors that are missing until a frame.
  private var outages: [(centre: Float, halfWidth: Float, frames: Int)] = []
  private var source: RandomSource

  init(_ options: RainSimulator.Options) {
    var source = options.randomSource(.coverage)
    let (height, width) = (options.height, options.width)
    let radius = 0.54 * Float(min(height, width))
    let centreX = Float(width - 1) / 2 + (source.uniform() - 0.5) * 0.04 * Float(width)
    let centreY = Float(height - 1) / 2 + (source.uniform() - 0.5) * 0.04 * Float(height)
    // Two obstacles: a mast close by, which blocks a narrow beam, and a hill further out.
    let blockages = [(0.12, 0.012), (0.55, 0.035)].map { from, halfWidth in
      (centre: (source.uniform() * 2 - 1) * .pi, halfWidth: Float(halfWidth), from: Float(from) * radius)
    }
    var azimuth = [Float](repeating: .nan, count: height * width)
    for y in 0..<height {
      for x in 0..<width {
        let (dx, dy) = (Float(x) - centreX, Float(y) - centreY)
        let distance = hypot(dx, dy)
        let direction = atan2(dy, dx)
        let isBlocked = blockages.contains {
          distance > $0.from && RadarCoverage.angle(direction, $0.centre) < $0.halfWidth
        }
        if distance <= radius && !isBlocked { azimuth[y * width + x] = direction }
      }
    }
    self.azimuth = azimuth
    self.source = source
  }

  /// Removes from the next frame, `[h, w]`, what is not seen. To be called once for each frame, in their order.
  mutating func remove(from frame: inout Tensor) {
    outages = outages.map { ($0.centre, $0.halfWidth, $0.frames - 1) }.filter { $0.frames > 0 }
    let chance = source.uniform()
    let centre = (source.uniform() * 2 - 1) * Float.pi
    let halfWidth = 0.03 + 0.09 * source.uniform()
    let duration = 1 + source.index(below: 3)
    if chance < 0.06 { outages.append((centre, halfWidth, duration)) }
    let specks = source.index(below: frame.count / 4000 + 2)

    frame.withUnsafeMutableBufferPointer { pixels in
      for i in pixels.indices {
        let direction = azimuth[i]
        if direction.isNaN || outages.contains(where: { RadarCoverage.angle(direction, $0.centre) < $0.halfWidth }) {
          pixels[i] = .nan
        }
      }
      for _ in 0..<specks { pixels[source.index(below: pixels.count)] = .nan }
    }
  }

  /// The angle between two directions, 0 to π.
  private static func angle(_ a: Float, _ b: Float) -> Float {
    let difference = (a - b).magnitude
    return min(difference, 2 * .pi - difference)
  }
}
