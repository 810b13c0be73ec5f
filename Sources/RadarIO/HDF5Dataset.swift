import CHDF5
import CRadarShim

/// The numbers of a data set of an HDF5 file.
struct HDF5Dataset {
  let object: HDF5Object
  let id: hid_t

  private var file: HDF5File { object.file }

  /// The number of values along each dimension.
  ///
  /// - Throws: ``RadarError`` `unusable` when libhdf5 cannot tell, or a number is beyond measure.
  func shape() throws -> [Int] {
    let lengths = HDF5File.call { () -> [hsize_t]? in
      let space = H5Dget_space(id)
      guard space >= 0 else { return nil }
      defer { H5Sclose(space) }
      let rank = H5Sget_simple_extent_ndims(space)
      guard rank >= 0, rank <= 32 else { return nil }
      var lengths = [hsize_t](repeating: 0, count: max(Int(rank), 1))
      guard H5Sget_simple_extent_dims(space, &lengths, nil) == rank else { return nil }
      return Array(lengths.prefix(Int(rank)))
    }
    guard let lengths else { throw file.damaged(object.path) }
    return try lengths.map {
      guard let length = Int(exactly: $0) else { throw tooLarge(lengths) }
      return length
    }
  }

  /// All values, in the machine's byte order.
  ///
  /// - Throws: ``RadarError`` `unusable` when they are no plain numbers, are not in this file, are more than it can hold,
  ///   or cannot be read.
  func rawValues() throws -> RawValues {
    let lengths = try shape()
    guard let type = numberType() else {
      throw RadarError(
        .unusable, "its values are not integers of 8 to 64 bits or floating-point numbers.", path: file.path,
        variable: object.path)
    }
    guard let byteCount = checkedByteCount(lengths, type) else { throw tooLarge(lengths) }
    try checkStorage(byteCount: byteCount, valueSize: type.size)
    let buffer = RawValues(type: type, byteCount: byteCount)
    let status = HDF5File.call {
      H5Dread(id, radar_hdf5_native_type(Int32(type.size), type.isInteger, type.isSigned), 0, 0, 0, buffer.pointer)
    }
    guard status >= 0 else { throw file.damaged(object.path) }
    return buffer
  }

  /// The type in memory; `nil` for what is no plain number.
  private func numberType() -> NetCDFType? {
    HDF5File.call {
      let type = H5Dget_type(id)
      guard type >= 0 else { return nil }
      defer { H5Tclose(type) }
      let size = H5Tget_size(type)
      switch H5Tget_class(type) {
      case H5T_FLOAT where size <= 4: return .float
      case H5T_FLOAT where size <= 16: return .double
      case H5T_INTEGER:
        let signed: [Int: NetCDFType] = [1: .byte, 2: .short, 4: .int, 8: .int64]
        return H5Tget_sign(type) == H5T_SGN_NONE ? signed[size]?.unsigned : signed[size]
      default: return nil
      }
    }
  }

  /// As in ``NetCDFFile/checkedByteCount(of:type:)``: deflate packs at most about 1:1030.
  private func checkedByteCount(_ lengths: [Int], _ type: NetCDFType) -> Int? {
    var bytes = type.size
    for length in lengths {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
      guard !overflow else { return nil }
      bytes = product
    }
    return bytes <= max(256 << 20, file.byteCount.multipliedReportingOverflow(by: 4096).partialValue) ? bytes : nil
  }

  /// Refuses values that lie elsewhere (in any file the header may name), chunks out of proportion, and a data set
  /// nothing was ever written to, which would read as zeros.
  private func checkStorage(byteCount: Int, valueSize: Int) throws {
    enum Finding { case fine, unknown, elsewhere, hugeChunks, empty }
    let finding = HDF5File.call { () -> Finding in
      let list = H5Dget_create_plist(id)
      guard list >= 0 else { return .unknown }
      defer { H5Pclose(list) }
      let layout = H5Pget_layout(list)
      guard layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT,
        H5Pget_external_count(list) == 0
      else { return .elsewhere }
      if layout == H5D_CHUNKED {
        var lengths = [hsize_t](repeating: 0, count: 32)
        let rank = H5Pget_chunk(list, 32, &lengths)
        guard rank > 0 else { return .unknown }
        // A chunk is unpacked as a whole; one may be larger than a small image.
        var size = hsize_t(valueSize)
        for length in lengths.prefix(Int(rank)) {
          let (product, overflow) = size.multipliedReportingOverflow(by: length)
          guard !overflow else { return .hugeChunks }
          size = product
        }
        guard size <= max(2 * hsize_t(byteCount), 64 << 20) else { return .hugeChunks }
      }
      return H5Dget_storage_size(id) > 0 ? .fine : .empty
    }
    let message =
      switch finding {
      case .fine: ""
      case .unknown: "how its values are stored cannot be read: the file looks damaged."
      case .elsewhere: "its values are not in this file but in another one, which is not followed."
      case .hugeChunks: "its chunks are larger than the file can fill: the file looks damaged."
      case .empty: "no value was ever written to it. Produce the file again."
      }
    guard message.isEmpty else { throw RadarError(.unusable, message, path: file.path, variable: object.path) }
  }

  private func tooLarge(_ lengths: [some BinaryInteger]) -> RadarError {
    RadarError(
      .unusable,
      "it claims \(lengths.map { "\($0)" }.joined(separator: " × ")) values, which cannot be in a file of "
        + "\(file.byteCount) bytes: the file looks damaged.", path: file.path, variable: object.path)
  }
}

extension NetCDFType {
  /// Whether numbers have a sign.
  fileprivate var isSigned: Bool { unsigned != self || !isInteger }
}
