import Foundation
import Tensor

/// How the rain of a ``RainSimulator`` moves: a wind that veers slowly, with rotation and shear.
///
/// The wind is linear in space, so where a parcel of air comes from is an affine map, known exactly for every frame.
/// Nothing is advected step by step, and so nothing is blurred.
struct RainMotion: Sendable {
  /// From a pixel `(x, y)` (column, row) of one frame to the place of its air in a plane that does not move, in pixels.
  struct Map: Sendable {
    var xx = 1.0
    var xy = 0.0
    var yx = 0.0
    var yy = 1.0
    var x0 = 0.0
    var y0 = 0.0

    func callAsFunction(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
      (xx * x + xy * y + x0, yx * x + yy * y + y0)
    }

    /// The pixel of a place.
    func inverse(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
      let determinant = xx * yy - xy * yx
      let (dx, dy) = (x - x0, y - y0)
      return ((yy * dx - xy * dy) / determinant, (xx * dy - yx * dx) / determinant)
    }
  }

  /// The map of each frame.
  let maps: [Map]
  /// No frame covers more than this many pixels of the plane in any direction.
  let extent: Double

  init(_ options: RainSimulator.Options) {
    var source = options.randomSource(.motion)
    func draw(_ low: Double, _ high: Double) -> Double { low + (high - low) * Double(source.uniform()) }
    // Rain comes from the west rather than from anywhere, so that a short training has a motion to learn.
    let direction = draw(-0.7, 0.7)
    let pixelsPerFrame = options.speed * options.stepSeconds / options.spacingMetres * draw(0.8, 1.2)
    let (veerPhase, shearPhase) = (draw(0, 1), draw(0, 1))
    let diagonal = hypot(Double(options.height), Double(options.width))
    // At the corners rotation adds at most a third of the mean wind, whatever the size of the domain.
    let rotation = draw(-1, 1) * pixelsPerFrame / (1.5 * diagonal)
    let shear = options.speed > 0 ? 0.12 : 0

    let hours = options.stepSeconds / 3600
    /// The linear part at a time in frames: shear that comes and goes, so that nothing is drawn out for ever.
    func linear(_ frame: Double) -> Map {
      let s = shear * sin(2 * .pi * (frame * hours / 7 + shearPhase))
      let (cosine, sine) = (cos(rotation * frame), sin(rotation * frame))
      return Map(xx: cosine, xy: cosine * s - sine, yx: sine, yy: sine * s + cosine)
    }
    let (centreX, centreY) = (Double(options.width - 1) / 2, Double(options.height - 1) / 2)
    var (px, py) = (0.0, 0.0)
    var maps: [Map] = []
    for frame in 0..<options.frames {
      var map = linear(Double(frame))
      let (x, y) = map(centreX, centreY)
      map.x0 = -x - px
      map.y0 = -y - py
      maps.append(map)
      // The displacement until the next frame by the wind halfway, seen in the plane.
      let middle = Double(frame) + 0.5
      let veer = direction + 0.35 * sin(2 * .pi * (middle * hours / 11 + veerPhase))
      let (dx, dy) = linear(middle)(pixelsPerFrame * cos(veer), pixelsPerFrame * sin(veer))
      px += dx
      py += dy
    }
    self.maps = maps
    extent = diagonal * (1 + shear)
  }
}
