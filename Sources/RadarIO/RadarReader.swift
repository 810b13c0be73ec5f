/// Reads radar frames from CF NetCDF, ODIM_H5 and KNMI HDF5 files, which it tells apart by their content.
///
/// Of NetCDF both layouts are read: one frame in a file, with a scalar time, and many frames along a dimension of time. The
/// variable is chosen by standard name, units and dimensions; packing, missing values, units and times are settled here,
/// so that what comes out is rain rate in mm/h with `NaN` where nothing was measured.
///
/// The images of an HDF5 file are chosen by the quantity they state, and placed by its projection.
///
/// - Reflectivity in dBZ goes through ``ReadOptions/relation``. No echo is zero rain: −32 dBZ and below, and the lowest value
///   that a packed variable of at most 16 bits can hold, or the file's own code ("undetect"). Below −100 dBZ is no measurement, hence missing.
/// - A rate down to −0.001 mm/h is taken as zero; one further below, or infinite, is missing; one above 1000 mm/h, more
///   than any rain has, is cut to that. All of these are counted in a warning.
/// - A step may be off by 5 %, at most 30 s, and still be regular. Times are never moved. Of frames of one time the last is
///   used.
///
/// First only the headers are read, or the index of the folder that keeps what they say (see ``FileIndexing``). Frames are
/// when they are needed, see ``FrameSequence/rainRate(of:)``.
public struct RadarReader: Sendable {
  /// The most bytes of frames that stay in memory for whoever reads them again soon.
  public static let mostKeptBytes = 64 << 20

  private let options: ReadOptions
  private let indexing: FileIndexing

  /// A reader.
  public init(options: ReadOptions = ReadOptions(), indexing: FileIndexing = .whereThere) {
    self.options = options
    self.indexing = indexing
  }

  /// Reads files, and folders with all below them, and joins their frames in the order of time.
  ///
  /// A gap, a change of grid or of step starts a new sequence.
  ///
  /// - Parameters:
  ///   - paths: files and folders.
  ///   - failed: told about each file that cannot be used, which is left out then; when `nil`, the first ends the
  ///     reading.
  /// - Throws: ``RadarError`` `notFound` or `unusable` (`internalError` without a units database, `cannotCreate` when the
  ///   place named for an index holds something else).
  public func sequences(at paths: [String], failed: ((RadarError) -> Void)? = nil) throws -> RadarReading {
    let (files, reports) = try HeaderReading(self, options: options, indexing: indexing)
      .files(at: paths, failed: failed)
    var reading = try reading(of: files, failed: failed)
    reading.indexes = reports
    return reading
  }

  /// Joins files whose headers are known.
  ///
  /// - Parameter decoded: frames that were read before, and where those that are read now are kept.
  func reading(
    of files: [RadarFile], decoded: DecodedFrames? = nil, failed: ((RadarError) -> Void)? = nil
  ) throws -> RadarReading {
    let reader = FrameReader(files: files, relation: options.relation, decoded: decoded)
    let assembly = SequenceAssembly(
      reader: reader, maxGap: options.maxGap, knownStep: options.stepSeconds, expectsForecasts: options.expectsForecasts
    )
    let (sequences, warnings) = try assembly.sequences(failed: failed)
    return RadarReading(sequences: sequences, warnings: RadarReader.told(files) + warnings, reader: reader)
  }

  /// What a file holds: many frames of NetCDF, or images, which are understood by themselves.
  func parts(of content: ReadingProcess.Content, path: String, known: [Grid]) throws -> [RadarFile] {
    switch content {
    case .netCDF(let file): return [try RadarFile(file: file, options: options, known: known)]
    case .images(let root):
      if let images = try RadarImageFile.read(root, options: options, known: known) { return images }
      // One with a group of such a name, but no other mark of a format of images.
      return [
        try RadarFile(file: NetCDFFile.open(path: path), options: options, known: known)
      ]
    }
  }

  /// The warnings about files, each sentence once.
  private static func told(_ files: [RadarFile]) -> [String] {
    var first: [String: Int] = [:]
    var counts: [String: Int] = [:]
    for (index, file) in files.enumerated() {
      for warning in file.warnings {
        if first[warning] == nil { first[warning] = index }
        counts[warning, default: 0] += 1
      }
    }
    return first.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map { warning, index in
      let others = counts[warning].map { $0 > 1 ? " (and \($0 - 1) more)" : "" } ?? ""
      return "\(files[index].path)\(others): variable '\(files[index].variable)': \(warning)."
    }
  }
}
