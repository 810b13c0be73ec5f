import ArgumentParser
import Foundation
import RadarIO

struct Index: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep what is in the files of a folder, so that training need not open them all.",
    discussion: """
      Reads the headers of all files in the folder and below it, and keeps what they say in \
      FOLDER/.nowcast-index.sqlite. Another time only files that have changed or come are opened. Commands that read the \
      folder use the index; 'nowcast train' makes it and brings it up to date itself.
      """)

  @Argument(help: ArgumentHelp("The folder.", valueName: "folder"))
  var folder: String

  @Option(help: ArgumentHelp("Where the index is kept. (default: in the folder)", valueName: "file"))
  var index: String?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw RadarError(.notFound, "there is no such folder.", path: folder)
    }
    var failures: [RadarError] = []
    let read = try reading.reader(indexing: .kept(file: index, leastFiles: 1)).sequences(at: [folder]) {
      failures.append($0)
    }
    let logger = verbosity.logger
    for warning in read.warnings { logger.warning("\(warning)") }
    for failure in failures { Console.complain(failure.description) }
    guard let report = read.indexes.first, report.files > 0 else {
      throw ExitCode(failures.isEmpty ? 66 : status(failures))
    }
    if let problem = report.problem { logger.warning("\(problem)") }
    if !verbosity.quiet { Console.print(text(read, report)) }
    if !failures.isEmpty { throw ExitCode(status(failures)) }
    if report.described > 0, !report.isWritten { throw ExitCode(73) }
  }

  private func text(_ read: RadarReading, _ report: IndexReport) -> String {
    func number(_ count: Int, _ one: String, _ many: String) -> String { "\(count) \(count == 1 ? one : many)" }
    let frames = read.sequences.reduce(0) { $0 + $1.count }
    var lines = [
      "\(number(report.files, "file", "files")), \(number(frames, "frame", "frames")) in "
        + "\(number(read.sequences.count, "sequence", "sequences")): \(report.path)"
    ]
    if report.wasThere {
      lines.append(report.changes.map { "since the index was made: \($0)" } ?? "nothing has changed")
    }
    if report.recent > 0 {
      lines.append(
        "\(number(report.recent, "file was", "files were")) written only just now and will be looked at again next time"
      )
    }
    return lines.joined(separator: "\n")
  }

  private func status(_ failures: [RadarError]) -> Int32 {
    failures.contains { $0.code == .unusable } ? 65 : 66
  }
}
