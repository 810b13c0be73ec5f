import Foundation
import RadarIO

/// What a run was started on, so that it is noticed when a file has changed, has come or has gone.
struct DataRecord: Sendable, Equatable, Codable {
  /// A file by its name and its bytes. Without its folder: data may move between two sessions of a run.
  struct File: Sendable, Equatable, Codable {
    let name: String
    let hash: String
  }

  /// The files, in the order of the sequences' times.
  let files: [File]
  /// Tells the frames as they were read from others: sizes, times, a sample of the values, and which windows are held out.
  let frames: String

  init(files: [File], frames: String) { (self.files, self.frames) = (files, frames) }

  /// Looks at the files of sequences.
  ///
  /// - Throws: ``NowcastError`` `notFound` when one cannot be read any more.
  init(_ sequences: [FrameSequence], frames: String) throws {
    self.frames = frames
    let paths = Self.paths(sequences)
    let sizes = try paths.map(Self.size)
    let total = sizes.reduce(0, +)
    files = try zip(paths, sizes).map { path, size in
      let share = total <= Self.mostBytes ? size : size / (total / Self.mostBytes + 1)
      return File(
        name: (path as NSString).lastPathComponent, hash: try Self.hash(path, size: size, most: max(share, Self.block)))
    }
  }

  /// What of `sequences`, whose record this is, is not as in `earlier`; `nil` when they are the same.
  func difference(from earlier: DataRecord, _ sequences: [FrameSequence]) -> String? {
    guard self != earlier else { return nil }
    // Files of the same content are the same, whatever they are called now.
    var unmatched = Dictionary(grouping: earlier.files, by: \.hash).mapValues(\.count)
    var present: [(name: String, path: String)] = []
    for (file, path) in zip(files, Self.paths(sequences)) {
      if let count = unmatched[file.hash], count > 0 {
        unmatched[file.hash] = count - 1
      } else {
        present.append((file.name, path))
      }
    }
    var gone: [String] = []
    for file in earlier.files.reversed() {
      guard let count = unmatched[file.hash], count > 0 else { continue }
      unmatched[file.hash] = count - 1
      gone.insert(file.name, at: 0)
    }
    var texts: [String] = []
    for (name, path) in present {
      if let index = gone.firstIndex(of: name) {
        gone.remove(at: index)
        texts.append("\(path) has changed")
      } else {
        texts.append("\(path) is new")
      }
    }
    texts += gone.map { "\($0) is missing" }
    if texts.isEmpty {
      return files.isEmpty
        ? "the frames are others"
        : "the files are the same, but their frames are read or divided in another way (--variable, --units, --max-gap, "
          + "--validation)"
    }
    let more = texts.count > 3 ? " (and \(texts.count - 3) more)" : ""
    return texts.prefix(3).joined(separator: ", ") + more
  }

  /// Every byte is looked at up to so many; of larger sets an even share of each file.
  private static let mostBytes = 512 << 20
  private static let block = 64 << 10

  /// The files of sequences, each once.
  private static func paths(_ sequences: [FrameSequence]) -> [String] {
    var seen: Set<String> = []
    return sequences.flatMap(\.source.files).filter { seen.insert($0).inserted }
  }

  private static func size(_ path: String) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw unreadable(path) }
    return Int(status.st_size)
  }

  /// A hash of a file's size and of blocks that are spread over it evenly, `most` bytes together.
  private static func hash(_ path: String, size: Int, most: Int) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var hash = ContentHash()
    hash.add(UInt64(size))
    let all = (size + block - 1) / block
    let count = min(all, (most + block - 1) / block)
    var buffer = [UInt8](repeating: 0, count: block)
    for number in 0..<count {
      let place = count == all || count == 1 ? number : number * (all - 1) / (count - 1)
      let read = try buffer.withUnsafeMutableBytes { bytes in
        let read = pread(descriptor, bytes.baseAddress, block, off_t(place * block))
        guard read >= 0 else { throw unreadable(path) }
        return read
      }
      buffer.withUnsafeBytes { hash.add(UnsafeRawBufferPointer(rebasing: $0[..<read])) }
    }
    return hash.text
  }

  private static func unreadable(_ path: String) -> NowcastError {
    NowcastError(.notFound, "the file cannot be read any more (\(String(cString: strerror(errno)))).", path: path)
  }
}
