import Foundation
import RadarIO

/// The files of a watched folder: which are whole, which frames they hold, and which of them a forecast needs.
///
/// Moments are in seconds of a clock that nobody sets (the system's uptime).
final class WatchedFrames {
  /// A file that was read.
  struct Entry {
    let signature: FileSignature
    /// The time of its last frame, from which its forecast starts.
    let time: Double
    /// A position in ``grids``.
    let grid: Int
    /// When it became as it is, in seconds since 1970-01-01 00:00:00 UTC: after a restart, too, copies come after what they are
    /// of.
    let appeared: Double
    /// When it was whole; `nil` when it was there at the start.
    let completion: Double?
  }

  /// A file that was seen and not read yet, or could not be.
  private struct Pending {
    var signature: FileSignature
    /// When it was first seen as it is.
    var since: Double
    /// Whether its writer has closed it.
    var isClosed: Bool
    /// Why it cannot be used as it is.
    var failure: RadarError?
    var isTold = false
  }

  private(set) var entries: [String: Entry] = [:]
  private var pending: [String: Pending] = [:]
  /// All files that were read in the order of time; of one time in that of their names.
  private var timeline: [(time: Double, path: String)] = []
  private var grids: [Grid] = []
  private var hashes: [String: String] = [:]
  /// When the folder was looked at last: what is new since then is no older.
  private var lastLook: Double?
  private let settleSeconds: Double
  /// What is kept of the files.
  var archive: FrameArchive

  init(archive: FrameArchive, settleSeconds: Double) {
    (self.archive, self.settleSeconds) = (archive, settleSeconds)
  }

  // MARK: Looking

  /// Names of files that somebody is still writing, whatever is in them.
  private static let unfinished = [".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"]

  /// Takes note of all files in the folder.
  func look(at listing: FolderListing, now: Double) {
    for path in entries.keys where listing.files[path] == nil { forget(path) }
    pending = pending.filter { listing.files[$0.key] != nil }
    for (path, signature) in listing.files { note(path, signature, isClosed: false, now: now) }
    lastLook = now
  }

  /// Takes note of files that were closed or got their names.
  func look(at paths: Set<String>, now: Double) {
    for path in paths {
      guard let signature = FileSignature(path: path) else { continue }
      note(path, signature, isClosed: true, now: now)
    }
  }

  private func note(_ path: String, _ signature: FileSignature, isClosed: Bool, now: Double) {
    let name = (path as NSString).lastPathComponent
    guard !name.hasPrefix("."), !WatchedFrames.unfinished.contains(where: name.lowercased().hasSuffix) else { return }
    guard entries[path]?.signature != signature else {
      pending[path] = nil
      return
    }
    guard pending[path]?.signature == signature else {
      pending[path] = Pending(signature: signature, since: moment(signature, now), isClosed: isClosed)
      return
    }
    if isClosed { pending[path]?.isClosed = true }
  }

  /// When a file became as it is, by its time stamp, as far as that is possible: clocks are set, and machines differ.
  private func moment(_ signature: FileSignature, _ now: Double) -> Double {
    let age = Date().timeIntervalSince1970 - signature.changeTime
    return min(now, max(now - max(age, 0), lastLook ?? -.infinity))
  }

  private func isWhole(_ file: Pending, _ now: Double) -> Bool {
    file.failure == nil && (file.isClosed || now - file.since >= settleSeconds)
  }

  /// The files that can be read now, the last one by name first.
  func whole(now: Double) -> [String] {
    pending.filter { isWhole($0.value, now) }.map(\.key).sorted(by: >)
  }

  /// The seconds until one of the files that are not whole yet may count as such; `nil` when there is none.
  func secondsToWait(now: Double) -> Double? {
    pending.values.filter { $0.failure == nil }.map { max(0, settleSeconds - (now - $0.since)) }.min()
  }

  // MARK: Reading

  /// Reads a file that is whole.
  ///
  /// - Parameter isStart: whether it was there before the watch began.
  /// - Returns: the time of its last frame; `nil` when it cannot be used as it is.
  /// - Throws: `RadarError` `internalError` alone.
  func take(_ path: String, isStart: Bool) throws -> Double? {
    guard let file = pending[path] else { return nil }
    let summary: FrameArchive.Summary
    do {
      summary = try archive.read(path, isChecked: !isStart)
    } catch let error as RadarError where error.code != .internalError {
      forget(path)
      pending[path]?.failure = error
      return nil
    }
    // While it is written it is none of ours yet; the next look finds it as it is then.
    guard FileSignature(path: path) == file.signature, let time = summary.times.last else {
      archive.remove(path)
      pending[path] = nil
      return nil
    }
    forget(path, keepingContent: true)
    pending[path] = nil
    let grid = grids.firstIndex { $0.matches(summary.grid) } ?? grids.endIndex
    if grid == grids.endIndex { grids.append(summary.grid) }
    entries[path] = Entry(
      signature: file.signature, time: time, grid: grid, appeared: file.signature.changeTime,
      completion: isStart ? nil : file.since)
    timeline.insert((time, path), at: place(of: time, path))
    return time
  }

