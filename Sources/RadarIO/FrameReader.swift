import Foundation
import Tensor

/// Where the pixels of a frame come from.
enum FrameOrigin: Sendable {
  /// A frame of a file, and the seconds over which an amount is.
  case file(Int, frame: Int, seconds: Double?)
  /// A frame that is missing, between two of the same sequence (positions in it): `weight` is that of the later one.
  case between(Int, Int, weight: Float)
}

/// Reads the frames of the files of one reading when they are needed, and keeps those that are needed again.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class FrameReader: @unchecked Sendable {
  let files: [RadarFile]
  let relation: ReflectivityRelation
  /// The most bytes of frames that are kept.
  private let cacheLimit: Int

  private struct Key: Hashable {
    var file: Int
    var frame: Int
  }

  private let lock = NSLock()
  private var cache: [Key: (pixels: Tensor, use: Int)] = [:]
  private var cachedBytes = 0
  /// What was read once. Most is read no more than that, so only what is read again is kept.
  private var seen: Set<Key> = []
  private var uses = 0
  private var table = Unpacking.Table()
  private var tableFile: Int?
  /// What comes after the frame that was read last.
  private var expected: Key?
  private var tallies: [Key: Unpacking.Tally] = [:]

  /// Frames that are kept beyond this reading.
  private let decoded: DecodedFrames?

  init(
    files: [RadarFile], relation: ReflectivityRelation, decoded: DecodedFrames? = nil,
    cacheLimit: Int = RadarReader.mostKeptBytes
  ) {
    self.files = files
    self.relation = relation
    self.decoded = decoded
    self.cacheLimit = cacheLimit
  }

  deinit { ReadingProcess.shared.closeFiles() }

  /// Fills `target` with the rain rates of one frame in mm/h.
  ///
  /// - Parameter next: the file and frame behind it. Once frames are read one after the other, the next is read ahead.
  func read(
    file: Int, frame: Int, seconds: Double?, next: (file: Int, frame: Int)?,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    try lock.withLock {
      let key = Key(file: file, frame: frame)
      let following = next.map { Key(file: $0.file, frame: $0.frame) }
      let isInOrder = expected == key
      expected = following
      uses += 1
      if let known = cache[key] {
        cache[key]?.use = uses
        known.pixels.withUnsafeBufferPointer { _ = target.update(from: $0) }
        return
      }
      let place = DecodedFrames.Place(
        path: files[file].path, variable: files[file].variable, frame: frame, seconds: seconds)
      if decoded?.copy(place, into: target) == true { return }
      if let tableFile, !files[file].sharesTable(with: files[tableFile]) { table = Unpacking.Table() }
      tableFile = file
      let ahead = following.flatMap { isInOrder && cache[$0] == nil ? request(for: $0) : nil }
      let tally = try ReadingProcess.shared.values(request(for: key), ahead: ahead) {
        files[file].unpack(
          PackedValues(type: files[file].frames.type, bytes: $0), into: target, seconds: seconds, relation: relation,
          table: &table)
      }
      if tally != Unpacking.Tally() { tallies[key] = tally }
      if let decoded {
        decoded.keep(target, at: place)
      } else if !seen.insert(key).inserted {
        keep(key, target)
      }
    }
  }

  private func request(for key: Key) -> ReadingProcess.Request { files[key.file].frames.request(for: key.frame) }

  private func keep(_ key: Key, _ target: UnsafeMutableBufferPointer<Float>) {
    let bytes = target.count * MemoryLayout<Float>.size
    guard bytes * 4 <= cacheLimit else { return }
    var pixels = Tensor(shape: [target.count])
    pixels.withUnsafeMutableBufferPointer { _ = $0.update(from: target) }
    cache[key] = (pixels, uses)
    cachedBytes += bytes
    guard cachedBytes > cacheLimit else { return }
    // The older half at once: to look for the oldest one each time would be slow with thousands of small frames.
    let limit = cache.values.map(\.use).sorted()[cache.count / 2]
    cache = cache.filter { $0.value.use >= limit }
    cachedBytes = cache.values.reduce(0) { $0 + $1.pixels.count * MemoryLayout<Float>.size }
  }

  /// What was met in the frames read so far, as sentences.
  var warnings: [String] {
    lock.withLock {
      let limit = Int(Unpacking.mostRain)
      return [
        sentence(\.negative, "negative", "taken as missing"),
        sentence(
          \.impossible, "that no rain has (infinite, a code without a declaration, or below -100 dBZ)",
          "taken as missing"),
        sentence(\.clipped, "above \(limit) mm/h, more than any rain has,", "cut to \(limit) mm/h"),
      ].compactMap(\.self)
    }
  }

  private func sentence(_ count: KeyPath<Unpacking.Tally, Int>, _ kind: String, _ fate: String) -> String? {
    let met = tallies.filter { $0.value[keyPath: count] > 0 }
    guard let first = met.keys.map(\.file).min() else { return nil }
    let files = Set(met.keys.map(\.file)).count
    let others = files > 1 ? " (and \(files - 1) more)" : ""
    let number = met.values.reduce(0) { $0 + $1[keyPath: count] }
    let words =
      kind == "negative"
      ? "negative \(number == 1 ? "value" : "values")" : "\(number == 1 ? "value" : "values") \(kind)"
    return "\(self.files[first].path)\(others): variable '\(self.files[first].variable)': \(number) \(words) "
      + "\(number == 1 ? "is" : "are") \(fate)."
  }
}

extension FrameReader {
  /// What some of the files say of themselves, in the order of time: the first of them, with the terms of use of all.
  func provenance(of used: [Int]) -> Provenance {
    let first = files[used[0]].provenance
    var provenance = first
    for file in used.dropFirst() where files[file].provenance.terms != first.terms {
      files[file].provenance.terms.forEach { provenance.add($0) }
    }
    return provenance
  }
}

/// The frames of a sequence: in memory, or read from their files when they are needed.
enum FrameStore: Sendable {
  case memory(Tensor)
  case files(FrameReader, [FrameOrigin])

  /// The number of frames.
  var count: Int {
    switch self {
    case .memory(let tensor): tensor.shape[0]
    case .files(_, let origins): origins.count
    }
  }

  /// Fills `target` with the frame at a position.
  func read(_ position: Int, into target: UnsafeMutableBufferPointer<Float>) throws {
    switch self {
    case .memory(let tensor): tensor.part(position).withUnsafeBufferPointer { _ = target.update(from: $0) }
    case .files(let reader, let origins):
      switch origins[position] {
      case .file(let file, let frame, let seconds):
        var next: (Int, Int)?
        if position + 1 < origins.count, case .file(let file, let frame, _) = origins[position + 1] {
          next = (file, frame)
        }
        try reader.read(file: file, frame: frame, seconds: seconds, next: next, into: target)
      case .between(let before, let after, let weight):
        try read(before, into: target)
        try withUnsafeTemporaryAllocation(of: Float.self, capacity: target.count) { later in
          try read(after, into: later)
          // A pixel that is missing on either side stays missing: NaN goes through the sum.
          for i in target.indices { target[i] += weight * (later[i] - target[i]) }
        }
      }
    }
  }
}
