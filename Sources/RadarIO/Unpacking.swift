import Foundation

/// The way from stored numbers to rain rate in mm/h, in double precision up to the last rounding.
struct Unpacking {
  /// Reflectivity at or below this is no echo, hence no rain: the lowest value of the usual 8-bit packing.
  static let noEcho = -32.0
  /// A rain rate below zero but above this is an error of rounding and taken as zero; the others are missing.
  static let slightlyNegative = -1e-3
  /// Reflectivity below this is no measurement: a code for missing, such as −999, that no attribute declares.
  static let noReflectivity = -100.0
  /// 10·log10 of a rain rate at or below this is no rain: what pysteps writes for dry pixels.
  static let dryLogarithm = -15.0
  /// More rain than this in mm/h no radar pixel has ever had: the records of a few minutes at a gauge are about as much.
  static let mostRain = 1000.0
  /// A rain rate above this is no error of measurement but a code for missing, such as 1e20, that no attribute declares.
  static let noRainRate = 1e9

  let packing: Packing
  let quantity: RainQuantity
  let relation: ReflectivityRelation
  private let noEchoLimit: Double

  /// The lowest value of a packed reflectivity means no echo too, wherever it lies, unless the file has its own code.
  init(packing: Packing, quantity: RainQuantity, relation: ReflectivityRelation) {
    self.packing = packing
    self.quantity = quantity
    self.relation = relation
    let lowest = packing.undetected.isEmpty ? packing.lowestValue : nil
    switch quantity {
    case .reflectivity(let slope, let offset):
      noEchoLimit = max(Unpacking.noEcho, lowest.map { slope * $0 + offset } ?? -.infinity)
    case .logarithmicRate: noEchoLimit = max(Unpacking.dryLogarithm, lowest ?? -.infinity)
    default: noEchoLimit = Unpacking.noEcho
    }
  }

  /// What was met while unpacking.
  struct Tally: Equatable {
    /// Pixels with a rain rate too far below zero to be an error of rounding.
    var negative = 0
    /// Pixels that are infinite or codes nobody declared, or reflectivity no radar could tell from nothing.
    var impossible = 0
    /// Pixels cut to ``Unpacking/mostRain``.
    var clipped = 0

    static func += (a: inout Tally, b: Tally) {
      a.negative += b.negative
      a.impossible += b.impossible
      a.clipped += b.clipped
    }

    fileprivate mutating func count(_ pixel: Pixel) {
      switch pixel {
      case .plain: break
      case .negative: negative += 1
      case .impossible: impossible += 1
      case .clipped: clipped += 1
      }
    }
  }

  fileprivate enum Pixel: UInt8 {
    case plain, negative, impossible, clipped
  }

  /// The rain rate in mm/h of every code of a packed variable, kept from frame to frame.
  struct Table {
    private var hours: Double?
    fileprivate var values: [Float] = []
    fileprivate var pixels: [Pixel] = []

    fileprivate mutating func fill(hours: Double, codes: Int, _ rate: (Int) -> (Float, Pixel)) {
      guard self.hours != hours || values.count != codes else { return }
      self.hours = hours
      let entries = (0..<codes).map(rate)
      values = entries.map(\.0)
      pixels = entries.map(\.1)
    }
  }

  /// The rain rate in mm/h of a stored number, `NaN` where it is missing; amounts are divided by `hours`.
  @inline(__always)
  private func rate(_ stored: Double, hours: Double) -> (Float, Pixel) {
    if packing.undetected.contains(stored) { return (0, .plain) }
    guard let value = packing.value(of: stored) else { return (.nan, .plain) }
    var rate: Double
    switch quantity {
    case .rate(let factor): rate = value * factor
    case .amount(let factor): rate = value * factor / hours
    case .logarithmicRate: rate = value <= noEchoLimit ? 0 : pow(10, value / 10)
    case .reflectivity(let slope, let offset):
      let dbz = slope * value + offset
      if dbz < Unpacking.noReflectivity, dbz.isFinite { return (.nan, .impossible) }
      rate = dbz <= noEchoLimit ? 0 : relation.rainRate(dbz: dbz)
    case .linearReflectivity(let factor):
      let z = value * factor
      rate = z <= 0 ? 0 : relation.rainRate(dbz: 10 * log10(z))
    }
    guard rate.isFinite, rate <= Unpacking.noRainRate else { return (.nan, .impossible) }
    if rate < 0 {
      if rate < Unpacking.slightlyNegative { return (.nan, .negative) }
      rate = 0
    }
    if rate > Unpacking.mostRain {
      return packing.isExtreme(stored) ? (.nan, .impossible) : (Float(Unpacking.mostRain), .clipped)
    }
    // Adding zero turns a negative zero into a plain one.
    return (Float(rate) + 0, .plain)
  }

  /// Unpacks as many numbers as `target` holds.
  func unpack(
    _ raw: RawValues, into target: UnsafeMutableBufferPointer<Float>, hours: Double, table: inout Table
  ) -> Tally {
    // A table of 65,536 entries pays only for frames of about that size.
    let isLarge = target.count >= 1 << 15
    switch packing.type {
    case .byte: return look(up: Int8.self, raw, target, hours, &table)
    case .ubyte: return look(up: UInt8.self, raw, target, hours, &table)
    case .short where isLarge: return look(up: Int16.self, raw, target, hours, &table)
    case .ushort where isLarge: return look(up: UInt16.self, raw, target, hours, &table)
    case .short: return compute(raw, target, hours) { (x: Int16) in Double(x) }
    case .ushort: return compute(raw, target, hours) { (x: UInt16) in Double(x) }
    case .int: return compute(raw, target, hours) { (x: Int32) in Double(x) }
    case .uint: return compute(raw, target, hours) { (x: UInt32) in Double(x) }
    case .int64: return compute(raw, target, hours) { (x: Int64) in Double(x) }
    case .uint64: return compute(raw, target, hours) { (x: UInt64) in Double(x) }
    case .float: return compute(raw, target, hours) { (x: Float) in Double(x) }
    case .double: return compute(raw, target, hours) { (x: Double) in x }
    case .char, .string: return Tally()
    }
  }

  @inline(__always)
  private func compute<T>(
    _ raw: RawValues, _ target: UnsafeMutableBufferPointer<Float>, _ hours: Double,
    _ convert: (T) -> Double
  ) -> Tally {
    let source = raw.pointer.assumingMemoryBound(to: T.self)
    var tally = Tally()
    for i in 0..<target.count {
      let (value, pixel) = rate(convert(source[i]), hours: hours)
      target[i] = value
      if pixel != .plain { tally.count(pixel) }
    }
    return tally
  }

  @inline(__always)
  private func look<T: FixedWidthInteger>(
    up: T.Type, _ raw: RawValues, _ target: UnsafeMutableBufferPointer<Float>, _ hours: Double,
    _ table: inout Table
  ) -> Tally {
    let codes = 1 << T.bitWidth
    table.fill(hours: hours, codes: codes) { rate(Double(T(truncatingIfNeeded: $0)), hours: hours) }
    let source = raw.pointer.assumingMemoryBound(to: T.self)
    var tally = Tally()
    table.values.withUnsafeBufferPointer { values in
      table.pixels.withUnsafeBufferPointer { pixels in
        for i in 0..<target.count {
          let code = Int(truncatingIfNeeded: source[i]) & (codes - 1)
          let value = values[code]
          target[i] = value
          // What is to be counted is missing or cut: the second table is looked at for these alone.
          if !(value < Float(Unpacking.mostRain)) { tally.count(pixels[code]) }
        }
      }
    }
    return tally
  }
}
