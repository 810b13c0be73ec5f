/// Writes radar sequences as one CF-1.11 NetCDF-4 file of rain rate (time, y, x) in mm/h, whole or not at all.
public struct SequenceWriter: Sendable {
  /// Whether a file that is there may be replaced.
  public var overwrite: Bool
  /// The level of deflation, from 0 (none) to 9.
  public var compressionLevel: Int

  /// A writer.
  public init(overwrite: Bool = false, compressionLevel: Int = 4) {
    self.overwrite = overwrite
    self.compressionLevel = compressionLevel
  }

  /// Checks that a file could be written, to fail before the work rather than after.
  ///
  /// - Throws: ``RadarError`` `cannotCreate`.
  public func check(path: String) throws { try AtomicOutput.check(path, overwrite: overwrite) }

  /// Writes sequences of one grid, whose frames follow each other in time, to one file.
  ///
  /// The frames stay those of the input's makers: its title, institution, references and terms of use are kept.
  ///
  /// - Parameters:
  ///   - sequences: in the order of time.
  ///   - path: the file.
  ///   - title: the global attribute; by default that of the first sequence's file.
  ///   - source: is added to the input's.
  ///   - history: the global attribute.
  ///   - references: the global attribute; by default those of the sequences.
  ///   - comment: the global attribute.
  /// - Throws: ``RadarError`` `unusable` when grids are mixed or times overlap; `cannotCreate` or `writeFailed`.
  public func write(
    _ sequences: [FrameSequence], to path: String, title: String? = nil, source: String? = nil, history: String? = nil,
    references: String? = nil, comment: String? = nil
  ) throws {
    try check(path: path)
    try RadarReading(sequences: sequences, warnings: []).requireOneGrid()
    guard let first = sequences.first else {
      throw RadarError(.unusable, "there are no frames to write.", path: path)
    }
    let times = sequences.flatMap(\.times)
    for (before, after) in zip(times, times.dropFirst()) where after <= before {
      throw RadarError(
        .unusable, "the sequences overlap: \(TimeAxis.text(after)) follows \(TimeAxis.text(before)).", path: path)
    }
    var globals = GlobalAttributes()
    var provenance = first.source.provenance
    sequences.flatMap(\.source.provenance.terms).forEach { provenance.add($0) }
    globals.add("title", title ?? provenance.title ?? "Radar rain rate")
    globals.add("institution", provenance.institution)
    globals.add("source", [provenance.source, source].compactMap(\.self).joined(separator: "; "))
    globals.add("history", history)
    globals.add("references", references ?? provenance.references)
    globals.add("doi", provenance.doi)
    globals.add("comment", comment)
    for term in provenance.terms { globals.add(term.name, term.text) }
    let intervals = sequences.compactMap(\.intervalSeconds).flatMap(\.self)
    let encoder = RainFieldEncoder(
      grid: first.grid, times: times, rainRate: sequences.map(\.frames),
      intervalStarts: intervals.count == times.count ? zip(times, intervals).map { $0 - $1 } : nil,
      validity: SequenceWriter.validity(sequences), longName: "rain rate", globals: globals.list,
      compressionLevel: compressionLevel)
    try encoder.encode(path: path) { try AtomicOutput.write($0, to: path, overwrite: overwrite) }
  }

  /// Which frames were missing and are interpolated, where there are any.
  private static func validity(_ sequences: [FrameSequence]) -> ValidityFlags? {
    guard sequences.contains(where: { !$0.bridged.isEmpty }) else { return nil }
    let values = sequences.flatMap { sequence in
      var values = [PixelValidity](repeating: .valid, count: sequence.count)
      for frame in sequence.bridged { values[frame] = .inputInterpolated }
      return values
    }
    return ValidityFlags(extent: .frames, values: values, longName: "whether the frame was missing and interpolated")
  }

  /// Writes one sequence.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`.
  public func write(
    _ sequence: FrameSequence, to path: String, title: String? = nil, source: String? = nil, history: String? = nil,
    references: String? = nil, comment: String? = nil
  ) throws {
    try write(
      [sequence], to: path, title: title, source: source, history: history, references: references, comment: comment)
  }
}
