import CNetCDF
import Foundation

/// A NetCDF file open for reading: its dimensions, variables and attributes (of the root group), and raw values.
final class NetCDFFile {
  struct Dimension: Equatable {
    var id: Int32
    var name: String
    var length: Int
  }

  struct Variable {
    var id: Int32
    var name: String
    /// `nil` for a type made by the user (compound, enumeration, …).
    var type: NetCDFType?
    var dimensions: [Dimension]
    var attributes: [CFAttribute]

    var shape: [Int] { dimensions.map(\.length) }
    var standardName: String? { attributes.text("standard_name") }
    var units: String? { attributes.text("units") }
  }

  let path: String
  /// The size of the file in bytes.
  let byteCount: Int
  private let id: Int32
  private(set) var attributes: [CFAttribute] = []
  private(set) var variables: [Variable] = []
  /// Whether there are groups below the root; what they hold is not looked at.
  private(set) var hasGroups = false

  /// Opens a file and reads its header.
  ///
  /// - Throws: ``RadarError`` `notFound` when it is not there or may not be read, `unusable` when it is not NetCDF or damaged.
  init(path: String) throws {
    self.path = path
    byteCount = try FileProbe.readableFile(at: path).byteCount
    var opened: Int32 = 0
    var status = NetCDFLibrary.call { nc_open(path, NC_NOWRITE, &opened) }
    // HDF5 locks what it reads. A writer that is about to finish is worth a moment of waiting.
    for _ in 0..<2 where status == NC_EHDFERR {
      usleep(50_000)
      status = NetCDFLibrary.call { nc_open(path, NC_NOWRITE, &opened) }
    }
    guard status == NC_NOERR else {
      throw RadarError(
        .unusable,
        "it begins like NetCDF but cannot be opened (\(NetCDFLibrary.words(for: status))): the file looks truncated or "
          + "damaged, or is still being written. Copy or produce it again.", path: path)
    }
    id = opened
    try readHeader()
  }

  deinit { _ = NetCDFLibrary.call { nc_close(id) } }

  /// The variable of that name.
  func variable(_ name: String) -> Variable? { variables.first { $0.name == name } }

  /// The coordinate variable of a dimension: one-dimensional and of the dimension's name.
  func coordinate(of dimension: Dimension) -> Variable? {
    variables.first { $0.name == dimension.name && $0.dimensions == [dimension] }
  }

  // MARK: Values

