import Foundation
import Tensor
import Testing

@testable import RadarIO

/// Files of products: sums with bounds, and flags of thresholds.
@Suite struct ProductWriterTests {
  private func product(reference: Double? = 0) -> ProductFile {
    let rates = Tensor(shape: [2, 1, 2], [1, .nan, 2, 4])
    let thresholds = ProductField.Thresholds(
      name: "rate_threshold", standardName: "rainfall_rate", units: "mm h-1", values: [1, 3])
    var provenance = Provenance()
    provenance.institution = "Weather Office"
    provenance.terms = [.init(name: "licence", text: "CC BY 4.0")]
    return ProductFile(
      grid: Grid(height: 1, width: 2, spacingMetres: 1000),
      fields: [
        ProductField(
          name: "rainfall_rate_exceedance", longName: "flags", content: .exceedance(thresholds),
          times: .init(name: "time", ends: [300, 600])
        ) { step in
          let frame = rates.part(step).elements
          return Tensor(
            shape: [2, 1, 2], [1, 3].flatMap { limit in frame.map { $0.isNaN ? .nan : $0 >= limit ? 1 : 0 } })
        },
        ProductField(
          name: "rainfall_amount_10min", longName: "amount", content: .amount,
          times: .init(name: "time_10min", ends: [600], starts: [0])
        ) { _ in Tensor(shape: [1, 1, 2], [0.25, .nan]) },
      ], referenceTime: reference, title: "Rain products", source: "test", provenance: provenance)
  }

  @Test func everythingIsThere() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("p.nc")
    try ProductWriter().write(product(), to: path)
    let file = try NetCDFFile.open(path: path)
    let amount = try #require(file.variable("rainfall_amount_10min"))
    #expect(amount.dimensions.map(\.name) == ["time_10min", "y", "x"] && amount.units == "kg m-2")
    #expect(amount.standardName == "rainfall_amount" && amount.attributes.text("cell_methods") == "time_10min: sum")
    #expect(amount.attributes.text("coordinates") == "forecast_reference_time forecast_period_10min")
    #expect(amount.attributes.text("grid_mapping") == "crs")
    #expect(try file.numbers(of: amount) == [0.25, Double(RainFieldEncoder.fill)])
    let time = try #require(file.variable("time_10min"))
    #expect(time.standardName == "time" && time.attributes.text("bounds") == "time_10min_bounds")
    #expect(try file.numbers(of: #require(file.variable("time_10min_bounds"))) == [0, 600])
    #expect(try file.numbers(of: #require(file.variable("forecast_period"))) == [300, 600])

    let flags = try #require(file.variable("rainfall_rate_exceedance"))
    #expect(flags.dimensions.map(\.name) == ["rate_threshold", "time", "y", "x"] && flags.type == .byte)
    #expect(try file.numbers(of: flags) == [1, -1, 1, 1, 0, -1, 0, 1])
    #expect(flags.attributes["_FillValue"]?.numbers() == [-1] && flags.attributes["flag_values"]?.numbers() == [0, 1])
    #expect(try file.numbers(of: #require(file.variable("rate_threshold"))) == [1, 3])
    #expect(file.attributes.text("institution") == "Weather Office" && file.attributes.text("licence") == "CC BY 4.0")

    // The reader takes the amount for what it is.
    let sequence = try #require(try read(path).sequences.first)
    #expect(sequence.intervalSeconds == [600] && sequence.times == [600] && sequence.referenceTime == 0)
    #expect(try sequence.rainRate.elements[0] == 1.5)

    let error = #expect(throws: RadarError.self) { try ProductWriter().write(product(), to: path) }
    #expect(error?.code == .cannotCreate)
  }

  @Test func sameProductsSameBytes() throws {
    let folder = try TemporaryFolder()
    for name in ["a.nc", "b.nc"] { try ProductWriter().write(product(reference: nil), to: folder.file(name)) }
    let bytes = try ["a.nc", "b.nc"].map { try Data(contentsOf: URL(fileURLWithPath: folder.file($0))) }
    #expect(bytes[0] == bytes[1])
    let file = try NetCDFFile.open(path: folder.file("a.nc"))
    #expect(file.variable("forecast_period") == nil && file.variable("forecast_reference_time") == nil)
    #expect(file.variable("rainfall_amount_10min")?.attributes["coordinates"] == nil)
  }

  /// What makes the values may fail: then there is no file.
  @Test func nothingIsLeftOfAFailure() throws {
    let folder = try TemporaryFolder()
    var file = product()
    file.fields[1].planes = { _ in throw RadarError(.unusable, "gone") }
    #expect(throws: RadarError.self) { try ProductWriter().write(file, to: folder.file("p.nc")) }
    #expect(try folder.names().isEmpty)
  }
}
