import Foundation
import RadarIO

extension Quicklook {
  /// Writes an animated picture, one map after the other, as a GIF file; the last one stays three times as long.
  ///
  /// Under the map a bar shows how far it is: what was observed lighter, what is forecast darker.
  ///
  /// - Parameter seconds: how long each map stays.
  /// - Throws: ``RadarError`` when a frame cannot be read any more, `cannotCreate` or `writeFailed`.
  public func writeAnimation(to path: String, seconds: Double, overwrite: Bool) throws {
    try AtomicOutput.check(path, overwrite: overwrite)
    var file: GIFFile?
    for (index, panel) in panels.enumerated() {
      var canvas = try picture([panel], side: 640)
      drawProgress(index, on: &canvas)
      if file == nil { file = GIFFile(width: canvas.width, height: canvas.height, colours: Quicklook.colours) }
      file?.add(canvas, seconds: index == panels.count - 1 ? 3 * seconds : seconds)
    }
    guard let file else { return }
    try AtomicOutput.write(file.data(), to: path, overwrite: overwrite)
  }

  /// Every colour a picture may have.
  private static var colours: [Colour] {
    [.white, .ink, .faint, .warning, .track, RainPalette.missing, RainPalette.edge] + RainPalette.classes.map(\.colour)
  }

  private func drawProgress(_ index: Int, on canvas: inout Canvas) {
    let (left, width, y) = (16, canvas.width - 32, canvas.height - Quicklook.footer - 8)
    func x(_ panel: Int) -> Int { left + width * panel / panels.count }
    canvas.fill(x: left, y: y, width: width, height: 4, .track)
    let forecast = panels.firstIndex { $0.lead != nil } ?? panels.count
    let observed = min(index + 1, forecast)
    canvas.fill(x: left, y: y, width: x(observed) - left, height: 4, .faint)
    if index >= forecast { canvas.fill(x: x(forecast), y: y, width: x(index + 1) - x(forecast), height: 4, .ink) }
  }
}

extension Colour {
  fileprivate static let track = Colour(0xE2E2E2)
}
