import CPNG
import Foundation
import RadarIO

/// Pixels as a PNG file.
///
/// Through libpng's simplified interface, whose errors are values: the other one leaves by `longjmp`, which Swift forbids.
enum PNGFile {
  /// Encodes rows of pixels, the top one first: three bytes each for red, green and blue, or with `palette` one byte, the
  /// number of a colour there.
  ///
  /// - Parameter palette: red, green, blue and alpha of each colour.
  /// - Throws: ``RadarError`` `internalError`.
  static func encode(
    _ pixels: [UInt8], width: Int, height: Int, rowBytes: Int, palette: [UInt8]? = nil
  ) throws -> Data {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(width)
    image.height = UInt32(height)
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    if let palette {
      image.format |= UInt32(PNG_FORMAT_FLAG_COLORMAP) | UInt32(PNG_FORMAT_FLAG_ALPHA)
      image.colormap_entries = UInt32(palette.count / 4)
    }
    defer { png_image_free(&image) }
    // What compressed data can at most be longer than the pixels is far less than this.
    var size = pixels.count + pixels.count / 8 + 65536
    var bytes = Data(count: size)
    let isDone = bytes.withUnsafeMutableBytes { memory in
      pixels.withUnsafeBytes { source in
        (palette ?? []).withUnsafeBytes {
          png_image_write_to_memory(
            &image, memory.baseAddress, &size, 0, source.baseAddress, Int32(rowBytes),
            palette == nil ? nil : $0.baseAddress)
        }
      }
    }
    guard isDone != 0 else {
      let words = withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      throw RadarError(.internalError, "the picture could not be made (libpng: \(words)).")
    }
    return bytes.prefix(size)
  }
}