  /// Leaves a file out that turned out to be damaged, until it changes.
  func reject(_ path: String, _ error: RadarError, now: Double) {
    guard let entry = entries[path] else { return }
    forget(path)
    pending[path] = Pending(signature: entry.signature, since: now, isClosed: true, failure: error)
  }

  private func forget(_ path: String, keepingContent: Bool = false) {
    hashes[path] = nil
    if !keepingContent { archive.remove(path) }
    guard let entry = entries.removeValue(forKey: path) else { return }
    let place = place(of: entry.time, path)
    if place < timeline.count, timeline[place].path == path { timeline.remove(at: place) }
  }

  /// The first position in ``timeline`` that is not before a time and a name.
  private func place(of time: Double, _ path: String = "") -> Int {
    var (low, high) = (0, timeline.count)
    while low < high {
      let middle = (low + high) / 2
      if (timeline[middle].time, timeline[middle].path) < (time, path) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Files that cannot be used, each once; those that change soon may just not have been whole.
  func failuresToTell(now: Double) -> [RadarError] {
    var errors: [RadarError] = []
    for (path, file) in pending.sorted(by: { $0.key < $1.key }) where !file.isTold && now - file.since >= settleSeconds
    {
      guard let error = file.failure else { continue }
      pending[path]?.isTold = true
      errors.append(error)
    }
    return errors
  }

  /// Files that are there and cannot be used.
  var unusableCount: Int { pending.values.count { $0.failure != nil } }

  // MARK: Frames

  /// The times of all last frames, ascending.
  var times: [Double] { timeline.map(\.time) }
  /// The newest of them.
  var newestTime: Double? { timeline.last?.time }
  /// Whether a file ends with the frame of a time.
  func hasFrame(of time: Double) -> Bool {
    let place = place(of: time)
    return place < timeline.count && timeline[place].time == time
  }

  /// Those that follow a time, at most so many.
  func times(after time: Double, most: Int) -> [Double] {
    var found: [Double] = []
    for (next, _) in timeline[place(of: time.nextUp)...] where next != found.last {
      guard found.count < most else { break }
      found.append(next)
    }
    return found
  }

  /// The files up to that of a time, in the order of time and one for each: what a forecast from that time is made of.
  ///
  /// Of several files of one time the one named last is taken, as `predict` does, but the oldest one where they are
  /// the same to the byte. Others than on the grid of the last file are left out; where that has two, the preferred one is
  /// taken.
  ///
  /// - Parameter count: the most files; older ones are of no consequence.
  func files(upTo time: Double, count: Int, preferredGrid: Int?) throws -> [String] {
    var found: [String] = []
    var grid: Int?
    var end = place(of: time.nextUp)
    while end > 0, found.count < count {
      let current = timeline[end - 1].time
      let start = place(of: current)
      var candidates = timeline[start..<end].map(\.path)
      end = start
      if grid == nil {
        let own = candidates.compactMap { entries[$0]?.grid }
        grid = own.first { $0 == preferredGrid } ?? own.last
      }
      candidates = candidates.filter { entries[$0]?.grid == grid }
      guard let last = candidates.last else { continue }
      found.append(candidates.count > 1 ? try first(like: last, candidates) : last)
    }
    return found.reversed()
  }

  private func first(like path: String, _ candidates: [String]) throws -> String {
    let own = try hash(of: path)
    let same = try candidates.filter { try hash(of: $0) == own }
    return same.min { (entries[$0]?.appeared ?? 0, $0) < (entries[$1]?.appeared ?? 0, $1) } ?? path
  }

  /// The SHA-256 of a file.
  func hash(of path: String) throws -> String {
    if let hash = hashes[path] { return hash }
    let hash = try SHA256.text(ofFile: path)
    if entries[path] != nil { hashes[path] = hash }
    return hash
  }

  /// Whether files are still as they were read.
  func areUnchanged(_ paths: [String]) -> Bool {
    paths.allSatisfy { FileSignature(path: $0) == entries[$0]?.signature }
  }
}
