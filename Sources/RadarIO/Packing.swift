/// How the stored numbers of a variable stand for values, and which of them stand for none.
struct Packing: Equatable {
  /// The type the bits are to be read as (`_Unsigned` taken into account).
  var type: NetCDFType
  var scale = 1.0
  var offset = 0.0
  /// Stored numbers that mean "missing".
  var missing: [Double] = []
  /// Stored numbers that mean "looked at, and nothing seen": no rain.
  var undetected: [Double] = []
  /// What the codes among the numbers mean; `nil` where there are none that are named.
  var flags: FlaggedCodes?
  /// The least and greatest valid stored numbers.
  var validStored: ClosedRange<Double>?
  /// The least and greatest valid values after unpacking.
  var validUnpacked: ClosedRange<Double>?

  /// Reads the attributes of a variable after the NetCDF Users Guide and CF section 8.1 and 2.5.1.
  init(variable: NetCDFFile.Variable, type external: NetCDFType) {
    let attributes = variable.attributes
    switch attributes.text("_Unsigned")?.lowercased() {
    case "true": type = external.unsigned
    case "false": type = external.signed
    default: type = external
    }
    // Some write numbers as text. What is no number then is one that cannot be used, and not 1.
    func number(_ name: String) -> Double? {
      attributes[name].map { $0.numbers().first ?? $0.text.flatMap(Double.init) ?? .nan }
    }
    scale = number("scale_factor") ?? 1
    offset = number("add_offset") ?? 0

    // Reads an attribute that is in the variable's own type: its bits may need `_Unsigned` as well, and a double is
    // compared as the float it would have been stored as.
    func stored(_ name: String) -> [Double] {
      guard let attribute = attributes[name] else { return [] }
      let numbers =
        attribute.text?.split { $0 == "," || $0.isWhitespace }.compactMap { Double($0) }
        ?? attribute.numbers(as: attribute.type == external ? type : nil)
      return type == .float ? numbers.map { Double(Float($0)) } : numbers
    }
    missing = stored("_FillValue") + stored("missing_value")
    if attributes["_FillValue"] == nil, let fill = Packing.defaultFill(of: type) { missing.append(fill) }
    for name in ["nodata", "_nodata", "no_data", "NoData"] { missing += stored(name) }
    missing = missing.filter { !$0.isNaN }
    undetected = ["undetect", "_undetect", "undetectable"].flatMap(stored)
    flags = FlaggedCodes(values: stored("flag_values"), meanings: attributes.words("flag_meanings"))
    if let flags {
      undetected += flags.dry.map(\.number)
      missing += flags.missing.map(\.number)
    }
    undetected.removeAll(where: missing.contains)

    // A range in the wider type of the scale factor is one of unpacked values (NUG, "valid_range").
    let packed = attributes["scale_factor"] ?? attributes["add_offset"]
    func bound(_ name: String, _ index: Int, _ rangeIndex: Int) -> (value: Double, isUnpacked: Bool)? {
      for (name, index) in [(name, index), ("valid_range", rangeIndex)] {
        guard let attribute = attributes[name] else { continue }
        let numbers = stored(name)
        guard numbers.indices.contains(index), !numbers[index].isNaN else { continue }
        return (numbers[index], type.isInteger && packed?.type == attribute.type && !attribute.type.isInteger)
      }
      return nil
    }
    let low = bound("valid_min", 0, 0)
    let high = bound("valid_max", 0, 1)
    func range(unpacked: Bool) -> ClosedRange<Double>? {
      let least = low.flatMap { $0.isUnpacked == unpacked ? $0.value : nil }
      let greatest = high.flatMap { $0.isUnpacked == unpacked ? $0.value : nil }
      guard least != nil || greatest != nil else { return nil }
      let (from, to) = (least ?? -.infinity, greatest ?? .infinity)
      return from <= to ? from...to : nil
    }
    validStored = range(unpacked: false)
    validUnpacked = range(unpacked: true)
  }

  /// The fill value the library gives to what was never written; none for bytes, whose every code may be data (NUG).
  private static func defaultFill(of type: NetCDFType) -> Double? {
    switch type {
    case .byte, .ubyte, .char, .string: nil
    case .short: -32767
    case .ushort: 65535
    case .int: -2_147_483_647
    case .uint: 4_294_967_295
    case .int64: Double(Int64.min + 2)
    case .uint64: Double(UInt64.max - 1)
    case .float: Double(Float(9.969_209_968_386_869e36))
    case .double: 9.969_209_968_386_869e36
    }
  }

  /// The value of a stored number; `nil` when it stands for none.
  @inline(__always)
  func value(of stored: Double) -> Double? {
    if stored.isNaN || missing.contains(stored) || undetected.contains(stored) { return nil }
    if let range = validStored, !range.contains(stored) { return nil }
    let value = stored * scale + offset
    if let range = validUnpacked, !range.contains(value) { return nil }
    return value
  }

  /// Whether a stored number is the last one its type of integers can hold: by custom a code for "missing", declared or not.
  func isExtreme(_ stored: Double) -> Bool {
    switch type {
    case .byte: stored == 127 || stored == -128
    case .ubyte: stored == 255
    case .short: stored == 32767 || stored == -32768
    case .ushort: stored == 65535
    case .int: stored == 2_147_483_647 || stored == -2_147_483_648
    case .uint: stored == 4_294_967_295
    default: false
    }
  }

  /// The lowest value a packed variable of at most 16 bits can hold: by custom what a radar writes for "no echo".
  var lowestValue: Double? {
    let codes: ClosedRange<Int>
    switch type {
    case .byte: codes = -128...127
    case .ubyte: codes = 0...255
    case .short: codes = -32768...32767
    case .ushort: codes = 0...65535
    default: return nil
    }
    guard scale != 0, scale != 1 || offset != 0 else { return nil }
    for step in 0..<codes.count {
      let code = scale > 0 ? codes.lowerBound + step : codes.upperBound - step
      if let value = value(of: Double(code)) { return value }
    }
    return nil
  }
}
