/// Reads radar frames from CF NetCDF, ODIM_H5 and KNMI HDF5 files, which it tells apart by their content.
///
/// Of NetCDF both layouts are read: one frame in a file, with a scalar time, and many frames along a dimension of time. The
/// variable is chosen by standard name, units and dimensions; packing, missing values, units and times are settled here,
/// so that what comes out is rain rate in mm/h with `NaN` where nothing was measured.
///
/// The images of an HDF5 file are chosen by the quantity they state, and placed by its projection.
///
/// - Reflectivity in dBZ goes through ``ReadOptions/relation``. No echo is zero rain: −32 dBZ and below, and the lowest value
///   that a packed variable of at most 16 bits can hold, or what an ODIM file calls "undetect".
/// - A rate down to −0.001 mm/h is taken as zero; one further below, or infinite, is missing and counted in a warning.
/// - A step may be off by 5 %, at most 30 s, and still be regular. Times are never moved.
public struct RadarReader: Sendable {
  private let options: ReadOptions

  /// A reader.
  public init(options: ReadOptions = ReadOptions()) {
    self.options = options
  }

  /// Reads files, and folders with all below them, and joins their frames in the order of time.
  ///
  /// A gap, a change of grid or of step starts a new sequence.
  ///
  /// - Throws: ``RadarError`` `notFound` or `unusable` (`internalError` without a units database).
  public func sequences(at paths: [String]) throws -> RadarReading {
    var grids: [Grid] = []
    var files: [RadarFile] = []
    for path in try FileSearch.files(at: paths) {
      let parts =
        try RadarImageFile.read(path: path, options: options, known: grids)
        ?? [RadarFile(path: path, options: options, known: grids)]
      for part in parts where !grids.contains(where: { $0.matches(part.grid) }) { grids.append(part.grid) }
      files += parts
    }
    return try SequenceAssembly(relation: options.relation).sequences(of: files)
  }
}
