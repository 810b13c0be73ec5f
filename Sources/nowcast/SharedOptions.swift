import ArgumentParser
import ConvKernels
import Foundation
import Logging
import Nowcasting
import RadarIO

/// How much a command says.
struct VerbosityOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Say nothing but warnings and errors.")
  var quiet = false

  @Flag(name: [.short, .long], help: "Say more about what is done.")
  var verbose = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose contradict each other.") }
  }

  /// For what every rank comes upon alike: rank 0 tells it.
  var commonLogger: Logger {
    var logger = logger
    if Job.rank > 0 { logger.logLevel = .critical }
    return logger
  }

  var logger: Logger {
    var logger = Logger(label: "nowcast") { _ in ConsoleLogHandler() }
    logger.logLevel = quiet ? .warning : verbose ? .info : .notice
    return logger
  }
}

/// How radar files are read, where they do not say it themselves.
struct ReadingOptions: ParsableArguments {
  @Option(help: "The variable that holds the rain, where a file has several.")
  var variable: String?

  @Option(help: "The units of the rain where the file does not say, such as 'mm h-1', 'dBZ' or 'kg m-2'.")
  var units: String?

  @Option(help: "The factor a of the Z–R relation Z = a·R^b for reflectivity. (default: 200, or the model's)")
  var zrA: Double?

  @Option(help: "The exponent b of the Z–R relation Z = a·R^b for reflectivity. (default: 1.6, or the model's)")
  var zrB: Double?

  @Option(help: "Missing frames in a row that may be filled in between their neighbours; more end a sequence.")
  var maxGap = 0

  func validate() throws {
    if !(0...1000).contains(maxGap) { throw ValidationError("--max-gap is \(maxGap); it must be 0 to 1000.") }
    for (name, value) in [("--zr-a", zrA), ("--zr-b", zrB)] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("\(name) is \(value); it must be above 0.")
      }
    }
  }

  /// The relation asked for; what is left open is that of `standard`.
  func relation(standard: ReflectivityRelation = ReflectivityRelation()) -> ReflectivityRelation {
    ReflectivityRelation(a: zrA ?? standard.a, b: zrB ?? standard.b)
  }

  /// Reads sequences and tells about what was noticed.
  ///
  /// - Parameters:
  ///   - expectsForecasts: whether a forecast is nothing to tell about.
  ///   - indexing: whether what the headers say is kept.
  func read(
    _ paths: [String], relation standard: ReflectivityRelation = ReflectivityRelation(),
    expectsForecasts: Bool = false, indexing: FileIndexing = .whereThere, logger: Logger
  ) throws -> RadarReading {
    let reading = try reader(relation: standard, expectsForecasts: expectsForecasts, indexing: indexing)
      .sequences(at: paths)
    for report in reading.indexes { report.tell(logger) }
    for warning in reading.warnings { logger.warning("\(warning)") }
    var told: Set<String> = []
    for sequence in reading.sequences {
      logger.info(
        "\(sequence.count) frames from \(sequence.name), \(sequence.grid.summary), \(sequence.source.conversion)")
      for note in sequence.source.notes where told.insert(note).inserted {
        logger.notice(
          "\(sequence.source.files.first ?? sequence.name): variable '\(sequence.source.variable)': \(note)")
      }
      if let first = sequence.bridged.first {
        let count = sequence.bridged.count
        let words = count == 1 ? "frame is" : "frames are"
        logger.warning(
          "\(count) missing \(words) filled in between neighbours, the first at \(TimeAxis.text(sequence.times[first]))"
        )
      }
    }
    return reading
  }

  /// The reader that these options ask for.
  func reader(
    relation standard: ReflectivityRelation = ReflectivityRelation(), expectsForecasts: Bool = false,
    indexing: FileIndexing = .whereThere
  ) -> RadarReader {
    var options = ReadOptions(
      variable: variable, units: units, relation: relation(standard: standard), maxGap: maxGap)
    options.expectsForecasts = expectsForecasts
    return RadarReader(options: options, indexing: indexing)
  }
}

extension IndexReport {
  /// Tells what came of an index.
  func tell(_ logger: Logger) {
    if let problem { logger.warning("\(problem)") }
    if let changes { logger.notice("\(folder): since its index was made: \(changes)") }
    if isWritten && !wasThere {
      logger.notice(
        "\(path): the index of \(files) files, so that they need not be opened again to learn what is in them")
    }
  }
}

extension RadarReading {
  /// Tells what was met in the values of the frames that were read.
  func tellValues(_ logger: Logger) { for warning in valueWarnings { logger.warning("\(warning)") } }
}

/// How many threads compute.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads that compute; the result is the same for any number. (default: all cores)")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...4096).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be 1 to 4096.")
    }
  }

  var pool: WorkerPool { WorkerPool(threadCount: threads ?? WorkerPool.coreCount) }

  /// For one of several processes that may be on this machine.
  func pool(of job: any Communicator) -> WorkerPool { WorkerPool(threadCount: threads ?? job.coreCount) }
}

/// Whether something that is there may be replaced.
struct OverwriteOptions: ParsableArguments {
  @Flag(help: "Replace an output that is there.")
  var overwrite = false
}

/// The command as it was typed, for the `history` of what it writes.
///
/// Without the time: the same input and options give the same bytes.
var commandLineText: String {
  let words = ["nowcast"] + CommandLine.arguments.dropFirst()
  return words.map { word in
    let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:,=+%@".contains($0) }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }.joined(separator: " ")
}

/// What wrote a file.
let programText = "nowcast \(nowcastVersion)"
