import Foundation

/// The way from stored numbers to rain rate in mm/h, in double precision up to the last rounding.
struct Unpacking {
  /// Reflectivity at or below this is no echo, hence no rain: the lowest value of the usual 8-bit packing.
  static let noEcho = -32.0
  /// A rain rate below zero but above this is an error of rounding and taken as zero; the others are missing.
  static let slightlyNegative = -1e-3

  let packing: Packing
  let quantity: RainQuantity
  let relation: ReflectivityRelation
  private let noEchoLimit: Double

  /// The lowest value of a packed reflectivity means no echo too, wherever it lies, unless the file has its own code.
  init(packing: Packing, quantity: RainQuantity, relation: ReflectivityRelation) {
    self.packing = packing
    self.quantity = quantity
    self.relation = relation
    if case .reflectivity(let slope, let offset) = quantity, packing.noEcho.isEmpty, let lowest = packing.lowestValue {
      noEchoLimit = max(Unpacking.noEcho, slope * lowest + offset)
    } else {
      noEchoLimit = Unpacking.noEcho
    }
  }

  /// What was met while unpacking.
  struct Tally: Equatable {
    /// Pixels with a rain rate too far below zero to be an error of rounding.
    var negative = 0
    /// Pixels that are infinite.
    var infinite = 0

    static func += (a: inout Tally, b: Tally) {
      a.negative += b.negative
      a.infinite += b.infinite
    }

    fileprivate mutating func count(_ pixel: Pixel) {
      switch pixel {
      case .plain: break
      case .negative: negative += 1
      case .infinite: infinite += 1
      }
    }
  }

  fileprivate enum Pixel: UInt8 {
    case plain
    case negative
    case infinite
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
    guard let value = packing.value(of: stored) else { return (.nan, .plain) }
    if !packing.noEcho.isEmpty, packing.noEcho.contains(stored) { return (0, .plain) }
    var rate: Double
    switch quantity {
    case .rate(let factor): rate = value * factor
    case .amount(let factor): rate = value * factor / hours
    case .reflectivity(let slope, let offset):
      let dbz = slope * value + offset
      rate = dbz <= noEchoLimit ? 0 : relation.rainRate(dbz: dbz)
    case .linearReflectivity(let factor):
      let z = value * factor
      rate = z <= 0 ? 0 : relation.rainRate(dbz: 10 * log10(z))
    }
    guard rate.isFinite else { return (.nan, .infinite) }
    if rate < 0 {
      if rate < Unpacking.slightlyNegative { return (.nan, .negative) }
      rate = 0
    }
    let rounded = Float(rate)
    // Adding zero turns a negative zero into a plain one.
    return rounded.isFinite ? (rounded + 0, .plain) : (.nan, .infinite)
  }

  /// Unpacks numbers from the one at `first` on until `target` is full.
  func unpack(
    _ raw: RawValues, first: Int, into target: UnsafeMutableBufferPointer<Float>, hours: Double, table: inout Table
  ) -> Tally {
    // A table of 65,536 entries pays only for frames of about that size.
    let isLarge = target.count >= 1 << 15
    switch packing.type {
    case .byte: return look(up: Int8.self, raw, first, target, hours, &table)
    case .ubyte: return look(up: UInt8.self, raw, first, target, hours, &table)
    case .short where isLarge: return look(up: Int16.self, raw, first, target, hours, &table)
    case .ushort where isLarge: return look(up: UInt16.self, raw, first, target, hours, &table)
    case .short: return compute(raw, first, target, hours) { (x: Int16) in Double(x) }
    case .ushort: return compute(raw, first, target, hours) { (x: UInt16) in Double(x) }
    case .int: return compute(raw, first, target, hours) { (x: Int32) in Double(x) }
    case .uint: return compute(raw, first, target, hours) { (x: UInt32) in Double(x) }
    case .int64: return compute(raw, first, target, hours) { (x: Int64) in Double(x) }
    case .uint64: return compute(raw, first, target, hours) { (x: UInt64) in Double(x) }
    case .float: return compute(raw, first, target, hours) { (x: Float) in Double(x) }
    case .double: return compute(raw, first, target, hours) { (x: Double) in x }
    case .char, .string: return Tally()
    }
  }

  @inline(__always)
  private func compute<T>(
    _ raw: RawValues, _ first: Int, _ target: UnsafeMutableBufferPointer<Float>, _ hours: Double,
    _ convert: (T) -> Double
  ) -> Tally {
    let source = raw.pointer.assumingMemoryBound(to: T.self) + first
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
    up: T.Type, _ raw: RawValues, _ first: Int, _ target: UnsafeMutableBufferPointer<Float>, _ hours: Double,
    _ table: inout Table
  ) -> Tally {
    let codes = 1 << T.bitWidth
    table.fill(hours: hours, codes: codes) { rate(Double(T(truncatingIfNeeded: $0)), hours: hours) }
    let source = raw.pointer.assumingMemoryBound(to: T.self) + first
    var tally = Tally()
    table.values.withUnsafeBufferPointer { values in
      table.pixels.withUnsafeBufferPointer { pixels in
        for i in 0..<target.count {
          let code = Int(truncatingIfNeeded: source[i]) & (codes - 1)
          target[i] = values[code]
          if pixels[code] != .plain { tally.count(pixels[code]) }
        }
      }
    }
    return tally
  }
}