  /// The number of bytes all values of a variable take, after checks that a damaged or hostile header cannot make the
  /// program ask for memory without measure.
  func checkedByteCount(of variable: Variable, type: NetCDFType) throws -> Int {
    var bytes = type.size
    for length in variable.shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
      // An extent beyond what an Int holds appears as negative.
      guard !overflow, length >= 0 else { throw tooLarge(variable) }
      bytes = product
    }
    // Deflate packs at most about 1:1030; other filters and chunks never written do better on empty frames.
    let limit = max(256 << 20, byteCount.multipliedReportingOverflow(by: 4096).partialValue)
    guard bytes <= limit else { throw tooLarge(variable) }
    return bytes
  }

  /// All values of a variable as the file's type in the machine's byte order.
  func rawValues(of variable: Variable) throws -> RawValues {
    guard let type = variable.type, type != .string else {
      throw RadarError(.unusable, "its type is not one of numbers or characters.", path: path, variable: variable.name)
    }
    let buffer = RawValues(type: type, byteCount: try checkedByteCount(of: variable, type: type))
    try check(variable) { nc_get_var(id, variable.id, buffer.pointer) }
    return buffer
  }

  /// All values of a small variable as numbers, without unpacking.
  func numbers(of variable: Variable) throws -> [Double] {
    let values = try rawValues(of: variable)
    return CFAttribute.numbers(in: values.bytes, type: values.type)
  }

  // MARK: Header

  private func readHeader() throws {
    var variableCount: Int32 = 0
    var attributeCount: Int32 = 0
    var groupCount: Int32 = 0
    try check { nc_inq(id, nil, &variableCount, &attributeCount, nil) }
    try check { nc_inq_grps(id, &groupCount, nil) }
    hasGroups = groupCount > 0
    attributes = try readAttributes(of: NC_GLOBAL, count: attributeCount)
    for variable in 0..<variableCount { variables.append(try readVariable(variable)) }
  }

  private func readVariable(_ variable: Int32) throws -> Variable {
    var type: nc_type = 0
    var dimensionCount: Int32 = 0
    var attributeCount: Int32 = 0
    try check { nc_inq_varndims(id, variable, &dimensionCount) }
    var dimensionIDs = [Int32](repeating: 0, count: max(Int(dimensionCount), 1))
    let name = try readName { nc_inq_var(id, variable, $0, &type, nil, &dimensionIDs, &attributeCount) }
    let dimensions = try dimensionIDs.prefix(Int(dimensionCount)).map { dimension in
      var length = 0
      let name = try readName { nc_inq_dim(id, dimension, $0, &length) }
      return Dimension(id: dimension, name: name, length: length)
    }
    return Variable(
      id: variable, name: name, type: NetCDFType(rawValue: type), dimensions: dimensions,
      attributes: try readAttributes(of: variable, count: attributeCount))
  }

  private func readAttributes(of variable: Int32, count: Int32) throws -> [CFAttribute] {
    try (0..<count).compactMap { index in
      let name = try readName { nc_inq_attname(id, variable, index, $0) }
      var type: nc_type = 0
      var length = 0
      try check { nc_inq_att(id, variable, name, &type, &length) }
      guard (0...byteCount).contains(length), let type = NetCDFType(rawValue: type) else { return nil }
      if type == .string {
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: length)
        guard length > 0 else { return CFAttribute(name: name, strings: []) }
        try check { nc_get_att_string(id, variable, name, &pointers) }
        defer { _ = NetCDFLibrary.call { nc_free_string(length, &pointers) } }
        return CFAttribute(name: name, strings: pointers.map { $0.map { String(cString: $0) } ?? "" })
      }
      var bytes = [UInt8](repeating: 0, count: length * type.size)
      if length > 0 { try check { bytes.withUnsafeMutableBytes { nc_get_att(id, variable, name, $0.baseAddress) } } }
      return CFAttribute(name: name, type: type, bytes: bytes)
    }
  }

  private func readName(_ body: (UnsafeMutablePointer<CChar>) -> Int32) throws -> String {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NC_MAX_NAME) + 1) { buffer in
      buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress else { return "" }
      try check { body(start) }
      return String(cString: start)
    }
  }

  private func check(_ variable: Variable? = nil, _ body: () -> Int32) throws {
    let status = NetCDFLibrary.call(body)
    guard status != NC_NOERR else { return }
    throw RadarError(
      .unusable,
      "reading failed (\(NetCDFLibrary.words(for: status))): the file looks truncated or damaged. Copy or produce it "
        + "again.", path: path, variable: variable?.name)
  }

  private func tooLarge(_ variable: Variable) -> RadarError {
    RadarError(
      .unusable,
      "it claims \(variable.shape.map(String.init).joined(separator: " × ")) values, which cannot be in a file of "
        + "\(byteCount) bytes: the file looks damaged.", path: path, variable: variable.name)
  }
}

/// Values as a file holds them, in memory of their own.
final class RawValues {
  let type: NetCDFType
  let byteCount: Int
  let pointer: UnsafeMutableRawPointer

  init(type: NetCDFType, byteCount: Int) {
    self.type = type
    self.byteCount = byteCount
    pointer = .allocate(byteCount: max(byteCount, 1), alignment: 64)
  }

  deinit { pointer.deallocate() }

  var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: pointer, count: byteCount)) }
}
