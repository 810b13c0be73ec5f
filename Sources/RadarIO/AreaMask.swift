/// Areas as a variable of a NetCDF file has them: of every pixel the number of the area it belongs to.
///
/// Zero and missing pixels belong to none. `flag_values` and `flag_meanings` name the numbers, else they are the names.
struct AreaMask {
  let file: NetCDFFile
  /// The variable; `nil` to take the only one that can be.
  var variable: String?

  private static let mostAreas = 100_000

  /// The areas on a grid in the order of their numbers, and what people should know about them.
  ///
  /// - Throws: ``RadarError`` `unusable` where no variable fits the grid, or more than one.
  func covers(on grid: Grid) throws -> (covers: [AreaCover], notes: [String]) {
    let system = try UnitSystem.load()
    let (mask, layout) = try choose(system)
    let reader = GridReader(file: file, system: system)
    let own = try reader.outline(of: mask, layout)
    guard own.height == grid.height, own.width == grid.width else { throw other(mask, own, grid) }
    var notes: [String] = []
    if own.y == nil || own.x == nil {
      notes.append(
        "\(file.path): variable '\(mask.fullName)': it has no coordinates; its rows and columns are taken to be those of the "
          + "frames.")
    } else if grid.y != nil, grid.x != nil, !own.matches(grid) {
      throw other(mask, own, grid)
    }
    let numbers = try numbers(of: mask, layout)
    var pixels: [Int: [AreaCover.Pixel]] = [:]
    let places = try? GridPlaces(grid)
    let sizes = (0..<grid.height).map { row in
      places.map { ($0.equalAreaRow(Double(row + 1)) - $0.equalAreaRow(Double(row))).magnitude } ?? 1
    }
    for (index, number) in numbers.enumerated() {
      guard let number, number != 0 else { continue }
      guard number == number.rounded(), abs(number) < 1e15 else {
        throw unusable(mask, "it holds \(number), and the number of an area is a whole one.")
      }
      pixels[Int(number), default: []].append(.init(index: index, weight: sizes[index / grid.width]))
      guard pixels.count <= AreaMask.mostAreas else {
        throw unusable(mask, "it holds more than \(AreaMask.mostAreas) different numbers, as no map of areas does.")
      }
    }
    guard !pixels.isEmpty else { throw unusable(mask, "no pixel of it belongs to an area: all are 0 or missing.") }
    let names = try names(of: mask)
    let covers = pixels.sorted { $0.key < $1.key }.map { number, pixels in
      AreaCover(name: names[number] ?? "\(number)", pixels: pixels, total: pixels.reduce(0) { $0 + $1.weight })
    }
    return (covers, notes)
  }

  // MARK: The variable

  private func choose(_ system: UnitSystem) throws -> (NetCDFFile.Variable, FrameLayout) {
    func layout(_ variable: NetCDFFile.Variable) -> FrameLayout? {
      guard variable.type?.isNumeric == true, let layout = FrameLayout(of: variable, in: file, system: system),
        layout.frameCount == 1, layout.y.length > 0, layout.x.length > 0
      else { return nil }
      return layout
    }
    if let variable {
      guard let found = file.variable(variable) else {
        throw RadarError(.unusable, "there is no variable '\(variable)' in it.", path: file.path)
      }
      guard let layout = layout(found) else {
        throw unusable(found, "a map of areas is over (y, x).")
      }
      return (found, layout)
    }
    let found = file.variables.compactMap { variable -> (NetCDFFile.Variable, FrameLayout)? in
      guard
        variable.type?.isInteger == true || variable.attributes["flag_values"] != nil
          || variable.name.lowercased().contains("mask")
      else { return nil }
      return layout(variable).map { (variable, $0) }
    }
    guard let first = found.first else {
      throw RadarError(
        .unusable,
        "it has no map of areas: a variable of whole numbers over (y, x), of each pixel the number of its area. Name one with "
          + "--areas-variable NAME if there is.", path: file.path)
    }
    guard found.count == 1 else {
      let names = found.prefix(12).map { "'\($0.0.fullName)'" }.joined(separator: ", ")
      throw RadarError(
        .unusable, "several variables could be the map of areas: \(names). Name one with --areas-variable NAME.",
        path: file.path)
    }
    return first
  }

  /// The numbers of the pixels, row by row; `nil` where missing.
  private func numbers(of mask: NetCDFFile.Variable, _ layout: FrameLayout) throws -> [Double?] {
    guard let type = mask.type else { return [] }
    try RadarFile.checkSize(
      height: layout.y.length, width: layout.x.length, path: file.path, variable: mask.fullName)
    _ = try file.checkedByteCount(of: mask, type: type)
    var packing = Packing(variable: mask, type: type)
    // What its codes mean are names of areas here.
    packing.flags = nil
    packing.undetected = []
    packing.missing = packing.missing.filter { missing in
      !(mask.attributes["flag_values"]?.numbers(as: packing.type).contains(missing) ?? false)
    }
    let stored = CFAttribute.numbers(in: try file.bytes(of: mask), type: packing.type)
    let values = stored.map(packing.value)
    guard layout.isTransposed else { return values }
    let (height, width) = (layout.y.length, layout.x.length)
    return (0..<height * width).map { values[$0 % width * height + $0 / width] }
  }

  private func names(of mask: NetCDFFile.Variable) throws -> [Int: String] {
    guard let flags = mask.attributes["flag_values"] else { return [:] }
    let numbers = flags.numbers()
    let meanings = mask.attributes.words("flag_meanings")
    guard numbers.count == meanings.count, Set(meanings).count == meanings.count else {
      throw unusable(mask, "its flag_meanings do not name each of its flag_values once. Mend these attributes.")
    }
    return Dictionary(zip(numbers.map { Int($0) }, meanings)) { first, _ in first }
  }

  // MARK: Sentences

  private func unusable(_ mask: NetCDFFile.Variable, _ message: String) -> RadarError {
    RadarError(.unusable, message, path: file.path, variable: mask.fullName)
  }

  private func other(_ mask: NetCDFFile.Variable, _ own: Grid, _ grid: Grid) -> RadarError {
    let elsewhere = own.summary == grid.summary ? " in another place, order or projection" : ""
    return unusable(
      mask,
      "it is of another grid than the frames: \(own.summary), and they are \(grid.summary)\(elsewhere). Give one on the grid "
        + "of the frames, or polygons.")
  }
}
