import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what is understood of radar files.",
    discussion: "Lists the sequences found: variable, units and conversion, grid, times, missing and wet share.")

  @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
  var paths: [String]

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let sequences = try reading.read(paths, logger: verbosity.logger).sequences
    Console.print("\(sequences.count) \(sequences.count == 1 ? "sequence" : "sequences")")
    for (index, sequence) in sequences.enumerated() {
      let before = sequences[..<index].last { $0.grid.matches(sequence.grid) }
      Console.print("\n" + Self.text(sequence, before: before))
    }
  }

  /// - Parameter before: the sequence on the same grid that ends before this one begins.
  private static func text(_ sequence: FrameSequence, before: FrameSequence?) -> String {
    let files = sequence.source.files
    let statistics = RainStatistics(sequence.rainRate)
    let step = sequence.count > 1 ? durationText(sequence.stepSeconds) : "one frame only"
    var lines = [
      "\(sequence.name)",
      "  files      \(files.count == 1 ? files[0] : "\(files.count), \(files.first ?? "") … \(files.last ?? "")")",
      "  variable   \(sequence.source.variable), '\(sequence.source.units)': \(sequence.source.conversion)",
      "  grid       \(sequence.grid.summary)",
      "  times      \(TimeAxis.text(sequence.times[0])) … \(TimeAxis.text(sequence.times[sequence.count - 1])), "
        + "\(sequence.count) frames, step \(step)",
    ]
    if let before {
      let gap = durationText(sequence.times[0] - before.times[before.count - 1])
      lines.append("  gap        \(gap) from the last frame of \(before.name)")
    }
    lines.append(String(format: "  missing    %.1f %% of all pixels", 100 * statistics.missingShare))
    if let wet = statistics.wetShare, let largest = statistics.largest {
      lines.append(
        String(
          format: "  rain       %.1f %% of measured pixels at 0.1 mm/h or more, at most %.1f mm/h", 100 * wet, largest))
    }
    return lines.joined(separator: "\n")
  }
}
