import Foundation
import Tensor

/// The showers of a ``RainSimulator``: born where the large scales favour rain, they grow, move with the wind and die.
///
/// Elliptic, with a rate that falls off exponentially from the middle, as Capsoni et al. ("Data and theory for a new
/// model of the horizontal structure of rain cells", Radio Science 22, 1987) found it in radar images.
struct RainCells: Sendable {
  private struct Cell {
    /// The place in the plane that does not move, in pixels.
    let x, y: Double
    /// In frames; the birth need not be at a frame.
    let birth, lifetime: Double
    /// The rate in mm/h in the middle at the height of its life.
    let peak: Double
    /// The distances in pixels over which its rate falls to about a third, along and across.
    let along, across: Double
    /// The direction of its length, in radians.
    let angle: Double
  }

  private var cells: [Cell] = []
  private var source: RandomSource
  private var nextBirth: Double
  private let options: RainSimulator.Options
  /// The plane repeats after this many pixels, so that showers are needed in a finite part of it only.
  private let period: Double
  private let birthsPerFrame: Double

  private static let longestLifeSeconds = 4800.0

  init(_ options: RainSimulator.Options, motion: RainMotion) {
    self.options = options
    source = options.randomSource(.cells)
    let kilometre = 1000 / options.spacingMetres
    period = motion.extent + 30 * kilometre
    birthsPerFrame = 1.6e-6 * options.stepSeconds * (period / kilometre) * (period / kilometre)
    // Early enough that the first frame sees showers of every age.
    nextBirth = -RainCells.longestLifeSeconds / options.stepSeconds
  }

  private mutating func draw(_ low: Double, _ high: Double) -> Double {
    low + (high - low) * Double(source.uniform())
  }

  /// Lets showers be born until the time of a frame, and forgets those that have died.
  mutating func advance(to frame: Int, noise: RainNoise) {
    let now = Double(frame)
    let kilometre = 1000 / options.spacingMetres
    cells.removeAll { $0.birth + $0.lifetime <= now }
    while nextBirth <= now {
      let birth = nextBirth
      nextBirth -= log(1 - Double(source.uniform())) / birthsPerFrame
      let (x, y) = (draw(0, period), draw(0, period))
      // Everything is drawn before anything is decided, so that a small change of the field changes one shower only.
      let chance = source.uniform()
      let life = draw(1500, RainCells.longestLifeSeconds) / options.stepSeconds
      let peak = min(16 * exp(0.65 * Double(source.normal())), 90)
      let across = max(draw(0.8, 2.0) * kilometre, 0.7)
      let cell = Cell(
        x: x, y: y, birth: birth, lifetime: life, peak: peak, along: across * draw(1, 2.2), across: across,
        angle: draw(0, .pi))
      if chance < noise.largeScale(x: x, y: y) / 1.8 && birth + life > now { cells.append(cell) }
    }
  }

  /// Writes the rate of all showers in mm/h.
  func render(_ map: RainMotion.Map, frame: Int, into target: inout Tensor) {
    let (height, width) = (target.shape[0], target.shape[1])
    let middle = map(Double(width - 1) / 2, Double(height - 1) / 2)
    target.withUnsafeMutableBufferPointer { pixels in
      pixels.update(repeating: 0)
      for cell in cells {
        // The one image of the periodic plane's shower that is nearest to the frame.
        let x = cell.x + ((middle.x - cell.x) / period).rounded() * period
        let y = cell.y + ((middle.y - cell.y) / period).rounded() * period
        let centre = map.inverse(x, y)
        let age = (Double(frame) - cell.birth) / cell.lifetime
        guard age > 0 && age < 1 else { continue }
        // Grows faster than it decays, and spreads while it does.
        let strength = cell.peak * pow(sin(.pi * pow(age, 0.75)), 1.5)
        let spread = 0.7 + 0.6 * age
        let (along, across) = (cell.along * spread, cell.across * spread)
        let reach = 5 * along
        let columns = RainCells.range(centre.x, reach, width)
        let rows = RainCells.range(centre.y, reach, height)
        let (cosine, sine) = (cos(cell.angle), sin(cell.angle))
        for row in rows {
          for column in columns {
            let (dx, dy) = (Double(column) - centre.x, Double(row) - centre.y)
            let (a, b) = ((dx * cosine + dy * sine) / along, (dy * cosine - dx * sine) / across)
            let distance = a * a + b * b
            guard distance < 25 else { continue }
            // Rounded off in the middle, and let down to zero at the rim.
            let rim = 1 - distance / 25
            pixels[row * width + column] += Float(strength * exp(0.5 - (distance + 0.25).squareRoot()) * rim * rim)
          }
        }
      }
    }
  }

  /// The pixels within `reach` of `centre`, of `count`.
  private static func range(_ centre: Double, _ reach: Double, _ count: Int) -> Range<Int> {
    let low = min(max((centre - reach).rounded(.up), 0), Double(count))
    let high = min(max((centre + reach).rounded(.down) + 1, low), Double(count))
    return Int(low)..<Int(high)
  }
}
