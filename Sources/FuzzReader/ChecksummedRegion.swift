/// A part of an HDF5 file with a checksum behind it (Bob Jenkins' lookup3).
struct ChecksummedRegion {
  private let start: Int
  private let count: Int

  /// What parts with checksums begin with.
  private static let signatures: [[UInt8]] =
    [[0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]]
    + [
      "OHDR", "OCHK", "FRHP", "FHDB", "FHIB", "FSHD", "BTHD", "BTIN", "BTLF", "SMTB", "SMLI", "FAHD", "FADB", "EAHD",
      "EAIB", "EASB", "EADB",
    ].map { Array($0.utf8) }
  private static let longest = 8192

  /// All such parts of a whole file: how long they are is found by trying.
  static func all(in bytes: [UInt8]) -> [ChecksummedRegion] {
    bytes.indices.compactMap { start in
      guard signatures.contains(where: { bytes[start...].starts(with: $0) }) else { return nil }
      return (8..<longest).lazy.filter { count in
        start + count + 4 <= bytes.count && stored(bytes, at: start + count) == lookup3(bytes, start, count)
      }.first.map { ChecksummedRegion(start: start, count: $0) }
    }
  }

  /// Makes the checksum right.
  func mend(_ bytes: inout [UInt8]) {
    guard start + count + 4 <= bytes.count else { return }
    let checksum = ChecksummedRegion.lookup3(bytes, start, count)
    for i in 0..<4 { bytes[start + count + i] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * i)) }
  }

  private static func stored(_ bytes: [UInt8], at place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
  }

  /// `H5_checksum_lookup3` with an initial value of zero.
  private static func lookup3(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt32 {
    func rotated(_ x: UInt32, _ by: UInt32) -> UInt32 { x << by | x >> (32 - by) }
    func word(_ place: Int, _ count: Int) -> UInt32 {
      (0..<max(0, min(4, count))).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
    }
    var a = 0xDEAD_BEEF &+ UInt32(count)
    var (b, c) = (a, a)
    var (place, rest) = (start, count)
    while rest > 12 {
      a &+= word(place, 4)
      b &+= word(place + 4, 4)
      c &+= word(place + 8, 4)
      (a, c) = (a &- c ^ rotated(c, 4), c &+ b)
      (b, a) = (b &- a ^ rotated(a, 6), a &+ c)
      (c, b) = (c &- b ^ rotated(b, 8), b &+ a)
      (a, c) = (a &- c ^ rotated(c, 16), c &+ b)
      (b, a) = (b &- a ^ rotated(a, 19), a &+ c)
      (c, b) = (c &- b ^ rotated(b, 4), b &+ a)
      place += 12
      rest -= 12
    }
    guard rest > 0 else { return c }
    a &+= word(place, rest)
    b &+= word(place + 4, rest - 4)
    c &+= word(place + 8, rest - 8)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    c = (c ^ b) &- rotated(b, 24)
    return c
  }
}
