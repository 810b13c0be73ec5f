/// One image of an HDF5 radar file, as far as the choice among several needs it.
struct RadarImage {
  /// Where it is, such as `dataset1/data1` or `image1`.
  var path: String
  /// What the file calls that which was measured, such as `DBZH`.
  var quantity: String
  /// The units of the values; `nil` when the file does not tell.
  var units: String?
  /// How the values become rain rate; `nil` when they are not rain.
  var rain: RainQuantity?
  /// Of several kinds of reflectivity of one moment the one of least order is taken: corrected before raw.
  var order = 0
  /// The time of this image alone, apart from that of the file.
  var ownTime: Double?
}

/// The choice of the images of one HDF5 radar file that hold the rain.
struct RadarImageChoice {
  let path: String
  let images: [RadarImage]
  let options: ReadOptions

  /// The images of one quantity, each of a time of its own if there are several.
  ///
  /// - Throws: ``RadarError`` `unusable` when there is none, or it is not clear which.
  func choose() throws -> [RadarImage] {
    let candidates = try options.variable.map(named) ?? rain()
    let kinds = candidates.reduce(into: [RadarImage]()) { kinds, image in
      if !kinds.contains(where: { $0.quantity == image.quantity }) { kinds.append(image) }
    }
    // Signed with units and meaning, so that the sentence tells what each would be.
    guard kinds.count == 1, let quantity = kinds.first?.quantity else { throw several(kinds, "several images") }
    let chosen = candidates.filter { $0.quantity == quantity }
    let times = Set(chosen.compactMap(\.ownTime))
    guard chosen.count == 1 || times.count == chosen.count else { throw several(chosen, "several images of one time") }
    return chosen
  }

  private func rain() throws -> [RadarImage] {
    let found = images.filter { $0.rain != nil }
    guard !found.isEmpty else {
      let list = images.prefix(12).map { "'\($0.path)' (\($0.quantity.isEmpty ? "no quantity" : $0.quantity))" }
      throw RadarError(
        .unusable,
        images.isEmpty
          ? "there are no images in it."
          : "no image in it is rain by its quantity; found \(list.joined(separator: ", ")). Name one with --variable NAME "
            + "and its units with --units UNIT if it is.", path: path)
    }
    let least = found.filter(\.isReflectivity).map(\.order).min()
    return found.filter { !$0.isReflectivity || $0.order == least }
  }

  private func named(_ name: String) throws -> [RadarImage] {
    let plain = name.hasPrefix("/") ? String(name.dropFirst()) : name
    let found = images.filter { [$0.path, $0.path + "/data", $0.quantity].contains(plain) }
    guard !found.isEmpty else {
      let list = images.prefix(12).map { "'\($0.path)' (\($0.quantity))" }.joined(separator: ", ")
      throw RadarError(
        .unusable, "there is no image '\(name)' in it; it has \(list.isEmpty ? "none" : list).", path: path)
    }
    let system = try UnitSystem.load()
    return try found.map { image in
      guard image.rain == nil else { return image }
      guard let units = options.units else {
        throw RadarError(
          .unusable,
          "its quantity '\(image.quantity)' is not known as rain. Say its units with --units UNIT if it is.",
          path: path,
          variable: image.path)
      }
      guard let quantity = RainQuantity(units: units, standardName: nil, system: system) else {
        throw RadarError(
          .unusable, "the units '\(units)' given with --units are not of rain.", path: path, variable: image.path)
      }
      var image = image
      (image.rain, image.units) = (quantity, units)
      return image
    }
  }

  private func several(_ images: [RadarImage], _ what: String) -> RadarError {
    let meanings = images.prefix(12).map { image in
      "'\(image.path)' (\(image.quantity)\(image.rain.map { ", \($0.meaning) in \(image.units ?? "?")" } ?? ""))"
    }
    return RadarError(
      .unusable,
      "\(what) could hold the rain: \(meanings.joined(separator: ", ")). Name one with --variable NAME.", path: path)
  }
}

extension RadarImage {
  fileprivate var isReflectivity: Bool {
    if case .reflectivity = rain { return true }
    return false
  }
}
