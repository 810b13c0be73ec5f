/// A file after the OPERA Data Information Model, ODIM_H5 2.0 to 2.4: images in `/datasetN/dataM/data`, whose groups
/// `what`, `where` and `how` hold for everything below them.
struct ODIMFile {
  private let root: HDF5Group
  private let rootWhat: InheritedAttributes

  /// Cartesian products. The others are polar, or vertical.
  private static let images: Set = ["COMP", "IMAGE", "CVOL"]
  /// More images than this are no radar file.
  private static let mostImages = 2000

  /// `nil` when the file is of another kind.
  ///
  /// - Throws: ``RadarError`` `unusable` for an ODIM file that holds no images.
  init?(root: HDF5Group) throws {
    guard case .text(let conventions) = root.attributes["Conventions"] ?? .other,
      conventions.uppercased().hasPrefix("ODIM_H5")
    else {
      guard let what = root.groups["what"], case .text = what.attributes["object"] ?? .other,
        root.groups["dataset1"] != nil
      else { return nil }
      self.root = root
      rootWhat = InheritedAttributes(groups: [what])
      return
    }
    self.root = root
    rootWhat = InheritedAttributes(groups: [root.groups["what"]].compactMap(\.self))
  }

  /// The images that hold rain.
  ///
  /// - Throws: ``RadarError`` `unusable`.
  func images(options: ReadOptions, known: [Grid]) throws -> [RadarFile] {
    if let object = try rootWhat.text("object"), !ODIMFile.images.contains(object.uppercased()) {
      throw unusable(
        "it holds '\(object)', not images on a plane grid. Make a composite or another Cartesian product of it first.")
    }
    let parts = try self.parts()
    let chosen = try RadarImageChoice(path: root.file.path, images: parts.map(\.image), options: options).choose()
    var files: [RadarFile] = []
    for image in chosen {
      guard let part = parts.first(where: { $0.image.path == image.path }), let rain = image.rain else { continue }
      let known = known + files.prefix(1).map(\.grid)
      files.append(try file(part, image, rain, isOnly: chosen.count == 1, options: options, known: known))
    }
    // Images of times after that of their file are a forecast made then.
    if files.count > 1, let nominal = try moment(rootWhat, "date", "time"),
      files.contains(where: { ($0.times.times.last ?? nominal) > nominal })
    {
      for index in files.indices { files[index].referenceTime = nominal }
    }
    return files
  }

  // MARK: Images

  /// An image with what is said about it at any level.
  private struct Part {
    var image: RadarImage
    var data: HDF5Group
    var dataset: HDF5Group
    var what: InheritedAttributes
  }

  private func parts() throws -> [Part] {
    var parts: [Part] = []
    for dataset in try root.numberedGroups("dataset") {
      for data in try dataset.numberedGroups("data") {
        guard parts.count < ODIMFile.mostImages else {
          throw unusable("it has more than \(ODIMFile.mostImages) images, which no radar file has.")
        }
        let what = inherited("what", data, dataset)
        let name = try what.text("quantity") ?? ""
        let quantity = ODIMFile.quantity(name)
        let time = try moment(what, "enddate", "endtime") ?? moment(what, "startdate", "starttime")
        parts.append(
          Part(
            image: RadarImage(
              path: data.path, quantity: name, units: quantity?.units, rain: quantity?.rain,
              order: quantity?.order ?? 0,
              ownTime: time), data: data, dataset: dataset, what: what))
      }
    }
    return parts
  }

  private func inherited(_ name: String, _ data: HDF5Group, _ dataset: HDF5Group) -> InheritedAttributes {
    InheritedAttributes(groups: [data, dataset, root].compactMap { $0.groups[name] })
  }

  /// What a quantity of ODIM means (its table 17); `nil` when it is not of rain.
  private static func quantity(_ name: String) -> (rain: RainQuantity, units: String, order: Int)? {
    switch name.uppercased() {
    case "RATE": return (.rate(factor: 1), "mm h-1", 0)
    case "ACRR": return (.amount(factor: 1), "mm", 0)
    case let name:
      let reflectivities = ["DBZH", "DBZ", "DBZV", "TH", "T", "TV"]
      return reflectivities.firstIndex(of: name).map { (.reflectivity(slope: 1, offset: 0), "dBZ", $0) }
    }
  }

