import ArgumentParser
import Foundation
import Nowcasting
import Quicklook
import RadarIO

/// A file of maps, told by the end of its name.
private enum MapFile: String, CaseIterable {
  case png, gif, html

  init?(path: String) {
    self.init(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased())
  }

  /// The most maps that are any use in one, or that it can hold.
  var mostMaps: Int {
    switch self {
    case .png: 120
    case .gif: 1000
    case .html: FramesPage.mostMaps
    }
  }
}

struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw maps of a forecast, or of any frames.",
    discussion: """
      The end of the output's name says what is drawn: all maps on one sheet (.png), an animated picture (.gif), or a page to \
      step through them, without network or scripts (.html). North is up; what was not measured is grey.
      """)

  @Argument(help: ArgumentHelp("A forecast, or files or folders with frames of one grid.", valueName: "path"))
  var paths: [String]

  @Option(help: ArgumentHelp("The file.", valueName: "x.png|x.gif|x.html"))
  var output: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files or folders with what was observed before, to be shown first.", valueName: "path"))
  var observed: [String] = []

  @Option(help: "Seconds that each map is shown for when they play (.gif, .html). (default: 0.4)")
  var frameSeconds: Double?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard let kind = MapFile(path: output) else {
      throw ValidationError("--output \(output) must end in .png, .gif or .html, which says what is drawn.")
    }
    if let frameSeconds {
      guard kind != .png else { throw ValidationError("--frame-seconds does not go with .png: nothing moves there.") }
      guard frameSeconds >= 0.02, frameSeconds <= 60 else {
        throw ValidationError("--frame-seconds is \(frameSeconds); it must be 0.02 to 60.")
      }
    }
  }

  func run() throws {
    guard let kind = MapFile(path: output) else { return }
    try AtomicOutput.check(output, overwrite: replacing.overwrite)
    let logger = verbosity.logger
    let read = try reading.read(paths, expectsForecasts: true, logger: logger)
    let before = observed.isEmpty ? nil : try reading.read(observed, logger: logger)
    let sequences = read.sequences
    try RadarReading(sequences: sequences + (before?.sequences ?? []), warnings: []).requireOneGrid()
    let maps = Quicklook(sequences, observed: before?.sequences ?? [])
    guard maps.count <= kind.mostMaps else {
      throw NowcastError(
        .unusable,
        "\(maps.count) maps are too many for one .\(kind.rawValue), which takes \(kind.mostMaps). Give fewer frames.",
        path: paths.first)
    }
    let seconds = frameSeconds ?? 0.4
    switch kind {
    case .png: try maps.write(to: output, overwrite: replacing.overwrite)
    case .gif: try maps.writeAnimation(to: output, seconds: seconds, overwrite: replacing.overwrite)
    case .html:
      let page = try FramesPage(sequences, observed: before?.sequences ?? [], seconds: seconds).html()
      try AtomicOutput.write(Data(page.utf8), to: output, overwrite: replacing.overwrite)
    }
    read.tellValues(logger)
    before?.tellValues(logger)
    guard !verbosity.quiet else { return }
    Console.print("\(maps.count) \(maps.count == 1 ? "map" : "maps"): \(output)")
  }
}
