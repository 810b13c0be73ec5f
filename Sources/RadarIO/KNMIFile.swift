import Foundation

/// A file in the HDF5 format of the KNMI, the weather service of the Netherlands: images in `/imageN/image_data`, each
/// with its calibration, on one grid described in `/geographic`, of the times in `/overview`.
struct KNMIFile {
  private let root: HDF5Group
  private let overview: InheritedAttributes

  /// More images than this are no radar file.
  private static let mostImages = 2000

  /// `nil` when the file is of another kind.
  ///
  /// - Throws: ``RadarError`` `unusable` for a damaged one.
  init?(root: HDF5Group) throws {
    guard let overview = root.groups["overview"],
      ["product_group_name", "hdftag_version_number", "number_image_groups", "product_datetime_end"].contains(where: {
        overview.attributes[$0] != nil
      })
    else { return nil }
    self.root = root
    self.overview = InheritedAttributes(groups: [overview])
  }

  /// The images that hold rain.
  ///
  /// - Throws: ``RadarError`` `unusable`.
  func images(options: ReadOptions, known: [Grid]) throws -> [RadarFile] {
    let groups = try root.numberedGroups("image")
    guard groups.count <= KNMIFile.mostImages else {
      throw unusable("it has more than \(KNMIFile.mostImages) images, which no radar file has.")
    }
    if groups.isEmpty, root.groups["scan1"] != nil {
      throw unusable("it holds polar scans, not images on a plane grid. Make a Cartesian product of it first.")
    }
    let system = try UnitSystem.load()
    let images = try groups.map { try image($0, system) }
    let chosen = try RadarImageChoice(path: root.file.path, images: images, options: options).choose()
    var files: [RadarFile] = []
    for image in chosen {
      guard let group = groups.first(where: { $0.path == image.path }), let rain = image.rain else { continue }
      files.append(try file(group, image, rain, options: options, known: known + files.prefix(1).map(\.grid)))
    }
    return files
  }

  // MARK: Images

  /// The parameter names the units in brackets, as in `ACCUMULATED_PRECIPITATION_[MM]`.
  private func image(_ group: HDF5Group, _ system: UnitSystem) throws -> RadarImage {
    let attributes = InheritedAttributes(groups: [group])
    let parameter = try attributes.text("image_geo_parameter") ?? ""
    var image = RadarImage(path: group.path, quantity: parameter)
    image.ownTime = try moment(attributes, "image_datetime_valid")
    guard let open = parameter.lastIndex(of: "["), let close = parameter.lastIndex(of: "]"), open < close else {
      return image
    }
    // UDUNITS tells upper from lower case, the parameter does not.
    let units = parameter[parameter.index(after: open)..<close].lowercased()
    let isRain = ["precip", "rain", "reflec", "accum"].contains { parameter.lowercased().contains($0) }
    image.units = units == "dbz" ? "dBZ" : units
    image.rain = isRain ? RainQuantity(units: units, standardName: nil, system: system) : nil
    return image
  }

  private func file(
    _ group: HDF5Group, _ image: RadarImage, _ rain: RainQuantity, options: ReadOptions, known: [Grid]
  ) throws -> RadarFile {
    guard let values = group.datasets["image_data"] else {
      throw unusable("it has no readable data set 'image_data' with its values.", image.path)
    }
    let start = try moment(overview, "product_datetime_start")
    let end = try moment(overview, "product_datetime_end")
    guard let time = image.ownTime ?? end ?? start else {
      throw unusable("it has no time: 'product_datetime_end' is missing in 'overview'. Every frame needs its time.")
    }
    // The times of the product are those of an image that has none of its own.
    var interval: Double?
    if image.ownTime == nil, case .amount = rain, let start, let end, end > start { interval = end - start }
    guard let calibration = group.groups["calibration"] else {
      throw unusable("it has no group 'calibration', which says what its numbers mean.", image.path)
    }
    let attributes = InheritedAttributes(groups: [calibration])
    let formula = try attributes.text("calibration_formulas") ?? ""
    guard let (gain, offset) = KNMIFile.linear(formula) else {
      throw unusable(
        "its calibration_formulas '\(formula.prefix(80))' is not understood; one like 'GEO=0.01*PV+0.0' is needed.",
        image.path)
    }
    let missing = try ["calibration_missing_data", "calibration_out_of_image"].compactMap { try attributes.number($0) }
    var file = try RadarFile(
      image: image, rain: rain, dataset: values, time: time, interval: interval, options: options,
      packing: { Packing(type: $0, scale: gain, offset: offset, missing: missing) },
      grid: { try grid(height: $0, width: $1, image.path) }, known: known)
    file.provenance = root.provenance
    file.provenance.title = try overview.text("product_group_name")
    return file
  }

