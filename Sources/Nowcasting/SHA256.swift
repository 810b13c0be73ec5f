import Foundation

/// The hash SHA-256 (FIPS 180-4), which tells a file from every other one, and which any machine can recompute (`sha256sum`).
struct SHA256 {
  private var state: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
  ]
  /// What does not fill a block yet.
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    byteCount += UInt64(bytes.count)
    var place = 0
    if !rest.isEmpty {
      place = min(64 - rest.count, bytes.count)
      rest += bytes[..<place]
      guard rest.count == 64 else { return }
      let block = rest
      rest = []
      block.withUnsafeBytes { addBlocks($0, count: 1) }
    }
    let blocks = (bytes.count - place) / 64
    addBlocks(UnsafeRawBufferPointer(rebasing: bytes[place...]), count: blocks)
    rest += bytes[(place + blocks * 64)...]
  }

  /// The hash of everything that was added, as 64 hexadecimal digits.
  var text: String {
    var copy = self
    var end = [0x80] + [UInt8](repeating: 0, count: (119 - rest.count) % 64)
    withUnsafeBytes(of: (byteCount * 8).bigEndian) { end += $0 }
    end.withUnsafeBytes { copy.add($0) }
    return copy.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private mutating func addBlocks(_ bytes: UnsafeRawBufferPointer, count: Int) {
    guard count > 0 else { return }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
      SHA256.constants.withUnsafeBufferPointer { constants in
        state.withUnsafeMutableBufferPointer { state in
          for block in 0..<count { SHA256.add(bytes, at: block * 64, words, constants, to: state) }
        }
      }
    }
  }

  private static func add(
    _ bytes: UnsafeRawBufferPointer, at start: Int, _ words: UnsafeMutableBufferPointer<UInt32>,
    _ constants: UnsafeBufferPointer<UInt32>, to state: UnsafeMutableBufferPointer<UInt32>
  ) {
    func rotated(_ x: UInt32, _ by: UInt32) -> UInt32 { x &>> by | x &<< (32 &- by) }
    for t in 0..<16 {
      words[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * t, as: UInt32.self))
    }
    for t in 16..<64 {
      let (a, b) = (words[t - 15], words[t - 2])
      let first = rotated(a, 7) ^ rotated(a, 18) ^ a &>> 3
      let second = rotated(b, 17) ^ rotated(b, 19) ^ b &>> 10
      words[t] = words[t - 16] &+ first &+ words[t - 7] &+ second
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for t in 0..<64 {
      let choice = (e & f) ^ (~e & g)
      let first = h &+ (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) &+ choice &+ constants[t] &+ words[t]
      let majority = (a & b) ^ (a & c) ^ (b & c)
      let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
      (h, g, f, e) = (g, f, e, d &+ first)
      (d, c, b, a) = (c, b, a, first &+ second)
    }
    for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] = state[index] &+ value }
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
    0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
    0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
    0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
    0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
    0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
    0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
    0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
  ]
}

extension SHA256 {
  /// The hash of some bytes.
  static func text(of bytes: some DataProtocol) -> String {
    var hash = SHA256()
    for region in bytes.regions { region.withUnsafeBytes { hash.add($0) } }
    return hash.text
  }

  /// The hash of a file.
  ///
  /// - Throws: ``NowcastError`` `notFound` when it cannot be read.
  static func text(ofFile path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    func unreadable() -> NowcastError {
      NowcastError(.notFound, "the file cannot be read (\(String(cString: strerror(errno)))).", path: path)
    }
    guard descriptor >= 0 else { throw unreadable() }
    defer { close(descriptor) }
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = try buffer.withUnsafeMutableBytes { bytes in
        var count: Int
        repeat { count = read(descriptor, bytes.baseAddress, bytes.count) } while count < 0 && errno == EINTR
        guard count >= 0 else { throw unreadable() }
        return count
      }
      guard count > 0 else { return hash.text }
      buffer.withUnsafeBytes { hash.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }
}
