import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write synthetic radar frames, to try things out.",
    discussion: """
      Rain that moves, grows and decays, with cells, dry parts and missing pixels, as one CF NetCDF file. The same options \
      give the same file.
      """)

  @Option(help: ArgumentHelp("The file, or with --split the folder.", valueName: "file.nc"))
  var output: String

  @Flag(help: "Write each frame to a file of its own, as a radar network sends them.")
  var split = false

  @Option(help: "Frames.")
  var frames = 60

  @Option(help: "Rows of a frame.")
  var height = 128

  @Option(help: "Columns of a frame.")
  var width = 128

  @Option(help: "Seconds from frame to frame.")
  var stepSeconds = 300.0

  @Option(help: "Metres from pixel to pixel.")
  var spacing = 1000.0

  @Option(help: "The seed of the rain.")
  var seed: UInt64 = 1

  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    for (name, value, most) in [("--frames", frames, 100_000), ("--height", height, 8192), ("--width", width, 8192)]
    where !(1...most).contains(value) {
      throw ValidationError("\(name) is \(value); it must be 1 to \(most).")
    }
    for (name, value) in [("--step-seconds", stepSeconds), ("--spacing", spacing)]
    where !(value >= 1 && value <= 1e6) {
      throw ValidationError("\(name) is \(value); it must be 1 to 1000000.")
    }
    guard frames * height * width <= 1 << 31 else {
      throw ValidationError("\(frames) frames of \(height) × \(width) are too many for one file; write several.")
    }
  }

  func run() throws {
    let writer = SequenceWriter(overwrite: replacing.overwrite)
    if !split { try writer.check(path: output) }
    var options = RainSimulator.Options()
    (options.height, options.width, options.frames) = (height, width, frames)
    (options.stepSeconds, options.spacingMetres, options.seed) = (stepSeconds, spacing, seed)
    let sequence = FrameSequence(
      grid: Grid(height: height, width: width, spacingMetres: spacing),
      times: (0..<frames).map { Self.start + Double($0) * stepSeconds }, stepSeconds: frames > 1 ? stepSeconds : 0,
      rainRate: RainSimulator(options).frames())
    func write(_ sequence: FrameSequence, to path: String) throws {
      try writer.write(
        sequence, to: path, title: "Simulated radar rain rate", source: programText, history: commandLineText,
        comment: "Synthetic; no real event.")
    }
    if split {
      try OutputFolder.make(output)
      for frame in 0..<frames {
        let part = try sequence.part(frame..<frame + 1)
        try write(part, to: "\(output)/radar-\(OutputFolder.name(of: part.times[0])).nc")
      }
    } else {
      try write(sequence, to: output)
    }
    guard !verbosity.quiet else { return }
    Console.print("\(frames) frames of \(height) × \(width): \(output)")
  }

  /// 2020-01-01 00:00 UTC: a date that nobody will take for the real one of an event.
  private static let start = 1_577_836_800.0
}
