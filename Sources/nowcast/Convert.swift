import ArgumentParser
import Foundation
import RadarIO

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write any readable input as one clean CF NetCDF file.",
    discussion: "Rain rate in mm/h on (time, y, x), with the coordinates and the projection of the input.")

  @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
  var paths: [String]

  @Option(help: ArgumentHelp("The file.", valueName: "file.nc"))
  var output: String

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let writer = SequenceWriter(overwrite: replacing.overwrite)
    try writer.check(path: output)
    let read = try reading.read(paths, logger: verbosity.logger)
    let sequences = read.sequences
    let history = [sequences.first?.source.provenance.history, commandLineText].compactMap(\.self).joined(
      separator: "\n")
    try writer.write(sequences, to: output, source: programText, history: history)
    read.tellValues(verbosity.logger)
    guard !verbosity.quiet else { return }
    let count = sequences.reduce(0) { $0 + $1.count }
    let frames = count == 1 ? "frame" : "frames"
    Console.print(
      "\(count) \(frames) in \(sequences.count) \(sequences.count == 1 ? "sequence" : "sequences"): \(output)")
  }
}
