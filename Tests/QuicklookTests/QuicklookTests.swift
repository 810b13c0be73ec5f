import CPNG
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Quicklook

@Suite struct QuicklookTests {
  /// Five frames of 20 × 30 pixels and a forecast of two: a square of heavy rain in the north-west, the east not measured.
  private func quicklook(northUp: Bool = true) throws -> Quicklook {
    var grid = Grid(height: 20, width: 30, spacingMetres: 2000)
    if !northUp { grid.y?.reverse() }
    func pixels(_ count: Int) -> Tensor {
      Tensor(
        shape: [count, 20, 30],
        (0..<count * 600).map { index in
          let (y, x) = (index % 600 / 30, index % 30)
          if x >= 20 { return .nan }
          return (northUp ? y < 5 : y >= 15) && x < 5 ? 60 : 0
        })
    }
    let input = FrameSequence(grid: grid, times: (0..<5).map { Double($0) * 600 }, rainRate: pixels(5))
    let forecast = try ForecastFile(rainRate: pixels(2), times: [3000, 3600], from: input)
    return Quicklook(input: input, forecast: forecast)
  }

  private func colours(_ canvas: Canvas) -> [Colour] {
    (0..<canvas.height).flatMap { y in (0..<canvas.width).map { canvas[$0, y] } }
  }

  @Test func northIsUpWhateverTheOrderOfRows() throws {
    let (one, other) = try (quicklook().sheet(), quicklook(northUp: false).sheet())
    #expect(colours(one) == colours(other))
    // The heavy rain lies in the upper left of the first map.
    let map = FrameMap(Grid(height: 20, width: 30, spacingMetres: 2000), side: 320)
    #expect(map.width == 240 && map.height == 160)
    let violet = RainPalette.colour(of: 60)
    #expect(one[16 + 10, 40 + 24 + 10] == violet && one[16 + 39, 40 + 24 + 39] == violet)
    #expect(one[16 + 41, 40 + 24 + 10] == .white && one[16 + 10, 40 + 24 + 41] == .white)
    #expect(one[16 + 200, 40 + 24 + 10] == RainPalette.missing && one[16 + 160, 40 + 24 + 10] == RainPalette.edge)
  }

  /// Of the pixels that fall on one of the map the largest counts, and rain at the edge of what was measured is kept.
  @Test func aShowerOfOnePixelIsSeen() {
    let grid = Grid(height: 8, width: 8, spacingMetres: 1000)
    let map = FrameMap(grid, side: 2)
    #expect(map.reduction == (4, 4))
    var frame = Tensor(shape: [8, 8])
    frame[1, 2] = 30
    for y in 0..<8 { for x in 4..<8 { frame[y, x] = .nan } }
    frame[7, 7] = 0.3
    frame[0, 7] = 0
    var canvas = Canvas(width: 2, height: 2)
    map.draw(frame, on: &canvas, x: 0, y: 0)
    #expect(canvas[0, 0] == RainPalette.colour(of: 30) && canvas[0, 1] == .white)
    #expect(canvas[1, 1] == RainPalette.colour(of: 0.3) && canvas[1, 0] == RainPalette.edge)
  }

  /// Longitudes that pass from 359.9 to 0 degrees still go east.
  @Test func theZeroMeridianTurnsNoMap() {
    var grid = Grid(height: 1, width: 4, spacingMetres: 1000)
    (grid.isGeographic, grid.y, grid.x) = (true, [60], [359.8, 359.9, 0, 0.1])
    var canvas = Canvas(width: 4, height: 1)
    FrameMap(grid, side: 4).draw(Tensor(shape: [1, 4], [20, 0, 0, 0]), on: &canvas, x: 0, y: 0)
    #expect(canvas[0, 0] == RainPalette.colour(of: 20))
  }

  @Test func coloursChangeAtTheirLimits() {
    #expect(RainPalette.colour(of: 0) == .white && RainPalette.colour(of: Float(0.1).nextDown) == .white)
    #expect(RainPalette.colour(of: .nan) == RainPalette.missing)
    for (index, entry) in RainPalette.classes.enumerated() {
      #expect(RainPalette.colour(of: entry.limit) == entry.colour)
      if index > 0 { #expect(RainPalette.colour(of: entry.limit.nextDown) == RainPalette.classes[index - 1].colour) }
    }
    #expect(RainPalette.colour(of: 1000) == RainPalette.classes.last?.colour)
  }

  @Test func scaleBarsAreRoundAndTrue() throws {
    let plane = FrameMap(Grid(height: 512, width: 512, spacingMetres: 500), side: 256)
    #expect(plane.metresPerPixel == 1000)
    #expect(try #require(plane.scaleBar) == (50, 50))
    // A degree of longitude is half as long at 60° N.
    var globe = Grid(height: 100, width: 100, spacingMetres: (111_195 + 55_597.5) / 2 / 100)
    globe.isGeographic = true
    (globe.yUnits, globe.xUnits) = ("degrees_north", "degrees_east")
    globe.y = (0..<100).map { 60.495 - Double($0) * 0.01 }
    globe.x = (0..<100).map { 10 + Double($0) * 0.01 }
    let map = FrameMap(globe, side: 100)
    #expect(map.height == 100 && map.width == 50)
    #expect(abs(try #require(map.metresPerPixel) - 1112) < 5)
    #expect(map.scaleBar?.kilometres == 10)
  }

  @Test func everyLetterIsItsOwn() {
    let letters = (33..<127).map { Character(UnicodeScalar($0)) } + ["≥"]
    #expect(Set(letters.map(BitmapFont.rows)).count == letters.count)
    #expect(BitmapFont.rows(of: " ").allSatisfy { $0 == 0 })
    #expect(BitmapFont.rows(of: "Ö") == BitmapFont.rows(of: "?"))
    #expect(BitmapFont.rows(of: "1") == [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110, 0, 0])
  }

  /// What was written is read back with libpng.
  @Test func filesAreWhatWasDrawn() throws {
    let folder = NSTemporaryDirectory() + "/quicklook-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (quicklook, path) = (try quicklook(), folder + "/a.png")
    #expect(try quicklook.write(to: path, overwrite: false) == 1)
    let canvas = try quicklook.sheet()
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    #expect(png_image_begin_read_from_file(&image, path) != 0)
    #expect(Int(image.width) == canvas.width && Int(image.height) == canvas.height)
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    var pixels = [UInt8](repeating: 0, count: canvas.width * canvas.height * 3)
    #expect(png_image_finish_read(&image, nil, &pixels, Int32(canvas.width * 3), nil) != 0)
    #expect(pixels == colours(canvas).flatMap { [$0.red, $0.green, $0.blue] })

    let error = #expect(throws: RadarError.self) { try quicklook.write(to: path, overwrite: false) }
    #expect(error?.code == .cannotCreate)
    #expect(throws: RadarError.self) { try Quicklook.check(path, overwrite: false) }

    #expect(try quicklook.write(to: folder + "/maps", overwrite: false) == 6)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/maps").sorted()
    #expect(names.first == "forecast-19700101T0040Z+010min.png" && names.last == "observed-19700101T0040Z.png")
    #expect(throws: RadarError.self) { try quicklook.write(to: folder + "/maps", overwrite: false) }
  }
}
