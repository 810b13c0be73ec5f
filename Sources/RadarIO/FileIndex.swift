/// What the headers of a folder's files say, kept from one reading to the next, so that ten thousand files need not be opened
/// to learn what is in them.
///
/// A file is known by its path below the folder, its size, and when it was modified and changed; if any of these differs, it
/// is described anew. What is kept is its description as the reading process gave it, before any option was applied, so
/// none can make an index stale. Beside it, for each set of options that was used, stand the times of its frames and a
/// number: files of one number are alike in all but path and times, so that one of them is understood for all.
struct FileIndex: Sendable {
  /// The name of an index beside its files.
  static let fileName = ".nowcast-index.sqlite"

  /// When and how large a file was, in nanoseconds since 1970 and bytes.
  struct Stamp: Sendable, Equatable {
    var size: Int
    var modified: Int
    var changed: Int

    /// In the place of ``changed`` of a file so new that another change need not show: it is to be described anew.
    static let never = Int.min
  }

  /// A description, as what it has in place of another one's bytes.
  struct Description: Sendable, Equatable {
    /// The other one, a position in ``bases``.
    var base: Int
    var patch: [UInt8]
  }

  /// A description that others are like.
  struct Base: Sendable, Equatable {
    var isNetCDF: Bool
    var bytes: [UInt8]
  }

  struct File: Sendable, Equatable {
    var stamp: Stamp
    var description: Description
  }

  /// What came of a description with some options.
  struct Understanding: Sendable, Equatable {
    /// The same for files that are alike.
    var kind: Int
    /// See ``StoredTimes``.
    var times: [UInt8]
  }

  var bases: [Base] = []
  /// By the path below the folder.
  var files: [String: File] = [:]
  /// By the options, then by the path below the folder.
  var understood: [String: [String: Understanding]] = [:]
  /// Where in ``bases`` those of a length are that were added last.
  private var recent: [Int: [Int]] = [:]

  init() {}

  /// The options that decide what is understood of a description.
  static func key(of options: ReadOptions) -> String {
    func text(_ value: String?) -> String { value.map { "\($0.utf8.count) \($0)" } ?? "-" }
    return
      "variable \(text(options.variable)) units \(text(options.units)) member \(options.member.map(String.init) ?? "-")"
  }

  /// Takes note of a file; what was understood of an earlier one in its place is forgotten.
  mutating func add(_ path: String, _ stamp: Stamp, isNetCDF: Bool, _ bytes: UnsafeRawBufferPointer) {
    files[path] = File(stamp: stamp, description: description(isNetCDF, bytes))
    for key in understood.keys { understood[key]?[path] = nil }
  }

  /// Forgets a file.
  mutating func remove(_ path: String) {
    files[path] = nil
    for key in understood.keys { understood[key]?[path] = nil }
  }

  /// Hands the description of a file to `body`; `nil` when it does not fit together.
  func withDescription<R>(of file: File, _ body: (_ isNetCDF: Bool, UnsafeRawBufferPointer) -> R?) -> R? {
    guard bases.indices.contains(file.description.base) else { return nil }
    let base = bases[file.description.base]
    guard let bytes = BytePatch.apply(file.description.patch, to: base.bytes) else { return nil }
    return bytes.withUnsafeBytes { body(base.isNetCDF, $0) }
  }

  /// A file for each time differs from the others in a few bytes: those alone are kept.
  private mutating func description(_ isNetCDF: Bool, _ bytes: UnsafeRawBufferPointer) -> Description {
    if recent.isEmpty { for base in bases.indices { remember(base) } }
    for base in recent[bytes.count] ?? [] where bases[base].isNetCDF == isNetCDF {
      if let patch = BytePatch.between(bases[base].bytes, bytes, most: bytes.count / 4) {
        return Description(base: base, patch: patch)
      }
    }
    bases.append(Base(isNetCDF: isNetCDF, bytes: Array(bytes)))
    remember(bases.count - 1)
    return Description(base: bases.count - 1, patch: [])
  }

  private mutating func remember(_ base: Int) {
    recent[bases[base].bytes.count, default: []].append(base)
    if recent[bases[base].bytes.count, default: []].count > 8 { recent[bases[base].bytes.count]?.removeFirst() }
  }
}

