import CNetCDF
import Foundation

/// A NetCDF file open for reading: its groups, dimensions, variables and attributes, and raw values.
///
/// `@unchecked Sendable`: nothing changes after the header is read, and all calls go through the library's lock.
final class NetCDFFile: @unchecked Sendable {
  struct Dimension: Equatable {
    var id: Int32
    var name: String
    var length: Int
  }

  struct Variable {
    var id: Int32
    var name: String
    /// Its group, a position in ``groups``.
    var group: Int
    /// The name with those of its groups, such as `/radar/rain`; just the name in the root group.
    var fullName: String
    /// `nil` for a type made by the user (compound, enumeration, …).
    var type: NetCDFType?
    var dimensions: [Dimension]
    var attributes: [CFAttribute]

    var shape: [Int] { dimensions.map(\.length) }
    var standardName: String? { attributes.text("standard_name") }
    var units: String? { attributes.units?.text.flatMap { $0.isEmpty ? nil : $0 } }
  }

  /// The root group or one below it.
  struct Group {
    fileprivate var id: Int32
    /// The path with a slash at its end; empty for the root.
    fileprivate var prefix: String
    fileprivate var parent: Int?
    fileprivate var attributes: [CFAttribute] = []
  }

  /// More groups than this are no radar file but a mistake or an attack.
  private static let mostGroups = 1000

  /// The most memory for chunks that are kept because they hold parts of many frames.
  private static let mostChunkBytes = 512 << 20

  let path: String
  /// The size of the file in bytes.
  let byteCount: Int
  private let id: Int32
  /// All groups, the root first, each after its parent.
  private var groups: [Group] = []
  /// The variables of all groups, those of the root first.
  private(set) var variables: [Variable] = []

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

  /// The attributes of the root group.
  var attributes: [CFAttribute] { groups[0].attributes }

  /// The attributes of the groups a variable is in, the nearest first.
  func attributes(around variable: Variable) -> [CFAttribute] { scopes(of: variable).flatMap { groups[$0].attributes } }

  /// The variable that a name means where `reference` names it (CF section 2.7): in its own group, else in the nearest
  /// one around it, else the only one of that name. Names with slashes are paths.
  func variable(_ name: String, from reference: Variable? = nil) -> Variable? {
    if name.contains("/") {
      let inside = reference.map { groups[$0.group].prefix + name }
      return variables.first { $0.fullName == name || $0.fullName == "/" + name || $0.fullName == inside }
    }
    let named = variables.filter { $0.name == name }
    if named.count <= 1 { return named.first }
    for group in reference.map(scopes) ?? [0] {
      if let found = named.first(where: { $0.group == group }) { return found }
    }
    return nil
  }

