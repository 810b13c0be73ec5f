import Foundation
import Testing

@testable import Nowcasting

@Suite struct SHA256Tests {
  /// The examples of FIPS 180-4, and lengths around that of a block (reference: `sha256sum`).
  @Test(arguments: [
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"),
    ("a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    ("a", 100_000, "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee"),
  ]) func published(word: String, count: Int, expected: String) {
    let text = String(repeating: word, count: count)
    #expect(SHA256.text(of: Data(text.utf8)) == expected)
    // Piece by piece it is the same.
    for size in [1, 7, 64, 65] where text.utf8.count < 1000 || size > 60 {
      var hash = SHA256()
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(size)
        piece.withUnsafeBytes { hash.add($0) }
        rest = rest.dropFirst(size)
      }
      #expect(hash.text == expected)
    }
  }
}
