import Foundation

/// The header of a file in one of the classic formats (CDF-1, CDF-2, CDF-5), read for one number: how long the file
/// must be. libnetcdf does not tell, and returns zeros for what a truncated file lacks.
struct ClassicHeader {
  private var data: Data
  private var position = 0
  private let version: UInt8

  /// The bytes the file must have for all of its values to be in it; `nil` when the header itself is cut or damaged.
  static func requiredByteCount(path: String) -> Int? {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped), data.count > 8 else {
      return nil
    }
    var header = ClassicHeader(data: data, version: data[3])
    return try? header.required()
  }

  private init(data: Data, version: UInt8) {
    self.data = data
    self.version = version
    position = 4
  }

  private struct Damaged: Error {}

  private mutating func required() throws -> Int {
    let recordField = try count()
    // All ones mean "streaming": the number of records follows from the length of the file.
    let streaming = version == 5 ? recordField == -1 : recordField == 0xFFFF_FFFF
    let records = streaming ? 0 : recordField
    let lengths = try list(tag: 10) { header in
      try header.skip(header.paddedName())
      return try header.count()
    }
    try skipAttributes()
    var end = position
    var recordSize = 0
    var recordEnds: [Int] = []
    let variables = try list(tag: 11) { header -> (isRecord: Bool, size: Int, begin: Int) in
      try header.skip(header.paddedName())
      let dimensions = try (0..<header.bounded(header.count())).map { _ in try header.count() }
      try header.skipAttributes()
      let type = try header.integer(4)
      _ = try header.count()
      let begin = try header.integer(header.version == 1 ? 4 : 8)
      guard let size = NetCDFType(rawValue: Int32(truncatingIfNeeded: type))?.size else { throw Damaged() }
      let extents = try dimensions.map { index in
        guard lengths.indices.contains(index) else { throw Damaged() }
        return lengths[index]
      }
      let isRecord = extents.first == 0
      let bytes = try (isRecord ? extents.dropFirst() : extents[...]).reduce(size) { try header.product($0, $1) }
      return (isRecord, bytes, begin)
    }
    end = max(end, position)
    let recordVariables = variables.filter(\.isRecord)
    for variable in recordVariables {
      // A lone record variable is packed without padding between its records.
      recordSize += recordVariables.count == 1 ? variable.size : (variable.size + 3) / 4 * 4
      recordEnds.append(try sum(variable.begin, variable.size))
    }
    for variable in variables where !variable.isRecord && variable.size > 0 {
      end = max(end, try sum(variable.begin, variable.size))
    }
    if records > 0 {
      let skipped = try product(records - 1, recordSize)
      for recordEnd in recordEnds { end = max(end, try sum(recordEnd, skipped)) }
    }
    return end
  }

  private mutating func skipAttributes() throws {
    _ = try list(tag: 12) { header in
      try header.skip(header.paddedName())
      let type = try header.integer(4)
      guard let size = NetCDFType(rawValue: Int32(truncatingIfNeeded: type))?.size else { throw Damaged() }
      let bytes = try header.product(header.count(), size)
      try header.skip(header.sum(bytes, 3) / 4 * 4)
    }
  }

  private mutating func list<R>(tag: Int, _ element: (inout ClassicHeader) throws -> R) throws -> [R] {
    let found = try integer(4)
    let number = try count()
    if found == 0, number == 0 { return [] }
    guard found == tag else { throw Damaged() }
    return try (0..<bounded(number)).map { _ in try element(&self) }
  }

  private mutating func paddedName() throws -> Int { (try bounded(count()) + 3) / 4 * 4 }

  /// A count: four bytes, or eight in CDF-5.
  private mutating func count() throws -> Int { try integer(version == 5 ? 8 : 4) }

  private mutating func integer(_ bytes: Int) throws -> Int {
    guard position + bytes <= data.count else { throw Damaged() }
    defer { position += bytes }
    return Int(bitPattern: data[position..<position + bytes].reduce(UInt(0)) { $0 << 8 | UInt($1) })
  }

  private mutating func skip(_ bytes: Int) throws {
    guard bytes >= 0, bytes <= data.count - position else { throw Damaged() }
    position += bytes
  }

  /// A number of things in the header, each of which takes at least a byte.
  private func bounded(_ number: Int) throws -> Int {
    guard number >= 0, number <= data.count else { throw Damaged() }
    return number
  }

  private func product(_ a: Int, _ b: Int) throws -> Int {
    let (result, overflow) = a.multipliedReportingOverflow(by: b)
    guard !overflow, result >= 0 else { throw Damaged() }
    return result
  }

  private func sum(_ a: Int, _ b: Int) throws -> Int {
    let (result, overflow) = a.addingReportingOverflow(b)
    guard !overflow, result >= 0 else { throw Damaged() }
    return result
  }
}
