/// Radar images in HDF5 files of the weather services: ODIM_H5 and the KNMI's own format.
enum RadarImageFile {
  /// The images of a file as one ``RadarFile`` each; `nil` for a file of another kind.
  ///
  /// - Parameter known: grids met before; one of them is shared if an image has it.
  /// - Throws: ``RadarError`` `unusable`.
  static func read(_ root: HDF5Group, options: ReadOptions, known: [Grid]) throws -> [RadarFile]? {
    if let odim = try ODIMFile(root: root) { return try odim.images(options: options, known: known) }
    if let knmi = try KNMIFile(root: root) { return try knmi.images(options: options, known: known) }
    return nil
  }
}

extension RadarFile {
  /// One image.
  ///
  /// - Throws: ``RadarError`` `unusable` when it is no image of numbers.
  init(
    image: RadarImage, rain: RainQuantity, dataset: HDF5Dataset, time: Double, interval: Double?, options: ReadOptions,
    packing: (NetCDFType) throws -> Packing,
    grid: (_ height: Int, _ width: Int) throws -> (grid: Grid, warnings: [String]),
    known: [Grid]
  ) throws {
    let path = dataset.file.path
    func unusable(_ message: String) -> RadarError {
      RadarError(.unusable, message, path: path, variable: image.path)
    }
    let shape = try dataset.shape()
    guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
      let text = shape.isEmpty ? "a single value" : shape.map(String.init).joined(separator: " × ")
      throw unusable("it is no image of rows and columns but \(text).")
    }
    frames = try HDF5Frame(dataset)
    try RadarFile.checkSize(height: shape[0], width: shape[1], path: path, variable: image.path)
    self.path = path
    variable = image.quantity.isEmpty ? image.path : image.quantity
    reason = "the image's quantity"
    units = image.units ?? "1"
    times = FrameTimes(times: [time], lengths: interval.map { [$0] })
    isTransposed = false
    let made = try grid(shape[0], shape[1])
    let shared = known.first { $0.matches(made.grid) }
    self.grid = shared ?? made.grid
    quantity = rain
    self.packing = try packing(frames.type)
    guard self.packing.scale.isFinite, self.packing.scale != 0, self.packing.offset.isFinite else {
      throw unusable("its calibration is not a usable gain and offset.")
    }
    // What is odd about a grid is said once, not of every file on it.
    if shared == nil { warnings = made.warnings }
    if let given = options.units, given != units {
      warnings.append("it states its units, '\(units)'; '\(given)' is not used")
    }
  }
}

extension HDF5Group {
  /// What is said about the rights to a whole file, in its root or in its group `how`.
  var provenance: Provenance {
    let attributes = [self, groups["how"]].compactMap(\.self).flatMap { group in
      group.attributes.sorted { $0.key < $1.key }.compactMap { name, value -> CFAttribute? in
        guard case .text(let text) = value else { return nil }
        return CFAttribute(name, text)
      }
    }
    return Provenance(attributes)
  }
}

/// The image of a data set of an HDF5 file.
private struct HDF5Frame: PackedFrames {
  let type: NetCDFType
  private var request: ReadingProcess.Request

  init(_ dataset: HDF5Dataset) throws {
    type = try dataset.numericType()
    request = try dataset.request()
  }

  func request(for frame: Int) -> ReadingProcess.Request { request }

  func at(_ path: String) -> HDF5Frame {
    guard case .image(_, let name, let type, let byteCount) = request else { return self }
    var frame = self
    frame.request = .image(path: path, name: name, type: type, byteCount: byteCount)
    return frame
  }
}

extension Packing {
  /// `offset + scale · stored`, with the stored numbers that mean "missing" and "no echo".
  init(type: NetCDFType, scale: Double, offset: Double, missing: [Double], undetected: [Double] = []) {
    self.type = type
    self.scale = scale
    self.offset = offset
    // A double of an attribute is compared as the float it would have been stored as. NaN is missing anyhow.
    func stored(_ values: [Double]) -> [Double] {
      values.filter { !$0.isNaN }.map { type == .float ? Double(Float($0)) : $0 }
    }
    self.missing = stored(missing)
    self.undetected = stored(undetected).filter { !self.missing.contains($0) }
  }
}

/// The attributes of groups, with those of the groups above where a group says nothing.
struct InheritedAttributes {
  /// The groups, the innermost first.
  var groups: [HDF5Group]

  /// A number; `nil` when no group has it.
  ///
  /// - Throws: ``RadarError`` `unusable` when it is no number.
  func number(_ name: String) throws -> Double? { try numbers(name)?.first }

  /// All numbers of an attribute; `nil` when no group has it.
  func numbers(_ name: String) throws -> [Double]? {
    guard let (group, value) = try find(name) else { return nil }
    guard case .numbers(let numbers) = value else {
      throw wrong(name, group, "a number is needed")
    }
    return numbers
  }

  /// A text; `nil` when no group has it or it is empty.
  ///
  /// - Throws: ``RadarError`` `unusable` when it is no text.
  func text(_ name: String) throws -> String? {
    guard let (group, value) = try find(name) else { return nil }
    guard case .text(let text) = value else { throw wrong(name, group, "text is needed") }
    return text.isEmpty ? nil : text
  }

  private func find(_ name: String) throws -> (group: HDF5Group, value: HDF5Group.Attribute)? {
    for group in groups {
      if let value = group.attributes[name] { return (group, value) }
    }
    return nil
  }

  private func wrong(_ name: String, _ group: HDF5Group, _ need: String) -> RadarError {
    RadarError(
      .unusable, "its attribute '\(name)' is not of the right kind: \(need).", path: group.file.path,
      variable: group.path)
  }
}
