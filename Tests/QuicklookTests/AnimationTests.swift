import Foundation
import RadarIO
import Tensor
import Testing

@testable import Quicklook

/// Reads GIF files after the letter of GIF89a, as far as those written here go: the frames' parts with their places.
private struct GIFReader {
  struct Frame {
    var (x, y, width, height) = (0, 0, 0, 0)
    var hundredths = 0
    var pixels: [UInt8] = []
  }

  private(set) var width = 0
  private(set) var height = 0
  private(set) var palette: [Colour] = []
  private(set) var frames: [Frame] = []
  private(set) var repeats: Int?
  private var bytes: [UInt8]
  private var place = 0

  init?(_ data: Data) {
    bytes = Array(data)
    guard String(decoding: take(6), as: UTF8.self) == "GIF89a" else { return nil }
    (width, height) = (number(), number())
    let flags = Int(take(3)[0])
    guard flags & 0x80 != 0 else { return nil }
    for _ in 0..<1 << (flags & 7 + 1) {
      let colour = take(3)
      palette.append(Colour(UInt32(colour[0]) << 16 | UInt32(colour[1]) << 8 | UInt32(colour[2])))
    }
    var hundredths = 0
    while place < bytes.count {
      switch take(1)[0] {
      case 0x3B where place == bytes.count: return
      case 0x21:
        let label = take(1)[0]
        let content = blocks()
        if label == 0xF9 { hundredths = Int(content[1]) | Int(content[2]) << 8 }
        if label == 0xFF { repeats = Int(content[12]) | Int(content[13]) << 8 }
      case 0x2C:
        var frame = Frame()
        (frame.x, frame.y, frame.width, frame.height) = (number(), number(), number(), number())
        frame.hundredths = hundredths
        guard take(1)[0] == 0 else { return nil }
        let depth = Int(take(1)[0])
        guard let pixels = GIFReader.unpacked(blocks(), depth: depth) else { return nil }
        frame.pixels = pixels
        frames.append(frame)
      default: return nil
      }
    }
    return nil
  }

  private mutating func take(_ count: Int) -> [UInt8] {
    defer { place += count }
    return place + count <= bytes.count ? Array(bytes[place..<place + count]) : [UInt8](repeating: 0, count: count)
  }

  private mutating func number() -> Int {
    let two = take(2)
    return Int(two[0]) | Int(two[1]) << 8
  }

  private mutating func blocks() -> [UInt8] {
    var content: [UInt8] = []
    while place < bytes.count {
      let count = Int(take(1)[0])
      if count == 0 { break }
      content += take(count)
    }
    return content
  }

  /// Lempel, Ziv and Welch's codes as rows of pixels; `nil` when one is not known or the end is missing.
  static func unpacked(_ bytes: [UInt8], depth: Int) -> [UInt8]? {
    let clear = 1 << depth
    var rows: [[UInt8]] = []
    var (size, last, pixels) = (depth + 1, [UInt8]?.none, [UInt8]())
    var bit = 0
    while bit + size <= bytes.count * 8 {
      let code = (0..<size).reduce(0) { $0 | Int(bytes[(bit + $1) / 8] >> ((bit + $1) % 8) & 1) << $1 }
      bit += size
      if code == clear {
        rows = (0..<clear + 2).map { $0 < clear ? [UInt8($0)] : [] }
        (size, last) = (depth + 1, nil)
        continue
      }
      if code == clear + 1 { return bytes.count * 8 - bit < 8 ? pixels : nil }
      guard code < rows.count || (code == rows.count && last != nil) else { return nil }
      let row = code < rows.count ? rows[code] : (last ?? []) + (last ?? []).prefix(1)
      pixels += row
      if let last, rows.count < 4096 { rows.append(last + row.prefix(1)) }
      if rows.count == 1 << size, size < 12 { size += 1 }
      last = row
    }
    return nil
  }

  /// The pictures as they are seen, one after the other.
  var pictures: [[UInt8]] {
    var seen = [UInt8](repeating: 0, count: width * height)
    return frames.map { frame in
      for (index, pixel) in frame.pixels.enumerated() {
        seen[(frame.y + index / frame.width) * width + frame.x + index % frame.width] = pixel
      }
      return seen
    }
  }
}

