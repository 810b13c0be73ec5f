import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

/// Lengths of windows and thresholds as they are typed, with the checks that need no data.
enum ProductOptions {
  static func check(windows: IntegerList?, option: String) throws {
    guard let windows else { return }
    guard !windows.values.isEmpty, windows.values.allSatisfy({ (1...44640).contains($0) }) else {
      throw ValidationError("\(option) takes minutes from 1 to 44640, with commas between them.")
    }
    guard Set(windows.values).count == windows.values.count else {
      throw ValidationError("\(option) has the same window twice.")
    }
  }

  static func check(thresholds: RateList?, option: String) throws {
    guard let thresholds else { return }
    if let wrong = thresholds.values.first(where: { !($0 > 0 && $0.isFinite) }) {
      throw ValidationError("\(option) has \(wrong); a threshold is above 0.")
    }
    guard Set(thresholds.values).count == thresholds.values.count else {
      throw ValidationError("\(option) has the same threshold twice.")
    }
  }

  /// The decimal numbers that were typed, not the nearest floats.
  static func numbers(_ thresholds: RateList?) -> [Double] {
    thresholds?.values.map { Double("\($0)") ?? Double($0) } ?? []
  }
}

struct Products: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sum up rain over time, and say where thresholds are reached.",
    discussion: """
      Reads a forecast, or any frames, and writes a CF NetCDF file: rain in mm over windows of time, one ending at each frame \
      where a whole window has passed, and for each threshold where it is reached. A pixel that is missing in any frame of a \
      window is missing in its sum.
      """)

  @Argument(help: ArgumentHelp("A forecast, or files or folders with frames of one grid.", valueName: "path"))
  var paths: [String]

  @Option(
    help: ArgumentHelp(
      "Windows to sum up over, in minutes. (default: those of 15,30,60 that fit the frames)", valueName: "minutes"))
  var accumulations: IntegerList?

  @Option(help: ArgumentHelp("Thresholds of the rain rate in mm/h.", valueName: "rates"))
  var exceedance: RateList?

  @Option(help: ArgumentHelp("Thresholds of the rain of each window in mm.", valueName: "amounts"))
  var amountExceedance: RateList?

  @Option(help: ArgumentHelp("The file.", valueName: "file.nc"))
  var output: String

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    try ProductOptions.check(windows: accumulations, option: "--accumulations")
    try ProductOptions.check(thresholds: exceedance, option: "--exceedance")
    try ProductOptions.check(thresholds: amountExceedance, option: "--amount-exceedance")
  }

  func run() throws {
    let logger = verbosity.logger
    let writer = ProductWriter(overwrite: replacing.overwrite)
    try writer.check(path: output)
    let read = try reading.read(paths, expectsForecasts: true, logger: logger)
    try read.requireOneGrid()
    let products = RainProducts(
      windows: accumulations?.values, rateThresholds: ProductOptions.numbers(exceedance),
      amountThresholds: ProductOptions.numbers(amountExceedance))
    let (sums, leftOut) = try products.sums(of: read.sequences)
    if !leftOut.isEmpty {
      let words = leftOut.map(String.init).joined(separator: " and ")
      logger.notice("no sums over \(words) min: the frames have no whole window of that length")
    }
    let history = [read.sequences.first?.source.provenance.history, commandLineText].compactMap(\.self)
    try writer.write(
      products.file(
        of: sums, from: read.sequences, source: programText, history: history.joined(separator: "\n")),
      to: output)
    read.tellValues(logger)
    guard !verbosity.quiet else { return }
    var parts = sums.map { "\($0.count) \($0.count == 1 ? "sum" : "sums") over \($0.minutes) min" }
    let thresholds = products.rateThresholds.count + products.amountThresholds.count
    if thresholds > 0 { parts.append("\(thresholds) \(thresholds == 1 ? "threshold" : "thresholds")") }
    Console.print("\(parts.joined(separator: ", ")): \(output)")
  }
}