/// Rows of bytes of one length as what they have in place of another one's: offset and count (u32) and bytes, again and again.
enum BytePatch {
  /// `nil` when it would have more than `most` bytes, or the lengths differ.
  static func between(_ base: [UInt8], _ other: UnsafeRawBufferPointer, most: Int) -> [UInt8]? {
    guard base.count == other.count else { return nil }
    var patch: [UInt8] = []
    var place = 0
    while let start = firstDifference(base, other, from: place) {
      // A few equal bytes between are cheaper than another head.
      var end = start + 1
      var same = 0
      while end + same < base.count, same < 8 {
        if base[end + same] == other[end + same] {
          same += 1
        } else {
          end += same + 1
          same = 0
        }
      }
      withUnsafeBytes(of: UInt32(start)) { patch += $0 }
      withUnsafeBytes(of: UInt32(end - start)) { patch += $0 }
      patch += other[start..<end]
      guard patch.count <= most else { return nil }
      place = end
    }
    return patch
  }

  /// `nil` when the patch is none for the base.
  static func apply(_ patch: [UInt8], to base: [UInt8]) -> [UInt8]? {
    var result = base
    let isWhole = patch.withUnsafeBytes { raw in
      var bytes = DescriptionBytes(raw)
      while bytes.rest > 0 {
        guard let start = bytes.next(UInt32.self), let count = bytes.next(UInt32.self),
          Int(start) + Int(count) <= result.count, let new = bytes.next(count: Int(count))
        else { return false }
        result.replaceSubrange(Int(start)..<Int(start) + Int(count), with: new)
      }
      return true
    }
    return isWhole ? result : nil
  }

  private static func firstDifference(_ a: [UInt8], _ b: UnsafeRawBufferPointer, from start: Int) -> Int? {
    a.withUnsafeBytes { a in
      var place = start
      while place + 8 <= a.count,
        a.loadUnaligned(fromByteOffset: place, as: UInt64.self)
          == b.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      { place += 8 }
      while place < a.count {
        if a[place] != b[place] { return place }
        place += 1
      }
      return nil
    }
  }
}

/// The times of a file's frames as bytes: of each of its parts the number of frames (u32), whether there are lengths and a
/// reference time (u8: 1, 2), and these as doubles.
enum StoredTimes {
  static func bytes(of parts: [RadarFile]) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in parts {
      let values = part.times.times + (part.times.lengths ?? []) + (part.referenceTime.map { [$0] } ?? [])
      withUnsafeBytes(of: UInt32(part.times.times.count)) { bytes += $0 }
      bytes.append((part.times.lengths == nil ? 0 : 1) | (part.referenceTime == nil ? 0 : 2))
      values.withUnsafeBytes { bytes += $0 }
    }
    return bytes
  }

  /// Files like `models` at these times; `nil` when the bytes do not fit them.
  static func parts(like models: [RadarFile], _ bytes: [UInt8], path: String) -> [RadarFile]? {
    var parts = models
    let isWhole = bytes.withUnsafeBytes { raw in
      var bytes = DescriptionBytes(raw)
      for index in parts.indices {
        let model = models[index]
        guard let count = bytes.next(UInt32.self), Int(count) == model.times.times.count,
          let flags = bytes.next(UInt8.self),
          flags == (model.times.lengths == nil ? 0 : 1) | (model.referenceTime == nil ? 0 : 2)
        else { return false }
        let times = (0..<count).compactMap { _ in bytes.next(Double.self) }
        let lengths = flags & 1 == 0 ? nil : (0..<count).compactMap { _ in bytes.next(Double.self) }
        let reference = flags & 2 == 0 ? nil : bytes.next(Double.self)
        guard times.count == Int(count), lengths.map({ $0.count == Int(count) }) ?? true,
          (reference == nil) == (model.referenceTime == nil)
        else { return false }
        parts[index].path = path
        parts[index].frames = model.frames.at(path)
        (parts[index].times.times, parts[index].times.lengths) = (times, lengths)
        parts[index].referenceTime = reference
      }
      return bytes.rest == 0
    }
    return isWhole ? parts : nil
  }
}

extension RadarFile {
  /// Whether a file is as another one in all but its path, its times and its reference time.
  func isAlike(_ other: RadarFile) -> Bool {
    func last(_ file: RadarFile) -> Int { max(file.times.times.count - 1, 0) }
    return variable == other.variable && reason == other.reason && units == other.units
      && times.times.count == other.times.times.count && (times.lengths == nil) == (other.times.lengths == nil)
      && times.note == other.times.note && (referenceTime == nil) == (other.referenceTime == nil)
      && isTransposed == other.isTransposed && quantity == other.quantity && packing == other.packing
      && statedInterval?.seconds == other.statedInterval?.seconds
      && statedInterval?.statement == other.statedInterval?.statement && memberCount == other.memberCount
      && frames.type == other.frames.type && frames.at(path).request(for: 0) == other.frames.at(path).request(for: 0)
      && frames.at(path).request(for: last(self)) == other.frames.at(path).request(for: last(other))
      && notes == other.notes && warnings == other.warnings && provenance == other.provenance && grid == other.grid
  }
}
