import CPROJ
import Foundation

/// A map projection as radar files state it: a PROJ text such as `+proj=stere +lat_0=90 +lat_ts=60 +a=6378.14 +b=6356.75`.
///
/// The text is taken apart and put together again from names and numbers that are known, so that nothing in a file can
/// make PROJ open another one. Lengths are in metres here, whatever the file counts in.
struct Projection: Equatable {
  /// The name after `+proj=`; `longlat` for any spelling of it.
  var name: String
  /// The numbers of the projection (degrees, metres, scales), without those of the ellipsoid.
  var parameters: [String: Double]
  var isSouth: Bool
  var ellipsoid: Ellipsoid
  /// The metres in one unit of the coordinates the file counts in.
  var metresPerUnit: Double

  /// The figure of the Earth.
  struct Ellipsoid: Equatable {
    var semiMajor: Double
    var semiMinor: Double
    /// As far as the text gives it rather than the second axis.
    var inverseFlattening: Double?
  }

  private static let names: Set = [
    "aea", "aeqd", "cea", "eqc", "gnom", "laea", "lcc", "longlat", "merc", "omerc", "ortho", "somerc", "stere",
    "sterea", "tmerc", "utm",
  ]
  private static let numbers: Set = [
    "lat_0", "lon_0", "lat_1", "lat_2", "lat_ts", "k", "k_0", "x_0", "y_0", "zone", "alpha", "gamma", "lonc",
  ]
  private static let ofEllipsoid: Set = ["a", "b", "rf", "f", "es", "e", "R"]
  /// What says nothing about where a pixel is on its own ellipsoid.
  private static let ignored: Set = [
    "no_defs", "wktext", "over", "type", "towgs84", "nadgrids", "title", "units", "vunits",
  ]
  /// What says nothing with this value.
  private static let defaults = ["axis": "enu", "pm": "greenwich"]

  /// Reads a text.
  ///
  /// - Throws: ``Misunderstood`` with what is not understood.
  init(_ text: String) throws {
    var words: [String: String] = [:]
    for word in try Projection.spelledOut(text).split(whereSeparator: \.isWhitespace) {
      let parts = word.drop { $0 == "+" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // As PROJ does, the first of several wins.
      if let key = parts.first, words[String(key)] == nil {
        words[String(key)] = parts.count > 1 ? String(parts[1]) : ""
      }
    }
    for (key, value) in Projection.defaults where words[key]?.lowercased() == value { words[key] = nil }
    func number(_ key: String) throws -> Double? {
      guard let value = words[key] else { return nil }
      guard let number = Projection.degrees(value), number.isFinite, abs(number) < 1e12 else {
        throw Misunderstood(what: "+\(key)=\(value)")
      }
      return number
    }
    let spelled = words["proj"] ?? ""
    let name = ["latlong", "latlon", "lonlat"].contains(spelled) ? "longlat" : spelled == "etmerc" ? "tmerc" : spelled
    guard Projection.names.contains(name) else { throw Misunderstood(what: "+proj=\(spelled)") }
    let known = Projection.numbers.union(Projection.ofEllipsoid).union(Projection.ignored)
      .union(["proj", "south", "ellps", "datum", "to_meter"])
    if let strange = words.keys.filter({ !known.contains($0) }).min() { throw Misunderstood(what: "+\(strange)") }
    self.name = name
    isSouth = words["south"] != nil
    parameters = [:]
    for key in Projection.numbers { parameters[key] = try number(key) }
    if let scale = parameters.removeValue(forKey: "k") { parameters["k_0"] = parameters["k_0"] ?? scale }
    var sizes: [String: Double] = [:]
    for key in Projection.ofEllipsoid { sizes[key] = try number(key) }
    ellipsoid = try Ellipsoid(sizes: sizes, name: words["ellps"], datum: words["datum"])
    switch (words["units"], try number("to_meter")) {
    case (_, let factor?): metresPerUnit = factor
    case (nil, _), ("m", _): metresPerUnit = 1
    case ("km", _): metresPerUnit = 1000
    case (let units?, _): throw Misunderstood(what: "+units=\(units)")
    }
    guard metresPerUnit > 0 else { throw Misunderstood(what: "+to_meter") }
    // An Earth of 6378 is one in kilometres, and so are all other lengths.
    if ellipsoid.semiMajor < 100_000 {
      ellipsoid.semiMajor *= 1000
      ellipsoid.semiMinor *= 1000
      for key in ["x_0", "y_0"] { parameters[key] = parameters[key].map { $0 * 1000 } }
      metresPerUnit = 1000
    }
    guard (6.3e6...6.45e6).contains(ellipsoid.semiMajor), (6.3e6...6.45e6).contains(ellipsoid.semiMinor) else {
      throw Misunderstood(what: "an Earth of \(ellipsoid.semiMajor) by \(ellipsoid.semiMinor) m")
    }
  }

  /// A number that may have the letter of its hemisphere, as in `60N`.
  private static func degrees(_ text: String) -> Double? {
    guard let letter = text.last, letter.isLetter else { return Double(text) }
    guard let number = Double(text.dropLast()), let place = "NESW".firstIndex(of: Character(letter.uppercased())) else {
      return nil
    }
    return "SW".contains("NESW"[place]) ? -number : number
  }

  /// The projection that a number of the EPSG stands for, from PROJ's own database; another text as it is.
  private static func spelledOut(_ text: String) throws -> String {
    guard let match = text.wholeMatch(of: /\s*(?:\+init=)?(?i:epsg):(\d{4,6})\s*/) else { return text }
    let unknown = Misunderstood(what: text)
    guard let context = proj_context_create() else { throw unknown }
    defer { proj_context_destroy(context) }
    proj_log_level(context, PJ_LOG_NONE)
    guard let system = proj_create(context, "EPSG:\(match.1)") else { throw unknown }
    defer { proj_destroy(system) }
    guard let words = proj_as_proj_string(context, system, PJ_PROJ_4, nil) else { throw unknown }
    return String(cString: words)
  }

  /// Something in a projection that is not understood.
  struct Misunderstood: Error {
    var what: String
  }

  /// The text for PROJ, in metres.
  var text: String {
    var words = ["+proj=\(name)"]
    words += parameters.sorted { $0.key < $1.key }.map { key, value in
      value == value.rounded() && abs(value) < 1e9 ? "+\(key)=\(Int(value))" : "+\(key)=\(value)"
    }
    if isSouth { words.append("+south") }
    words.append("+a=\(ellipsoid.semiMajor)")
    words.append(ellipsoid.inverseFlattening.map { "+rf=\($0)" } ?? "+b=\(ellipsoid.semiMinor)")
    return words.joined(separator: " ")
  }
}

extension Projection.Ellipsoid {
  private static let ofDatum = [
    "WGS84": "WGS84", "NAD27": "clrk66", "NAD83": "GRS80", "GGRS87": "GRS80", "potsdam": "bessel",
    "carthage": "clrk80ign", "hermannskogel": "bessel", "ire65": "mod_airy", "nzgd49": "intl", "OSGB36": "airy",
  ]

