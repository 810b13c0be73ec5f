import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what is understood of radar files.",
    discussion: """
      Lists the sequences found: variable and why, units and conversion, grid, times and gaps, missing and wet share, \
      maximum, and what was not understood. Goes on after a file that cannot be read, and then ends with its status.
      """)

  @Argument(help: ArgumentHelp("Files or folders.", valueName: "path"))
  var paths: [String]

  @Flag(help: "Print JSON, for programs.")
  var json = false

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let inspection = try Inspection(paths, reader: reading.reader())
    if json {
      Console.print(try inspection.json)
    } else {
      if !inspection.sequences.isEmpty {
        Console.print("\(inspection.sequences.count) \(inspection.sequences.count == 1 ? "sequence" : "sequences")")
      }
      for sequence in inspection.sequences { Console.print("\n" + Self.text(sequence)) }
      let logger = verbosity.logger
      for warning in inspection.warnings { logger.warning("\(warning)") }
    }
    for failure in inspection.failures { Console.complain(failure.description) }
    if inspection.exitStatus != 0 { throw ExitCode(inspection.exitStatus) }
  }

  private static func text(_ sequence: Inspection.Sequence) -> String {
    var lines: [(String, String)] = []
    let files = sequence.files
    lines.append(("files", files.count == 1 ? files[0] : "\(files.count), \(files[0]) … \(files[files.count - 1])"))
    lines.append(("variable", sequence.variable + (sequence.reason.map { ", \($0)" } ?? "")))
    lines.append(("units", "'\(sequence.units)': \(sequence.conversion)"))
    lines.append(("grid", text(sequence.grid)))
    if let step = sequence.stepSeconds {
      var times = "\(sequence.firstTime) … \(sequence.lastTime), \(sequence.frames) frames, step \(durationText(step))"
      if let jitter = sequence.jitterSeconds, jitter >= 1 { times += " (up to \(durationText(jitter)) off)" }
      lines.append(("times", times))
    } else {
      lines.append(("times", "\(sequence.firstTime), 1 frame"))
    }
    if let gap = sequence.gapBefore {
      let missing = gap.missingFrames.map { ", \($0) \($0 == 1 ? "frame" : "frames") missing" } ?? ""
      lines.append(("gap", "\(durationText(gap.seconds)) from the last frame of \(gap.after)\(missing)"))
    }
    if !sequence.bridged.isEmpty { lines.append(("filled in", sequence.bridged.joined(separator: " "))) }
    if let missing = sequence.missingShare {
      lines.append(("missing", String(format: "%.1f %% of all pixels", 100 * missing)))
    }
    if let wet = sequence.wetShare, let most = sequence.maximumRainRate {
      lines.append(
        (
          "rain",
          String(format: "%.1f %% of measured pixels at 0.1 mm/h or more, at most %.1f mm/h", 100 * wet, most)
        ))
    }
    lines += sequence.notes.map { ("noted", $0) }
    lines += sequence.notUnderstood.map { ("unclear", $0) }
    return ([sequence.name] + lines.map { "  " + $0.0.padding(toLength: 11, withPad: " ", startingAt: 0) + $0.1 })
      .joined(separator: "\n")
  }

  private static func text(_ grid: Inspection.Sequence.Grid) -> String {
    func short(_ value: Double) -> String { String(format: "%.7g", value) }
    func range(_ name: String, _ ends: [Double]?, _ units: String?) -> String? {
      ends.map { "\(name) \(short($0[0])) … \(short($0[1]))" + (units.map { " \($0)" } ?? "") }
    }
    let spacing = grid.spacingMetres.map { "\(short(($0 * 10).rounded() / 10)) m" }
    return [
      "\(grid.height) × \(grid.width)", spacing, range(grid.yName, grid.y, grid.yUnits),
      range(grid.xName, grid.x, grid.xUnits), grid.gridMappingName,
    ].compactMap(\.self).joined(separator: ", ")
  }
}
