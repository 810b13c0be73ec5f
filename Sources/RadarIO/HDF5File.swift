import CHDF5
import CRadarShim
import Foundation

/// An HDF5 file open for reading through libhdf5 itself: what is no NetCDF but has groups, attributes and images of its
/// own. Nothing in it is believed before it was looked at: names are followed one by one and never into other files,
/// and sizes are checked before memory is asked for.
final class HDF5File {
  let path: String
  /// The size of the file in bytes.
  let byteCount: Int
  private let id: hid_t

  /// Opens a file.
  ///
  /// - Throws: ``RadarError`` `unusable` when libhdf5 cannot, hence neither libnetcdf.
  init(path: String, byteCount: Int) throws {
    self.path = path
    self.byteCount = byteCount
    var opened = HDF5File.call { radar_hdf5_open_file(path) }
    // As in ``NetCDFFile``: a writer that is about to finish is worth a moment of waiting.
    for _ in 0..<2 where opened < 0 {
      usleep(50_000)
      opened = HDF5File.call { radar_hdf5_open_file(path) }
    }
    guard opened >= 0 else {
      throw RadarError(
        .unusable,
        "it begins like HDF5 or NetCDF-4 but cannot be opened: the file looks truncated or damaged, or is still being "
          + "written. Copy or produce it again.", path: path)
    }
    id = opened
  }

  deinit { _ = HDF5File.call { H5Fclose(id) } }

  /// The group that holds all others.
  var root: HDF5Object? { HDF5Object(in: self, location: id, name: "/", path: "") }

  /// libnetcdf and this program share one libhdf5, hence one lock.
  static func call<R>(_ body: () -> R) -> R { NetCDFLibrary.call(body) }

  /// What to throw where libhdf5 fails on what it has found before.
  func damaged(_ variable: String?) -> RadarError {
    RadarError(
      .unusable, "reading failed: the file looks truncated or damaged. Copy or produce it again.", path: path,
      variable: variable)
  }
}

/// A group or a data set of an HDF5 file. It keeps its file open.
final class HDF5Object {
  let file: HDF5File
  /// Where it is in the file, such as `dataset1/data1`; empty for the root.
  let path: String
  private let id: hid_t

  /// More names in one group than this are no radar file.
  private static let largestGroup = 1000

  fileprivate init?(in file: HDF5File, location: hid_t, name: String, path: String) {
    let opened = HDF5File.call { radar_hdf5_open_object(location, name) }
    guard opened >= 0 else { return nil }
    self.file = file
    self.path = path
    id = opened
  }

  deinit { _ = HDF5File.call { H5Oclose(id) } }

  private var kind: H5I_type_t { HDF5File.call { H5Iget_type(id) } }

  /// The group of that name in this one; `nil` when there is none.
  func group(_ name: String) -> HDF5Object? { child(name).flatMap { $0.kind == H5I_GROUP ? $0 : nil } }

  /// The data set of that name in this group; `nil` when there is none.
  func dataset(_ name: String) -> HDF5Dataset? {
    child(name).flatMap { $0.kind == H5I_DATASET ? HDF5Dataset(object: $0, id: $0.id) : nil }
  }

  private func child(_ name: String) -> HDF5Object? {
    guard HDF5File.call({ H5Lexists(id, name, 0) }) > 0 else { return nil }
    return HDF5Object(in: file, location: id, name: name, path: path.isEmpty ? name : "\(path)/\(name)")
  }

  /// The groups whose names are a word and a number, such as `dataset1`, `dataset2`, …, in the order of the numbers.
  ///
  /// - Throws: ``RadarError`` `unusable` when there are too many names to be a radar file.
  func numberedGroups(_ word: String) throws -> [HDF5Object] {
    var info = H5G_info_t()
    guard HDF5File.call({ H5Gget_info(id, &info) }) >= 0 else { throw file.damaged(path) }
    guard info.nlinks <= HDF5Object.largestGroup else {
      throw RadarError(
        .unusable, "the group '/\(path)' has \(info.nlinks) members, which no radar file has.", path: file.path)
    }
    var numbers: Set<Int> = []
    var buffer = [CChar](repeating: 0, count: 64)
    for index in 0..<info.nlinks {
      let length = HDF5File.call {
        H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_NATIVE, index, &buffer, buffer.count, 0)
      }
      guard length >= 0 else { throw file.damaged(path) }
      guard length < buffer.count else { continue }
      let name = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if name.hasPrefix(word), let number = Int(name.dropFirst(word.count)), name == "\(word)\(number)" {
        numbers.insert(number)
      }
    }
    return numbers.sorted().compactMap { group("\(word)\($0)") }
  }

  // MARK: Attributes

  /// The value of an attribute.
  enum Attribute: Equatable {
    case numbers([Double])
    case text(String)
    /// Neither numbers nor text, or too much of them.
    case other
  }

  /// More than this many bytes in one attribute is nothing a radar file says.
  private static let largestAttribute = 1 << 14

  /// The attribute of that name; `nil` when there is none.
  ///
  /// - Throws: ``RadarError`` `unusable` when it cannot be read.
  func attribute(_ name: String) throws -> Attribute? {
    // One lock for all: others may come between calls, and what is opened here is nobody else's.
    let (exists, value) = HDF5File.call { () -> (Bool, Attribute?) in
      guard H5Aexists(id, name) > 0 else { return (false, nil) }
      let attribute = H5Aopen(id, name, 0)
      guard attribute >= 0 else { return (true, nil) }
      defer { H5Aclose(attribute) }
      return (true, HDF5Object.value(of: attribute))
    }
    guard exists else { return nil }
    guard let value else { throw file.damaged("\(path)/\(name)") }
    return value
  }

  /// `nil` when libhdf5 fails. To be called with the lock held.
  private static func value(of attribute: hid_t) -> Attribute? {
    let (type, space) = (H5Aget_type(attribute), H5Aget_space(attribute))
    defer {
      if type >= 0 { H5Tclose(type) }
      if space >= 0 { H5Sclose(space) }
    }
    guard type >= 0, space >= 0 else { return nil }
    let count = Int(H5Sget_simple_extent_npoints(space))
    let size = H5Tget_size(type)
    guard count > 0, count <= largestAttribute, size > 0, size <= largestAttribute / count else { return .other }
    switch H5Tget_class(type) {
    case H5T_INTEGER, H5T_FLOAT:
      guard size <= 16 else { return .other }
      var numbers = [Double](repeating: 0, count: count)
      return H5Aread(attribute, radar_hdf5_native_type(8, false, true), &numbers) >= 0 ? .numbers(numbers) : nil
    case H5T_STRING:
      if H5Tis_variable_str(type) > 0 { return variableText(of: attribute, type, count) }
      var bytes = [UInt8](repeating: 0, count: count * size)
      guard H5Aread(attribute, type, &bytes) >= 0 else { return nil }
      return .text(trimmed(bytes.prefix(size)))
    default:
      return .other
    }
  }

  private static func variableText(of attribute: hid_t, _ type: hid_t, _ count: Int) -> Attribute? {
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard H5Aread(attribute, type, &pointers) >= 0 else { return nil }
    defer { for pointer in pointers { H5free_memory(pointer) } }
    guard let first = pointers[0] else { return .text("") }
    let length = strnlen(first, largestAttribute)
    guard length < largestAttribute else { return .other }
    return .text(trimmed(UnsafeRawBufferPointer(start: first, count: length)[...]))
  }

  /// The text up to the first NUL, without blanks around it.
  private static func trimmed(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