  /// The groups from that of a variable up to the root.
  private func scopes(of variable: Variable) -> [Int] {
    Array(sequence(first: variable.group) { self.groups[$0].parent })
  }

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
    try check(variable) { nc_get_var(groups[variable.group].id, variable.id, buffer.pointer) }
    return buffer
  }

  /// The values of a variable of numbers at one place along a dimension, read into memory that is used again.
  func readValues(
    of variable: Variable, at index: Int, along dimension: Dimension?,
    member: (dimension: Dimension, index: Int)? = nil, into buffer: inout RawValues?
  ) throws {
    guard let type = variable.type, type.isNumeric else {
      throw RadarError(.unusable, "its type is not one of numbers.", path: path, variable: variable.name)
    }
    let counts = variable.dimensions.map { $0 == dimension || $0 == member?.dimension ? 1 : $0.length }
    let starts = variable.dimensions.map { $0 == dimension ? index : $0 == member?.dimension ? member?.index ?? 0 : 0 }
    let bytes = counts.reduce(type.size, *)
    if buffer?.type != type || buffer?.byteCount != bytes { buffer = RawValues(type: type, byteCount: bytes) }
    guard let target = buffer?.pointer else { return }
    try check(variable) { nc_get_vara(groups[variable.group].id, variable.id, starts, counts, target) }
  }

  /// Makes room for the chunks that a frame is in, where a chunk holds parts of many frames: else every frame would
  /// inflate them all again.
  func prepareFrames(of variable: Variable, along dimension: Dimension?) throws {
    guard let dimension, let position = variable.dimensions.firstIndex(of: dimension), let type = variable.type else {
      return
    }
    var (storage, chunks) = (Int32(0), [Int](repeating: 1, count: variable.dimensions.count))
    let group = groups[variable.group].id
    guard NetCDFLibrary.call({ nc_inq_var_chunking(group, variable.id, &storage, &chunks) }) == NC_NOERR,
      storage == NC_CHUNKED, chunks[position] > 1
    else { return }
    var bytes = type.size * chunks[position]
    for (index, length) in variable.shape.enumerated() where index != position {
      let (product, overflow) = bytes.multipliedReportingOverflow(
        by: (length + chunks[index] - 1) / max(chunks[index], 1) * chunks[index])
      guard !overflow else { return }
      bytes = product
    }
    guard bytes <= NetCDFFile.mostChunkBytes else { return }
    try check(variable) { nc_set_var_chunk_cache(group, variable.id, max(bytes, 16 << 20), 4099, 0.75) }
  }

  /// The text values of a variable of characters (the last dimension is that of the letters) or strings.
  func texts(of variable: Variable) throws -> [String] {
    if variable.type == .string {
      let count = variable.shape.reduce(1, *)
      guard (1...1 << 20).contains(count) else { return [] }
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      try check(variable) { nc_get_var_string(groups[variable.group].id, variable.id, &pointers) }
      defer { _ = NetCDFLibrary.call { nc_free_string(count, &pointers) } }
      return pointers.map { $0.map { String(cString: $0) } ?? "" }
    }
    guard variable.type == .char, let length = variable.shape.last, length > 0 else { return [] }
    let bytes = try rawValues(of: variable).bytes
    return stride(from: 0, to: bytes.count, by: length).map {
      CFAttribute(name: "", type: .char, bytes: Array(bytes[$0..<$0 + length])).text ?? ""
    }
  }

  /// All values of a small variable as numbers, without unpacking.
  func numbers(of variable: Variable) throws -> [Double] {
    let values = try rawValues(of: variable)
    return CFAttribute.numbers(in: values.bytes, type: values.type)
  }

  // MARK: Header

  private func readHeader() throws {
    groups = [Group(id: id, prefix: "", parent: nil)]
    var next = 0
    while next < groups.count {
      try readGroup(next)
      next += 1
    }
  }

  private func readGroup(_ index: Int) throws {
    let group = groups[index].id
    var (variableCount, attributeCount, childCount) = (Int32(0), Int32(0), Int32(0))
    try check { nc_inq(group, nil, &variableCount, &attributeCount, nil) }
    groups[index].attributes = try readAttributes(of: NC_GLOBAL, in: group, count: attributeCount)
    for variable in 0..<variableCount { variables.append(try readVariable(variable, in: index)) }
    try check { nc_inq_grps(group, &childCount, nil) }
    guard childCount > 0 else { return }
    guard groups.count + Int(childCount) <= NetCDFFile.mostGroups else {
      throw RadarError(.unusable, "it has more than \(NetCDFFile.mostGroups) groups, as no radar file has.", path: path)
    }
    var children = [Int32](repeating: 0, count: Int(childCount))
    try check { nc_inq_grps(group, nil, &children) }
    for child in children {
      let name = try readName { nc_inq_grpname(child, $0) }
      groups.append(Group(id: child, prefix: (index == 0 ? "/" : groups[index].prefix) + name + "/", parent: index))
    }
  }

  private func readVariable(_ variable: Int32, in index: Int) throws -> Variable {
    let group = groups[index].id
    var type: nc_type = 0
    var dimensionCount: Int32 = 0
    var attributeCount: Int32 = 0
    try check { nc_inq_varndims(group, variable, &dimensionCount) }
    var dimensionIDs = [Int32](repeating: 0, count: max(Int(dimensionCount), 1))
    let name = try readName { nc_inq_var(group, variable, $0, &type, nil, &dimensionIDs, &attributeCount) }
    let dimensions = try dimensionIDs.prefix(Int(dimensionCount)).map { dimension in
      var length = 0
      let name = try readName { nc_inq_dim(group, dimension, $0, &length) }
      return Dimension(id: dimension, name: name, length: length)
    }
    return Variable(
      id: variable, name: name, group: index, fullName: groups[index].prefix + name,
      type: NetCDFType(rawValue: type), dimensions: dimensions,
      attributes: try readAttributes(of: variable, in: group, count: attributeCount))
  }

  private func readAttributes(of variable: Int32, in group: Int32, count: Int32) throws -> [CFAttribute] {
    try (0..<count).compactMap { index in
      let name = try readName { nc_inq_attname(group, variable, index, $0) }
      var type: nc_type = 0
      var length = 0
      try check { nc_inq_att(group, variable, name, &type, &length) }
      guard (0...byteCount).contains(length), let type = NetCDFType(rawValue: type) else { return nil }
      if type == .string {
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: length)
        guard length > 0 else { return CFAttribute(name: name, strings: []) }
        try check { nc_get_att_string(group, variable, name, &pointers) }
        defer { _ = NetCDFLibrary.call { nc_free_string(length, &pointers) } }
        return CFAttribute(name: name, strings: pointers.map { $0.map { String(cString: $0) } ?? "" })
      }
      var bytes = [UInt8](repeating: 0, count: length * type.size)
      if length > 0 { try check { bytes.withUnsafeMutableBytes { nc_get_att(group, variable, name, $0.baseAddress) } } }
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
  /// What the memory is a part of; `nil` for memory of its own.
  private let owner: EarlyMemory?

  init(type: NetCDFType, byteCount: Int) {
    self.type = type
    self.byteCount = byteCount
    pointer = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    owner = nil
  }

  /// Values in a part of shared memory; `nil` when no more of it is left.
  init?(type: NetCDFType, byteCount: Int, in memory: EarlyMemory) {
    guard let part = memory.take(byteCount) else { return nil }
    self.type = type
    self.byteCount = byteCount
    pointer = part
    owner = memory
  }

  deinit { if owner == nil { pointer.deallocate() } }

  var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: pointer, count: byteCount)) }
}