@Suite struct AnimationTests {
  /// Rows of all kinds through the compression and back: long, short, of one colour, of all, more than the table holds.
  @Test(arguments: [2, 5, 8])
  func whatIsCompressedComesBack(depth: Int) throws {
    var state: UInt64 = 1
    func random(_ below: Int) -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(Int(state >> 33) % below)
    }
    let colours = 1 << depth
    for count in [0, 1, 2, 3, 100, 4095, 4096, 70_000] {
      for pixels in [
        (0..<count).map { _ in random(colours) }, [UInt8](repeating: 1, count: count),
        (0..<count).map { UInt8($0 / 7 % colours) }, (0..<count).map { $0 % 50 < 40 ? 0 : random(colours) },
      ] {
        var compressor = LZWCompressor(depth: depth)
        compressor.add(pixels)
        #expect(GIFReader.unpacked(compressor.finished(), depth: depth) == pixels)
      }
    }
  }

  @Test func framesHoldWhatChanges() throws {
    var canvas = Canvas(width: 6, height: 4)
    var file = GIFFile(width: 6, height: 4, colours: [.white, .ink, .faint])
    file.add(canvas, seconds: 0.4)
    canvas[2, 1] = .ink
    canvas[4, 2] = .faint
    file.add(canvas, seconds: 0.001)
    file.add(canvas, seconds: 1e6)
    let reader = try #require(GIFReader(file.data()))
    #expect(reader.width == 6 && reader.height == 4 && reader.repeats == 0 && reader.palette.count == 4)
    #expect(reader.frames.map(\.hundredths) == [40, 2, 65535])
    let second = reader.frames[1]
    #expect((second.x, second.y, second.width, second.height) == (2, 1, 3, 2))
    #expect(second.pixels == [1, 0, 0, 0, 0, 2])
    #expect(reader.frames[2].width == 1 && reader.frames[2].height == 1)
    #expect(reader.pictures[2] == reader.pictures[1])
  }

  /// The animated pictures of a forecast are the maps, one after the other.
  @Test func theMapsOneAfterTheOther() throws {
    let folder = NSTemporaryDirectory() + "/animation-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let grid = Grid(height: 12, width: 16, spacingMetres: 1000)
    func sequence(_ start: Double, _ count: Int, reference: Double?) -> FrameSequence {
      let times = (0..<count).map { start + Double($0) * 300 }
      let rates: [Float] = (0..<count * 192).map { (place: Int) -> Float in
        let (frame, pixel) = place.quotientAndRemainder(dividingBy: 192)
        return pixel < 16 ? Float.nan : Float(place % 97 * frame)
      }
      return FrameSequence(
        grid: grid, times: times, stepSeconds: 300, referenceTime: reference,
        rainRate: Tensor(shape: [count, 12, 16], rates))
    }
    let forecast = sequence(900, 3, reference: 600)
    // Three observed frames, of which the last is later than the forecast's start.
    let maps = Quicklook([forecast], observed: [sequence(300, 3, reference: nil)])
    #expect(maps.count == 5)
    #expect(maps.panels.map(\.lead) == [nil, nil, 5, 10, 15] && maps.panels.map(\.kind)[0] == "observed")
    let path = folder + "/a.gif"
    try maps.writeAnimation(to: path, seconds: 0.5, overwrite: false)
    let reader = try #require(GIFReader(Data(contentsOf: URL(fileURLWithPath: path))))
    #expect(reader.frames.map(\.hundredths) == [50, 50, 50, 50, 150])
    for (panel, picture) in zip(maps.panels, reader.pictures) {
      let canvas = try maps.picture([panel], side: 640)
      #expect(canvas.width == reader.width && canvas.height == reader.height)
      // All but the bar that tells how far it is.
      let rows = canvas.height - Quicklook.footer - 8
      var differing = 0
      for y in 0..<rows {
        for x in 0..<canvas.width where reader.palette[Int(picture[y * canvas.width + x])] != canvas[x, y] {
          differing += 1
        }
      }
      #expect(differing == 0)
    }
    // The bar grows from picture to picture, and is full in the end.
    let bar = reader.height - Quicklook.footer - 6
    let filled = reader.pictures.map { picture in
      (0..<reader.width).count { [.ink, .faint].contains(reader.palette[Int(picture[bar * reader.width + $0])]) }
    }
    #expect(filled == filled.sorted() && Set(filled).count == 5 && filled[4] == reader.width - 32)
    #expect(throws: RadarError.self) { try maps.writeAnimation(to: path, seconds: 0.5, overwrite: false) }
  }
}
