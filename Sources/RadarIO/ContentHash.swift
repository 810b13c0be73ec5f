/// A hash of 64 bits that tells content from other content: FNV-1a over words, with the high bits folded back.
///
/// Every step is one to one in what came before, so a single word that differs always shows. It notices accidents, not
/// forgery.
package struct ContentHash: Sendable {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func add(_ word: UInt64) {
    state = (state ^ word) &* 0x100_0000_01B3
    // Without this the topmost bit of a word would stay where it is, and two of them would cancel out.
    state ^= state >> 32
  }

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    if whole < bytes.count { add(bytes[whole...].reduce(0) { $0 << 8 | UInt64($1) }) }
  }

  package mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// Sixteen hexadecimal digits.
  package var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
