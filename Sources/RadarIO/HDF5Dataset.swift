/// A data set of an HDF5 file.
struct HDF5Dataset {
  let file: HDF5FileName
  /// Where it is in the file, such as `dataset1/data1/data`.
  let path: String
  /// The type of its values in memory; `nil` for what is no plain number.
  let type: NetCDFType?
  let storage: Storage
  fileprivate let lengths: [UInt64]

  /// Where the values are; hdf5_images.c has the same numbers.
  enum Storage: UInt8 {
    case here = 0
    case unknown
    /// In any other file the header may name.
    case elsewhere
    /// In chunks out of proportion to the whole.
    case hugeChunks
    /// Nowhere: nothing was ever written, and zeros would be read.
    case empty
  }

  init(file: HDF5FileName, path: String, type: NetCDFType?, storage: Storage, lengths: [UInt64]) {
    self.file = file
    self.path = path
    self.type = type
    self.storage = storage
    self.lengths = lengths
  }

  /// The number of values along each dimension.
  ///
  /// - Throws: ``RadarError`` `unusable` when one is beyond measure.
  func shape() throws -> [Int] {
    try lengths.map {
      guard let length = Int(exactly: $0) else { throw tooLarge }
      return length
    }
  }

  /// The type of the values.
  ///
  /// - Throws: ``RadarError`` `unusable` when they are no plain numbers, are not in this file, or are more than it can hold.
  func numericType() throws -> NetCDFType {
    guard let type, type.isNumeric else {
      throw unusable("its values are not integers of 8 to 64 bits or floating-point numbers.")
    }
    _ = try checkedByteCount(type)
    switch storage {
    case .here: break
    case .unknown: throw unusable("how its values are stored cannot be read: the file looks damaged.")
    case .elsewhere: throw unusable("its values are not in this file but in another one, which is not followed.")
    case .hugeChunks: throw unusable("its chunks are larger than the file can fill: the file looks damaged.")
    case .empty: throw unusable("no value was ever written to it. Produce the file again.")
    }
    return type
  }

  /// What is to be asked for to read all values.
  ///
  /// - Throws: ``RadarError`` `unusable` as ``numericType()`` does.
  func request() throws -> ReadingProcess.Request {
    let type = try numericType()
    return .image(path: file.path, name: path, type: type, byteCount: try checkedByteCount(type))
  }

  /// As in ``NetCDFFile/checkedByteCount(of:type:)``: deflate packs at most about 1:1030.
  private func checkedByteCount(_ type: NetCDFType) throws -> Int {
    var bytes = type.size
    for length in try shape() {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
      guard !overflow else { throw tooLarge }
      bytes = product
    }
    guard bytes <= max(256 << 20, file.byteCount.multipliedReportingOverflow(by: 4096).partialValue) else {
      throw tooLarge
    }
    return bytes
  }

  private var tooLarge: RadarError {
    unusable(
      "it claims \(lengths.map { "\($0)" }.joined(separator: " × ")) values, which cannot be in a file of "
        + "\(file.byteCount) bytes: the file looks damaged.")
  }

  private func unusable(_ message: String) -> RadarError {
    RadarError(.unusable, message, path: file.path, variable: path)
  }
}