  /// The numbers in a formula such as `GEO=0.5*PV+-32.0`; `nil` when it is another one.
  static func linear(_ formula: String) -> (gain: Double, offset: Double)? {
    let plain = formula.uppercased().filter { !$0.isWhitespace }
    guard plain.hasPrefix("GEO="), let product = plain.range(of: "*PV") else { return nil }
    guard let gain = Double(plain[plain.index(plain.startIndex, offsetBy: 4)..<product.lowerBound]) else { return nil }
    var rest = plain[product.upperBound...]
    if rest.isEmpty { return (gain, 0) }
    guard let sign = rest.popFirst(), sign == "+" || sign == "-", let offset = Double(rest) else { return nil }
    return (gain, sign == "+" ? offset : -offset)
  }

  // MARK: Times

  /// A time such as `26-AUG-2010;00:00:00.000`; `nil` when there is none.
  private func moment(_ attributes: InheritedAttributes, _ name: String) throws -> Double? {
    guard let text = try attributes.text(name) else { return nil }
    guard let moment = KNMIFile.moment(text) else {
      throw unusable(
        "its '\(name)' ('\(text.prefix(40))') is no time like 26-AUG-2010;00:00:00.000.", attributes.groups.first?.path)
    }
    return moment
  }

  /// A time such as `26-AUG-2010;00:00:00.000` in seconds since 1970.
  static func moment(_ text: String) -> Double? {
    let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    let halves = text.split(separator: ";", omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    let clock = halves[1].split(separator: ":", omittingEmptySubsequences: false)
    guard date.count == 3, clock.count == 3, let day = Int(date[0]),
      let month = months.firstIndex(of: date[1].uppercased()), let year = Int(date[2]), let hour = Int(clock[0]),
      let minute = Int(clock[1]), let second = Double(clock[2])
    else { return nil }
    return TimeAxis.moment(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
  }

  // MARK: Grid

  private func grid(height: Int, width: Int, _ image: String) throws -> (grid: Grid, warnings: [String]) {
    guard let geographic = root.groups["geographic"] else {
      return ImageGrid(height: height, width: width, placement: .unknown).grid()
    }
    let attributes = InheritedAttributes(groups: [geographic])
    for (name, count) in [("geo_number_columns", width), ("geo_number_rows", height)] {
      if let stated = try attributes.number(name), stated != Double(count) {
        throw unusable("it has \(height) × \(width) values, but '\(name)' is \(stated): the file looks damaged.", image)
      }
    }
    let text = try geographic.groups["map_projection"].flatMap {
      try InheritedAttributes(groups: [$0]).text("projection_proj4_params")
    }
    return ImageGrid(height: height, width: width, projection: text, placement: try placement(attributes)).grid()
  }

  /// Offsets count pixels from the origin of the projection to the outer corner of the first one.
  private func placement(_ attributes: InheritedAttributes) throws -> ImageGrid.Placement {
    let units = try attributes.text("geo_dim_pixel")?.uppercased().split(separator: ",") ?? ["KM"]
    let metres = ["KM": 1000.0, "M": 1]
    guard let sizeX = try attributes.number("geo_pixel_size_x"), let sizeY = try attributes.number("geo_pixel_size_y"),
      let columns = try attributes.number("geo_column_offset"), let rows = try attributes.number("geo_row_offset"),
      let unitX = units.first.flatMap({ metres[String($0)] }), let unitY = units.last.flatMap({ metres[String($0)] })
    else { return .unknown }
    // Decimal sizes are stored as floats.
    func decimal(_ value: Double) -> Double { Double("\(Float(value))") ?? value }
    let (stepX, stepY) = (decimal(sizeX) * unitX, decimal(sizeY) * unitY)
    // A file that names the centres of its pixels counts its offsets to them.
    let shift = try attributes.text("geo_pixel_def")?.uppercased() == "CC" ? 0.5 : 0
    var corners = ImageGrid.Corners()
    // Longitude and latitude of the lower left, upper left, upper right and lower right corner.
    if let values = try attributes.numbers("geo_product_corners"), values.count == 8 {
      corners = ImageGrid.Corners(
        upperLeft: (values[2], values[3]), upperRight: (values[4], values[5]), lowerLeft: (values[0], values[1]),
        lowerRight: (values[6], values[7]))
    }
    return .origin(
      x: (decimal(columns) - shift) * stepX, y: (decimal(rows) - shift) * stepY, stepX: stepX, stepY: stepY,
      check: corners)
  }

  private func unusable(_ message: String, _ image: String? = nil) -> RadarError {
    RadarError(.unusable, message, path: root.file.path, variable: image)
  }
}
