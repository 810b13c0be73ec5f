import Foundation
import Tensor

/// Files of radar frames that are read one by one as they come, and joined to sequences again and again: headers and frames
/// stay in memory, so that each file is read once.
///
/// What comes of some files is what ``RadarReader/sequences(at:failed:)`` makes of the same paths in the same order.
public final class FrameArchive {
  private let options: ReadOptions
  private var files: [String: [RadarFile]] = [:]
  private let decoded = DecodedFrames()

  /// An empty one.
  public init(options: ReadOptions) { self.options = options }

  /// What is to be known of a file.
  public struct Summary: Sendable {
    /// The times of its frames in seconds since 1970-01-01 00:00:00 UTC, ascending.
    public let times: [Double]
    /// Where their pixels are.
    public let grid: Grid
  }

  /// Reads the header of a file, anew if it was read before.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - isChecked: whether its last frame is read at once, so that one that is damaged is noticed.
  /// - Throws: ``RadarError`` `notFound` or `unusable`.
  public func read(_ path: String, isChecked: Bool) throws -> Summary {
    remove(path)
    defer { ReadingProcess.shared.closeFiles() }
    let content = try ReadingProcess.shared.describe(path: path)
    var parts = try RadarReader(options: options).parts(of: content, path: path, known: [])
    // Coordinates of every pixel are in memory once, and not once for each file.
    let grids = files.values.lazy.flatMap { $0.map(\.grid) }
    for index in parts.indices {
      let own = parts[index].grid
      if let known = grids.first(where: { $0 == own }) { parts[index].grid = known }
    }
    guard let last = parts.max(by: { ($0.times.times.max() ?? 0) < ($1.times.times.max() ?? 0) }) else {
      throw RadarError(.unusable, "there are no frames in it.", path: path)
    }
    if isChecked { try check(last) }
    files[path] = parts
    return Summary(times: parts.flatMap(\.times.times).sorted(), grid: last.grid)
  }

  /// Reads the last frame of a file.
  private func check(_ file: RadarFile) throws {
    let times = file.times.times
    guard let frame = times.indices.max(by: { times[$0] < times[$1] }) else { return }
    var pixels = Tensor(uninitialized: [file.grid.height * file.grid.width])
    let reader = FrameReader(files: [file], relation: options.relation, decoded: decoded)
    try pixels.withUnsafeMutableBufferPointer {
      try reader.read(
        file: 0, frame: frame, seconds: file.times.lengths?[frame] ?? file.statedInterval?.seconds, next: nil, into: $0)
    }
  }

  /// Joins the frames of files in the order of time.
  ///
  /// - Throws: ``RadarError``, as ``RadarReader/sequences(at:failed:)``.
  public func reading(of paths: [String]) throws -> RadarReading {
    for path in paths where files[path] == nil { _ = try read(path, isChecked: false) }
    return try RadarReader(options: options).reading(of: paths.flatMap { files[$0] ?? [] }, decoded: decoded)
  }

  /// Forgets a file.
  public func remove(_ path: String) {
    files[path] = nil
    decoded.drop(most: .max) { $0 == path }
  }

  /// Forgets all files but some, which are read again should they be asked for; and of each of these all frames but the
  /// last ones.
  public func keep(only paths: Set<String>, frames: Int) {
    files = files.filter { paths.contains($0.key) }
    decoded.drop(most: frames) { !paths.contains($0) }
  }
}
