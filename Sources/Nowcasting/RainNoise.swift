import Foundation
import Tensor

/// A Gaussian random field of many scales that changes with time, small scales sooner than large ones.
///
/// Each octave is a lattice of independent normal numbers, interpolated by cubic B-splines; the lattice is periodic and
/// larger than the domain, so the rain never runs out however far it moves.
struct RainNoise: Sendable {
  /// From the largest scale to the smallest.
  private var octaves: [Octave] = []

  init(_ options: RainSimulator.Options, motion: RainMotion) {
    let kilometre = 1000 / options.spacingMetres
    var spacing = min(0.3 * Double(max(options.height, options.width)), 90 * kilometre)
    repeat {
      let lifetime = Octave.lifetimeSeconds(spacingKilometres: spacing / kilometre)
      octaves.append(
        Octave(
          spacing: spacing, extent: motion.extent, persistence: Float(exp(-options.stepSeconds / lifetime)),
          source: options.randomSource(.octave(octaves.count))))
      spacing /= 2
    } while spacing > 1.4

    // The variance of an octave grows with its scale, as in a field with a spectral density that falls like k^-2.9.
    let variances = octaves.map { pow($0.spacing, 0.9) }
    let total = variances.reduce(0, +)
    for index in octaves.indices {
      octaves[index].amplitude = Float((variances[index] / total).squareRoot())
    }
  }

  /// One time step: every lattice point forgets a part of its value and gets as much new.
  mutating func advance() {
    for index in octaves.indices { octaves[index].advance() }
  }

  /// Writes the field, of mean 0 and variance 1, and its small scales alone, of variance 1 too.
  func render(_ map: RainMotion.Map, field: inout Tensor, details: inout Tensor) {
    let (height, width) = (field.shape[0], field.shape[1])
    let fine = max(octaves.count - 3, 0)
    let fineAmplitude = octaves[fine...].reduce(0) { $0 + $1.amplitude * $1.amplitude }.squareRoot()
    details.withUnsafeMutableBufferPointer { details in
      guard let pixels = details.baseAddress else { return }
      pixels.update(repeating: 0, count: height * width)
      for octave in octaves[fine...] { octave.add(map, height: height, width: width, to: pixels) }
      field.withUnsafeMutableBufferPointer { field in
        guard let all = field.baseAddress else { return }
        all.update(from: pixels, count: height * width)
        for octave in octaves[..<fine] { octave.add(map, height: height, width: width, to: all) }
      }
      for i in details.indices { details[i] /= fineAmplitude }
    }
  }

  /// The sum of the largest three scales at a place of the plane that does not move, of variance 1.
  func largeScale(x: Double, y: Double) -> Float {
    let large = octaves.prefix(3)
    let amplitude = large.reduce(0) { $0 + $1.amplitude * $1.amplitude }.squareRoot()
    var value: Float = 0
    for octave in large {
      octave.add(RainMotion.Map(x0: x, y0: y), height: 1, width: 1, to: &value)
    }
    return value / amplitude
  }
}

/// One scale of ``RainNoise``.
private struct Octave: Sendable {
  /// The distance of lattice points in pixels. The waves seen are about three times as long.
  let spacing: Double
  var amplitude: Float = 1

  /// The number of lattice points in either direction, after which the lattice repeats.
  private let period: Int
  /// `[period + 3, period + 3]`: the last three rows and columns repeat the first, so that no tap needs to wrap.
  private var lattice: [Float]
  /// The correlation of a lattice point from one frame to the next.
  private let persistence: Float
  private let cosine: Double
  private let sine: Double
  private var source: RandomSource

  init(spacing: Double, extent: Double, persistence: Float, source: RandomSource) {
    self.spacing = spacing
    self.persistence = persistence
    period = max(Int((extent / spacing).rounded(.up)) + 2, 4)
    self.source = source
    // Lattices of different directions, or their common axes would show.
    let angle = Double(self.source.uniform()) * 2 * .pi
    (cosine, sine) = (cos(angle), sin(angle))
    lattice = Array(repeating: 0, count: (period + 3) * (period + 3))
    update(keeping: 0, adding: 1)
  }

