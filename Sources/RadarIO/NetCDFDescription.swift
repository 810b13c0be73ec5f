/// The row of bytes in which the reading process describes a NetCDF file (see netcdf_variables.c).
struct NetCDFDescription {
  private var bytes: DescriptionBytes
  private var groups: [NetCDFFile.Group] = []
  /// What the next attributes are of: a variable of the last group, or the group itself.
  private var isInVariable = false

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = DescriptionBytes(bytes) }

  /// The root and all groups below it; `nil` when the bytes are not as they should be.
  mutating func allGroups() -> [NetCDFFile.Group]? {
    while let tag = bytes.next(UInt8.self) {
      switch tag {
      case UInt8(ascii: "E"): return groups.isEmpty ? nil : groups
      case UInt8(ascii: "G"):
        guard let group = group() else { return nil }
        groups.append(group)
        isInVariable = false
      case UInt8(ascii: "V"):
        guard !groups.isEmpty, let variable = variable() else { return nil }
        groups[groups.count - 1].variables.append(variable)
        isInVariable = true
      case UInt8(ascii: "W"):
        guard let last = groups.indices.last, let variable = groups[last].variables.indices.last,
          let values = values(of: groups[last].variables[variable])
        else { return nil }
        groups[last].variables[variable].values = values
      case UInt8(ascii: "A"):
        guard let last = groups.indices.last, let attribute = attribute() else { return nil }
        if isInVariable, let variable = groups[last].variables.indices.last {
          groups[last].variables[variable].attributes.append(attribute)
        } else {
          groups[last].attributes.append(attribute)
        }
      default: return nil
      }
    }
    return nil
  }

  private mutating func group() -> NetCDFFile.Group? {
    guard let name = bytes.name(), let parent = bytes.next(UInt32.self).map(Int.init) else { return nil }
    if groups.isEmpty { return NetCDFFile.Group(prefix: "", parent: nil) }
    guard groups.indices.contains(parent) else { return nil }
    return NetCDFFile.Group(prefix: (parent == 0 ? "/" : groups[parent].prefix) + name + "/", parent: parent)
  }

  private mutating func variable() -> NetCDFFile.Variable? {
    guard let name = bytes.name(), let type = bytes.next(UInt8.self), let rank = bytes.next(UInt8.self) else {
      return nil
    }
    var dimensions: [NetCDFFile.Dimension] = []
    for _ in 0..<rank {
      guard let id = bytes.next(UInt32.self), let length = bytes.next(UInt64.self),
        bytes.next(UInt8.self) == UInt8(ascii: "d"), let name = bytes.name()
      else { return nil }
      // An extent beyond what an Int holds is refused with those that are too large.
      dimensions.append(NetCDFFile.Dimension(id: Int32(bitPattern: id), name: name, length: Int(clamping: length)))
    }
    return NetCDFFile.Variable(
      name: name, group: groups.count - 1, fullName: groups[groups.count - 1].prefix + name,
      type: NetCDFType(rawValue: Int32(type)), dimensions: dimensions, attributes: [])
  }

  private mutating func values(of variable: NetCDFFile.Variable) -> [UInt8]? {
    guard let count = bytes.next(UInt64.self), count <= bytes.rest, let type = variable.type, variable.shape.count <= 1,
      Int(count) / type.size == variable.shape.first ?? 1, Int(count) % type.size == 0
    else { return nil }
    return bytes.next(count: Int(count)).map { Array($0) }
  }

  private mutating func attribute() -> CFAttribute? {
    guard let name = bytes.name(), let type = bytes.next(UInt8.self).flatMap({ NetCDFType(rawValue: Int32($0)) }),
      let count = bytes.next(UInt64.self), count <= bytes.rest
    else { return nil }
    if type == .string {
      var strings: [String] = []
      for _ in 0..<count {
        guard let text = bytes.text() else { return nil }
        strings.append(text)
      }
      return CFAttribute(name: name, strings: strings)
    }
    return bytes.next(count: Int(count) * type.size).map { CFAttribute(name: name, type: type, bytes: Array($0)) }
  }
}
