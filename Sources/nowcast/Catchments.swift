import ArgumentParser
import Foundation
import Nowcasting
import RadarIO

struct Catchments: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell how much it rains on catchments or other areas.",
    discussion: """
      Reads a forecast, or any frames, and areas: polygons in GeoJSON (longitude and latitude), or a map in NetCDF with the \
      number of an area for each pixel. Writes a CSV file with a line for each time and area: mean and largest rain rate, and \
      the share of the area that was measured. Missing pixels count for nothing; a mean is one of what was measured.
      """)

  @Argument(help: ArgumentHelp("A forecast, or files or folders with frames of one grid.", valueName: "path"))
  var paths: [String]

  @Option(help: ArgumentHelp("The areas.", valueName: "areas.geojson|mask.nc"))
  var areas: String

  @Option(help: "The property of GeoJSON features that holds their names. (default: name, then the feature's id)")
  var nameProperty: String?

  @Option(help: "The variable of a NetCDF file that holds the areas, where it has several.")
  var areasVariable: String?

  @Option(
    help: ArgumentHelp("Also the rain of windows of time that end at each frame, in minutes.", valueName: "minutes"))
  var accumulations: IntegerList?

  @Option(help: ArgumentHelp("The file.", valueName: "file.csv"))
  var output: String

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws { try ProductOptions.check(windows: accumulations, option: "--accumulations") }

  func run() throws {
    let logger = verbosity.logger
    try AtomicOutput.check(output, overwrite: replacing.overwrite)
    let read = try reading.read(paths, expectsForecasts: true, logger: logger)
    try read.requireOneGrid()
    guard let grid = read.sequences.first?.grid else { return }
    let (covers, notes) = try AreaReader(nameProperty: nameProperty, variable: areasVariable).covers(
      at: areas, on: grid)
    for note in notes { logger.warning("\(note)") }
    let sums = try (accumulations?.values ?? []).map { try RainSums(minutes: $0, of: read.sequences) }
    let series = try AreaSeries(covers, sequences: read.sequences, sums: sums)
    try AtomicOutput.write(Data(series.csv.utf8), to: output, overwrite: replacing.overwrite)
    read.tellValues(logger)
    guard !verbosity.quiet else { return }
    Console.print(series.table())
    let times = read.sequences.reduce(0) { $0 + $1.count }
    Console.print(
      "\(times) \(times == 1 ? "time" : "times"), \(covers.count) \(covers.count == 1 ? "area" : "areas"): \(output)")
  }
}
