import Testing

@testable import RadarIO

/// Licence and origin go with the data.
@Suite struct ProvenanceTests {
  private func file(_ path: String, time: Double, licence: String) throws -> String {
    let file = try TestFile(path)
    for (name, text) in [
      ("title", "Composite"), ("institution", "Weather Office"), ("source", "radar network"), ("licence", licence),
      ("Copyright_Notice", "Crown"), ("creator_name", "A. Person"), ("references", "A paper"), ("doi", "10.1/x"),
      ("contact", "someone"), ("comment", "of the input"),
    ] { try file.attribute(nil, name, .text(text)) }
    try file.dimension("time", 1)
    try file.plane(height: 2, width: 2)
    try file.time([time])
    try file.variable("rain", .float, ["time", "y", "x"], [("units", .text("mm h-1"))], [0, 1, 2, 3])
    try file.close()
    return path
  }

  private func written(_ folder: TemporaryFolder, _ licences: [String]) throws -> (FrameSequence, String) {
    let paths = try licences.enumerated().map { index, licence in
      try file(folder.file("\(index).nc"), time: Double(index) * 300, licence: licence)
    }
    return (try RadarReader().sequences(at: paths).sequences[0], folder.file("out.nc"))
  }

  @Test func aForecastCarriesTheTermsOfItsInput() throws {
    let folder = try TemporaryFolder()
    let (sequence, path) = try written(folder, ["CC BY 4.0", "CC BY 4.0"])
    let forecast = try ForecastFile(
      rainRate: sequence.rainRate, times: [600, 900], from: sequence, source: "nowcast", references: "Shi et al.")
    try ForecastWriter().write(forecast, to: path)
    let attributes = try NetCDFFile.open(path: path).attributes
    let expected = [
      "institution": "Weather Office", "licence": "CC BY 4.0", "Copyright_Notice": "Crown",
      "creator_name": "A. Person", "source": "nowcast", "references": "Shi et al.", "input_title": "Composite",
      "input_source": "radar network", "input_references": "A paper", "input_doi": "10.1/x",
    ]
    for (name, text) in expected { #expect(attributes.text(name) == text) }
    // Whom to ask about the input is not whom to ask about the forecast.
    #expect(attributes["contact"] == nil)
  }

  @Test func everyLicenceOfSeveralFilesIsKept() throws {
    let folder = try TemporaryFolder()
    let (sequence, path) = try written(folder, ["CC BY 4.0", "ask first", "CC BY 4.0"])
    try SequenceWriter().write(sequence, to: path, source: "nowcast")
    let attributes = try NetCDFFile.open(path: path).attributes
    #expect(attributes.text("licence") == "CC BY 4.0\nask first")
    // What is converted is still the work of its makers.
    #expect(attributes.text("title") == "Composite" && attributes.text("references") == "A paper")
    #expect(attributes.text("source") == "radar network; nowcast" && attributes.text("doi") == "10.1/x")
  }
}
