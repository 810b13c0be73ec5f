import Fourier

/// The radially averaged power spectrum of forecasts and observations in bands of wavelength: how blurred is a forecast?
///
/// The power `|FFT|² / (h·w)` of a frame in mm/h is averaged over rings of equal distance from the centre, rounded to
/// whole numbers, as pysteps' `rapsd` does; ring `k` has the wavelength max(h, w)/k pixels. The rings of each half octave
/// are averaged: 2 to 3 pixels, 3 to 4, 4 to 6, 6 to 8, 8 to 12 and so on. Missing pixels are zero in forecast and observation.
public struct PowerSpectrum: Sendable, Equatable, Codable {
  /// One band of wavelengths.
  public struct Band: Sendable, Equatable, Codable {
    /// Its shortest wavelength in pixels.
    public let wavelength: Int
    /// The power of the forecast, added over frames, (mm/h)².
    public internal(set) var forecast = ExactSum.zero
    /// The power of the observation.
    public internal(set) var observation = ExactSum.zero

    /// The power of the forecast over that of the observation; `nil` when that is zero.
    public var ratio: Double? {
      observation.units == 0 ? nil : forecast.value / observation.value
    }
  }

  /// The bands with at least one ring, the shortest wavelengths first.
  public private(set) var bands: [Band] = []
  /// The number of frames.
  public private(set) var frames = 0

  /// An empty spectrum.
  public init() {}

  /// Adds the spectra of other frames, `times` over. The order of merging does not matter.
  public mutating func merge(_ other: PowerSpectrum, times: Int = 1) {
    frames += other.frames * times
    for band in other.bands {
      var place = bands.firstIndex { $0.wavelength >= band.wavelength } ?? bands.count
      if place == bands.count || bands[place].wavelength != band.wavelength {
        bands.insert(Band(wavelength: band.wavelength), at: place)
        place = bands.firstIndex { $0.wavelength == band.wavelength } ?? place
      }
      bands[place].forecast += band.forecast * times
      bands[place].observation += band.observation * times
    }
  }

  /// The mean power per frame of a band's forecast and observation.
  public func meanPower(_ band: Band) -> (forecast: Double, observation: Double)? {
    frames == 0 ? nil : (band.forecast.value / Double(frames), band.observation.value / Double(frames))
  }

  /// The shortest wavelength of the band that holds a wavelength of at least 2 pixels.
  static func band(of wavelength: Double) -> Int {
    var low = 2
    while true {
      if wavelength < Double(low) * 1.5 { return low }
      if wavelength < Double(low) * 2 { return low / 2 * 3 }
      low *= 2
    }
  }

  mutating func add(frame bands: [Band]) {
    var one = PowerSpectrum()
    one.bands = bands
    one.frames = 1
    merge(one)
  }
}

/// What the spectra of frames of one size need.
final class SpectrumPlan: Sendable {
  let height: Int
  let width: Int
  private let transform: PlaneTransform
  /// The number of pixels of each ring.
  private let ringSizes: [Int]

  init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    transform = PlaneTransform(height: height, width: width)
    let longest = max(height, width)
    var sizes = [Int](repeating: 0, count: longest / 2 + longest % 2)
    for y in 0..<height {
      for x in 0..<width {
        let ring = Self.ring(y, x, height, width)
        if ring < sizes.count { sizes[ring] += 1 }
      }
    }
    ringSizes = sizes
  }

  @inline(__always)
  private static func ring(_ y: Int, _ x: Int, _ height: Int, _ width: Int) -> Int {
    let (v, u) = (min(y, height - y), min(x, width - x))
    return Int(Double(v * v + u * u).squareRoot().rounded())
  }

  /// The power of each ring of a forecast and an observation with zeros where they do not count.
  func rings(
    _ forecast: UnsafePointer<Float>, _ observation: UnsafePointer<Float>
  ) -> (forecast: [Double], observation: [Double]) {
    // The forecast is the real part and the observation the imaginary one: one transform is that of both.
    let plane = transform.transformed(forecast, observation)
    var forecast = [Double](repeating: 0, count: ringSizes.count)
    var observation = forecast
    for y in 0..<height {
      let opposite = (height - y) % height
      for x in 0..<width {
        let ring = Self.ring(y, x, height, width)
        guard ring < ringSizes.count else { continue }
        let (a, b) = (plane[y, x], plane[opposite, (width - x) % width])
        // Of the transform at opposite places the even part is the forecast's, the odd part the observation's.
        let (f1, f2) = (a.x + b.x, a.y - b.y)
        let (o1, o2) = (a.y + b.y, b.x - a.x)
        forecast[ring] += f1 * f1 + f2 * f2
        observation[ring] += o1 * o1 + o2 * o2
      }
    }
    for ring in ringSizes.indices {
      // The factor of a quarter belongs to the parts above.
      let divisor = 4 * Double(height * width) * Double(max(ringSizes[ring], 1))
      forecast[ring] /= divisor
      observation[ring] /= divisor
    }
    return (forecast, observation)
  }

  /// The power in bands, without the mean of the frame.
  func bands(_ forecast: UnsafePointer<Float>, _ observation: UnsafePointer<Float>) -> [PowerSpectrum.Band] {
    let rings = rings(forecast, observation)
    var sums: [Int: (power: SIMD2<Double>, rings: Double)] = [:]
    for ring in rings.forecast.indices.dropFirst() {
      let band = PowerSpectrum.band(of: Double(max(height, width)) / Double(ring))
      sums[band, default: (.zero, 0)].power += SIMD2(rings.forecast[ring], rings.observation[ring])
      sums[band]?.rings += 1
    }
    return sums.sorted { $0.key < $1.key }.map { wavelength, sum in
      let power = sum.power / sum.rings
      return PowerSpectrum.Band(wavelength: wavelength, forecast: ExactSum(power.x), observation: ExactSum(power.y))
    }
  }
}
