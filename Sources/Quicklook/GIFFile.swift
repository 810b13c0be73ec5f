import Foundation

/// An animated picture as a GIF89a file, made frame by frame: of each only the rectangle that differs from the one before.
struct GIFFile {
  private let width: Int
  private let height: Int
  private let palette: [Colour: UInt8]
  /// The bits of a colour's number.
  private let depth: Int
  private var bytes = Data()
  /// The colours' numbers of the last frame.
  private var last: [UInt8]?

  /// Begins a picture that repeats without end.
  ///
  /// - Precondition: there are 1 to 256 colours, each once, and both sizes are 1 to 65,535.
  init(width: Int, height: Int, colours: [Colour]) {
    precondition((1...256).contains(colours.count), "a GIF has 1 to 256 colours, not \(colours.count)")
    precondition(
      (1...65535).contains(width) && (1...65535).contains(height), "\(width) × \(height) is no size of a GIF")
    (self.width, self.height) = (width, height)
    palette = Dictionary(uniqueKeysWithValues: colours.enumerated().map { ($1, UInt8($0)) })
    depth = (2...8).first { 1 << $0 >= colours.count } ?? 8
    bytes += Array("GIF89a".utf8)
    append(UInt16(width), UInt16(height))
    // A palette for all frames, of 2^depth colours, each channel of eight bits; no background, square pixels.
    bytes += [0x80 | 0x70 | UInt8(depth - 1), 0, 0]
    for colour in colours { bytes += [colour.red, colour.green, colour.blue] }
    bytes += [UInt8](repeating: 0, count: ((1 << depth) - colours.count) * 3)
    bytes += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
  }

  /// Adds a frame that is shown for so many seconds (hundredths count).
  ///
  /// - Precondition: the frame is of the file's size and has its colours only.
  mutating func add(_ canvas: Canvas, seconds: Double) {
    precondition(canvas.width == width && canvas.height == height, "a frame of another size than its file")
    let pixels = numbers(of: canvas)
    let part = changes(to: pixels)
    // A graphic control extension: the frame stays where the next one draws nothing.
    bytes += [0x21, 0xF9, 4, 0x04]
    append(UInt16(min(max((seconds * 100).rounded(), 2), 65535)))
    bytes += [0, 0, 0x2C]
    append(UInt16(part.x.lowerBound), UInt16(part.y.lowerBound), UInt16(part.x.count), UInt16(part.y.count))
    bytes += [0, UInt8(depth)]
    var compressor = LZWCompressor(depth: depth)
    for y in part.y { compressor.add(pixels[y * width + part.x.lowerBound..<y * width + part.x.upperBound]) }
    let packed = compressor.finished()
    for start in stride(from: 0, to: packed.count, by: 255) {
      let block = packed[start..<min(start + 255, packed.count)]
      bytes.append(UInt8(block.count))
      bytes += block
    }
    bytes.append(0)
    last = pixels
  }

  /// The whole file.
  func data() -> Data { bytes + [0x3B] }

  private func numbers(of canvas: Canvas) -> [UInt8] {
    var known: (colour: Colour, number: UInt8)?
    return (0..<width * height).map { place in
      let colour = canvas[place % width, place / width]
      // Neighbours are mostly of one colour.
      if let known, known.colour == colour { return known.number }
      guard let number = palette[colour] else { preconditionFailure("\(colour) is not in the palette") }
      known = (colour, number)
      return number
    }
  }

  /// The rectangle that differs from the last frame; one pixel where nothing does, as an empty one is not allowed.
  private func changes(to pixels: [UInt8]) -> (x: Range<Int>, y: Range<Int>) {
    guard let last else { return (0..<width, 0..<height) }
    var (left, right, top, bottom) = (width, -1, height, -1)
    for place in pixels.indices where pixels[place] != last[place] {
      let (y, x) = place.quotientAndRemainder(dividingBy: width)
      (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
    }
    return right < 0 ? (0..<1, 0..<1) : (left..<right + 1, top..<bottom + 1)
  }

  private mutating func append(_ numbers: UInt16...) {
    for number in numbers { bytes += [UInt8(number & 255), UInt8(number >> 8)] }
  }
}

/// The compression of GIF: Lempel, Ziv and Welch's, with codes that grow from one bit more than a colour has to twelve, written
/// from the lowest bit on.
struct LZWCompressor {
  private let clear: Int
  private let depth: Int
  /// The code of a known row of colours and one more, by the row's code and the colour; 0 for none.
  private var table: [UInt16]
  private var next: Int
  private var size: Int
  /// The code of the row met last.
  private var row: Int?
  private var bytes: [UInt8] = []
  private var bits: UInt32 = 0
  private var bitCount = 0

  /// - Parameter depth: the bits of a colour, 2 to 8.
  init(depth: Int) {
    self.depth = depth
    clear = 1 << depth
    table = [UInt16](repeating: 0, count: 4096 << depth)
    (next, size) = (clear + 2, depth + 1)
    write(clear)
  }

  /// Adds the numbers of colours.
  mutating func add(_ pixels: some Sequence<UInt8>) {
    for pixel in pixels {
      guard let row else {
        self.row = Int(pixel)
        continue
      }
      let place = row << depth | Int(pixel)
      if table[place] != 0 {
        self.row = Int(table[place])
        continue
      }
      write(row)
      if next < 4096 {
        table[place] = UInt16(next)
        if next == 1 << size { size += 1 }
        next += 1
      } else {
        // All twelve bits are used up: begin again.
        write(clear)
        table.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        (next, size) = (clear + 2, depth + 1)
      }
      self.row = Int(pixel)
    }
  }

  /// Everything, with the code that ends it.
  consuming func finished() -> [UInt8] {
    if let row { write(row) }
    // The reader has one more code by now than has been written about.
    if next == 1 << size, size < 12 { size += 1 }
    write(clear + 1)
    if bitCount > 0 { bytes.append(UInt8(bits & 255)) }
    return bytes
  }

  private mutating func write(_ code: Int) {
    bits |= UInt32(code) << UInt32(bitCount)
    bitCount += size
    while bitCount >= 8 {
      bytes.append(UInt8(bits & 255))
      bits >>= 8
      bitCount -= 8
    }
  }
}