  private func file(
    _ part: Part, _ image: RadarImage, _ rain: RainQuantity, isOnly: Bool, options: ReadOptions, known: [Grid]
  ) throws -> RadarFile {
    guard let values = part.data.datasets["data"] else {
      throw unusable("it has no readable data set 'data' with its values.", image.path)
    }
    let what = part.what
    let (time, interval) = try times(what, rain, isOnly: isOnly, image.path)
    let missing = try what.number("nodata").map { [$0] } ?? []
    let undetected = try what.number("undetect").map { [$0] } ?? []
    let `where` = inherited("where", part.data, part.dataset)
    var file = try RadarFile(
      image: image, rain: rain, dataset: values, time: time, interval: interval, options: options,
      packing: { type in
        Packing(
          type: type, scale: try what.number("gain") ?? 1, offset: try what.number("offset") ?? 0, missing: missing,
          undetected: undetected)
      }, grid: { try grid(`where`, height: $0, width: $1, image.path) }, known: known)
    if !missing.isEmpty, missing == undetected {
      file.warnings.append(
        "it has one code for \"no data\" and \"no echo\"; such pixels are taken as missing")
    }
    file.provenance = root.provenance
    file.provenance.institution = try rootWhat.text("source")
    return file
  }

  // MARK: Times

  /// The valid time: the end of the interval for an amount, else the nominal time of the file if it is of this image.
  private func times(_ what: InheritedAttributes, _ rain: RainQuantity, isOnly: Bool, _ image: String) throws
    -> (time: Double, interval: Double?)
  {
    let nominal = try moment(what, "date", "time")
    let start = try moment(what, "startdate", "starttime")
    let end = try moment(what, "enddate", "endtime")
    var isAmount = false
    if case .amount = rain { isAmount = true }
    guard let time = isAmount || !isOnly ? end ?? nominal ?? start : nominal ?? end ?? start else {
      throw unusable(
        "it has no time: 'date' and 'time' in 'what' are missing, and so are those of start and end. Every frame needs "
          + "its time.", image)
    }
    guard isAmount, let start, let end, end > start else { return (time, nil) }
    return (time, end - start)
  }

  /// A date like `20180824` with a time like `175000`; `nil` when either is missing.
  private func moment(_ what: InheritedAttributes, _ dateName: String, _ timeName: String) throws -> Double? {
    guard let date = try what.text(dateName), let time = try what.text(timeName) else { return nil }
    let digits = Array(date.utf8) + Array(time.utf8)
    guard date.utf8.count == 8, [4, 6].contains(time.utf8.count), digits.allSatisfy({ (48...57).contains($0) }),
      let day = Int(date), let clock = Int(time.utf8.count == 4 ? time + "00" : time),
      let moment = TimeAxis.moment(
        year: day / 10_000, month: day / 100 % 100, day: day % 100, hour: clock / 10_000, minute: clock / 100 % 100,
        second: Double(clock % 100))
    else {
      throw unusable(
        "its '\(dateName)' and '\(timeName)' ('\(date.prefix(40))', '\(time.prefix(40))') are no date and time like "
          + "20180824 and 175000.", what.groups.first?.path)
    }
    return moment
  }

  // MARK: Grid

  private func grid(_ attributes: InheritedAttributes, height: Int, width: Int, _ image: String) throws
    -> (grid: Grid, warnings: [String])
  {
    for (name, count) in [("xsize", width), ("ysize", height)] {
      if let stated = try attributes.number(name), stated != Double(count) {
        throw unusable("it has \(height) × \(width) values, but '\(name)' is \(stated): the file looks damaged.", image)
      }
    }
    func corner(_ name: String) throws -> ImageGrid.Corners.Place? {
      guard let longitude = try attributes.number("\(name)_lon"), let latitude = try attributes.number("\(name)_lat")
      else { return nil }
      return (longitude, latitude)
    }
    let corners = ImageGrid.Corners(
      upperLeft: try corner("UL"), upperRight: try corner("UR"), lowerLeft: try corner("LL"),
      lowerRight: try corner("LR"))
    return ImageGrid(
      height: height, width: width, projection: try attributes.text("projdef"),
      placement: .corners(
        corners, pixelWidth: try attributes.number("xscale"), pixelHeight: try attributes.number("yscale"))
    ).grid()
  }

  private func unusable(_ message: String, _ image: String? = nil) -> RadarError {
    RadarError(.unusable, message, path: root.file.path, variable: image)
  }
}
