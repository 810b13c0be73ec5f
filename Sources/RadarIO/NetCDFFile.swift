import Foundation

/// A NetCDF file: its groups, dimensions, variables and attributes as they were when its header was read, and raw values,
/// which are read when they are asked for (see ``ReadingProcess``).
struct NetCDFFile: Sendable {
  struct Dimension: Sendable, Equatable {
    var id: Int32
    var name: String
    var length: Int
  }

  struct Variable: Sendable {
    var name: String
    /// Its group, a position in ``groups``.
    var group: Int
    /// The name with those of its groups, such as `/radar/rain`; just the name in the root group.
    var fullName: String
    /// `nil` for a type made by the user (compound, enumeration, …).
    var type: NetCDFType?
    var dimensions: [Dimension]
    var attributes: [CFAttribute]
    /// All values, of a small variable of one or no dimension; `nil` where they are to be read.
    var values: [UInt8]?

    var shape: [Int] { dimensions.map(\.length) }
    var standardName: String? { attributes.text("standard_name") }
    var units: String? { attributes.units?.text.flatMap { $0.isEmpty ? nil : $0 } }
  }

  /// The root group or one below it.
  struct Group: Sendable {
    /// The path with a slash at its end; empty for the root.
    var prefix: String
    /// A position in ``groups``; `nil` for the root.
    var parent: Int?
    var attributes: [CFAttribute] = []
    var variables: [Variable] = []
  }

  let path: String
  /// The size of the file in bytes.
  let byteCount: Int
  /// All groups, the root first, each after its parent.
  private let groups: [Group]
  /// The variables of all groups, those of the root first.
  let variables: [Variable]

  /// A file as the reading process described it; there is at least the root group.
  init(path: String, byteCount: Int, groups: [Group]) {
    self.path = path
    self.byteCount = byteCount
    self.groups = groups
    variables = groups.flatMap(\.variables)
  }

  /// Opens a file and reads its header.
  ///
  /// - Throws: ``RadarError`` `notFound` when it is not there or may not be read, `unusable` when it is not NetCDF or damaged.
  static func open(path: String) throws -> NetCDFFile {
    try ReadingProcess.shared.describeNetCDF(path: path)
  }

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

  /// Hands all values of a variable to `body`, as the file's type in the machine's byte order.
  private func withValues<R>(of variable: Variable, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    guard let type = variable.type else {
      throw RadarError(.unusable, "its type is not one of numbers or characters.", path: path, variable: variable.name)
    }
    return try ReadingProcess.shared.values(
      .values(
        path: path, name: variable.fullName, type: type, shape: variable.shape, starts: variable.shape.map { _ in 0 },
        counts: variable.shape, byteCount: type == .string ? 0 : try checkedByteCount(of: variable, type: type)),
      body)
  }

  /// All values of a variable of numbers or characters as the file's type in the machine's byte order.
  func bytes(of variable: Variable) throws -> [UInt8] {
    guard variable.type != .string else {
      throw RadarError(.unusable, "it holds text, not numbers.", path: path, variable: variable.name)
    }
    if let values = variable.values { return values }
    return try withValues(of: variable) { Array($0) }
  }

  /// The text values of a variable of characters (the last dimension is that of the letters) or strings.
  func texts(of variable: Variable) throws -> [String] {
    if variable.type == .string {
      guard (1...1 << 20).contains(variable.shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue })
      else { return [] }
      return try withValues(of: variable) { values in
        var texts: [String] = []
        var bytes = DescriptionBytes(values)
        while let text = bytes.text() { texts.append(text) }
        return texts
      }
    }
    guard variable.type == .char, let length = variable.shape.last, length > 0 else { return [] }
    let bytes = try bytes(of: variable)
    return stride(from: 0, to: bytes.count, by: length).map {
      CFAttribute(name: "", type: .char, bytes: Array(bytes[$0..<$0 + length])).text ?? ""
    }
  }

  /// All values of a small variable as numbers, without unpacking.
  func numbers(of variable: Variable) throws -> [Double] {
    CFAttribute.numbers(in: try bytes(of: variable), type: variable.type ?? .byte)
  }

  private func tooLarge(_ variable: Variable) -> RadarError {
    RadarError(
      .unusable,
      "it claims \(variable.shape.map(String.init).joined(separator: " × ")) values, which cannot be in a file of "
        + "\(byteCount) bytes: the file looks damaged.", path: path, variable: variable.name)
  }
}