  /// Radar echoes of a few kilometres live for less than an hour, those of a hundred kilometres for many hours.
  static func lifetimeSeconds(spacingKilometres: Double) -> Double { 950 * pow(1.5 * spacingKilometres, 0.85) }

  mutating func advance() {
    update(keeping: persistence, adding: (1 - persistence * persistence).squareRoot())
  }

  private mutating func update(keeping old: Float, adding new: Float) {
    let row = period + 3
    for y in 0..<period {
      for x in 0..<period { lattice[y * row + x] = old * lattice[y * row + x] + new * source.normal() }
      for x in 0..<3 { lattice[y * row + period + x] = lattice[y * row + x] }
    }
    for y in 0..<3 {
      for x in 0..<row { lattice[(period + y) * row + x] = lattice[y * row + x] }
    }
  }

  /// Adds the octave, of variance `amplitude²`, to the pixels of a frame.
  func add(_ map: RainMotion.Map, height: Int, width: Int, to pixels: UnsafeMutablePointer<Float>) {
    // Pixels to lattice units: the map, then the octave's own rotation and scale.
    let ux = (cosine * map.xx + sine * map.yx) / spacing
    let uy = (cosine * map.xy + sine * map.yy) / spacing
    let vx = (cosine * map.yx - sine * map.xx) / spacing
    let vy = (cosine * map.yy - sine * map.xy) / spacing
    var u0 = (cosine * map.x0 + sine * map.y0) / spacing
    var v0 = (cosine * map.y0 - sine * map.x0) / spacing
    // Shifted by whole periods so that the smallest coordinate of the frame lies in the first one. No frame is wider than
    // a period, so a single subtraction wraps.
    let length = Double(period)
    let (lastX, lastY) = (Double(width - 1), Double(height - 1))
    let leastU = u0 + min(0, ux * lastX) + min(0, uy * lastY)
    let leastV = v0 + min(0, vx * lastX) + min(0, vy * lastY)
    u0 -= (leastU / length).rounded(.down) * length
    v0 -= (leastV / length).rounded(.down) * length

    let row = period + 3
    // The standard deviation of a two-dimensional cubic B-spline of independent normal numbers, on average.
    let scale = amplitude / (151.0 / 315)
    lattice.withUnsafeBufferPointer { lattice in
      guard let lattice = lattice.baseAddress else { return }
      for y in 0..<height {
        let target = pixels + y * width
        for x in 0..<width {
          let u = max(u0 + ux * Double(x) + uy * Double(y), 0)
          let v = max(v0 + vx * Double(x) + vy * Double(y), 0)
          var (i, j) = (Int(u), Int(v))
          let (s, t) = (Float(u - Double(i)), Float(v - Double(j)))
          while i >= period { i -= period }
          while j >= period { j -= period }

          let (s2, s3, r) = (s * s, s * s * s, 1 - s)
          let a = r * r * r
          let b = 3 * s3 - 6 * s2 + 4
          let c = 3 * (s + s2 - s3) + 1
          let corner = lattice + (j * row + i)
          let line0 = a * corner[0] + b * corner[1] + c * corner[2] + s3 * corner[3]
          let next = corner + row
          let line1 = a * next[0] + b * next[1] + c * next[2] + s3 * next[3]
          let third = next + row
          let line2 = a * third[0] + b * third[1] + c * third[2] + s3 * third[3]
          let last = third + row
          let line3 = a * last[0] + b * last[1] + c * last[2] + s3 * last[3]
          let (t2, t3, q) = (t * t, t * t * t, 1 - t)
          let sum =
            q * q * q * line0 + (3 * t3 - 6 * t2 + 4) * line1 + (3 * (t + t2 - t3) + 1) * line2 + t3 * line3
          target[x] += sum * (scale / 36)
        }
      }
    }
  }
}