  /// From sizes, or names; GRS80 without either, as in PROJ.
  fileprivate init(sizes: [String: Double], name: String?, datum: String?) throws {
    if let radius = sizes["R"] {
      self.init(semiMajor: radius, semiMinor: radius)
      return
    }
    var base: Self?
    if let datum {
      guard let name = Self.ofDatum[datum] else { throw Projection.Misunderstood(what: "+datum=\(datum)") }
      base = Self(named: name)
    }
    if let name {
      guard let found = Self(named: name) else { throw Projection.Misunderstood(what: "+ellps=\(name)") }
      base = found
    }
    if base == nil, sizes["a"] == nil { base = Self(named: "GRS80") }
    guard let a = sizes["a"] ?? base?.semiMajor else { throw Projection.Misunderstood(what: "the ellipsoid") }
    if let rf = sizes["rf"], rf != 0 {
      self.init(semiMajor: a, semiMinor: a * (1 - 1 / rf), inverseFlattening: rf)
    } else if let f = sizes["f"] {
      self.init(semiMajor: a, semiMinor: a * (1 - f))
    } else if let es = sizes["es"] ?? sizes["e"].map({ $0 * $0 }), es < 1 {
      self.init(semiMajor: a, semiMinor: a * (1 - es).squareRoot())
    } else if let b = sizes["b"] {
      self.init(semiMajor: a, semiMinor: b)
    } else if let base {
      let rf = base.inverseFlattening
      self.init(semiMajor: a, semiMinor: rf.map { a * (1 - 1 / $0) } ?? base.semiMinor, inverseFlattening: rf)
    } else {
      self.init(semiMajor: a, semiMinor: a)
    }
  }

  /// From PROJ's own list.
  private init?(named name: String) {
    guard var entry = proj_list_ellps() else { return nil }
    while let id = entry.pointee.id {
      defer { entry += 1 }
      guard String(cString: id) == name, let major = entry.pointee.major, let other = entry.pointee.ell else {
        continue
      }
      func value(_ text: String) -> Double? { text.split(separator: "=").last.flatMap { Double($0) } }
      let second = String(cString: other)
      guard let a = value(String(cString: major)), let b = value(second) else { return nil }
      if second.hasPrefix("rf=") {
        self.init(semiMajor: a, semiMinor: a * (1 - 1 / b), inverseFlattening: b)
      } else {
        self.init(semiMajor: a, semiMinor: b)
      }
      return
    }
    return nil
  }
}
