/// Where the frames of one file are.
protocol PackedFrames: Sendable {
  /// The type of the numbers in the file.
  var type: NetCDFType { get }

  /// What is to be asked for to read a frame, in the order in which the file stores its pixels.
  func request(for frame: Int) -> ReadingProcess.Request

  /// The same in a file of another path that is like it.
  func at(_ path: String) -> Self
}

/// Numbers as a file holds them, in the machine's byte order.
struct PackedValues {
  let type: NetCDFType
  let bytes: UnsafeRawBufferPointer
}

/// The frames of a variable of a NetCDF file.
struct NetCDFFrames: PackedFrames {
  let type: NetCDFType
  private var path: String
  private let name: String
  private let shape: [Int]
  private let frameBytes: Int
  /// The position of the dimension of time.
  private let time: Int?
  /// The position of an ensemble's members, and the one that is read.
  private let member: (position: Int, index: Int)?

  /// Remembers where the frames are.
  ///
  /// - Throws: ``RadarError`` `unusable` when they are no numbers, or more than the file can hold.
  init(
    _ file: NetCDFFile, variable: NetCDFFile.Variable, time: NetCDFFile.Dimension?,
    member: (dimension: NetCDFFile.Dimension, index: Int)? = nil
  ) throws {
    guard let type = variable.type, type.isNumeric else {
      throw RadarError(.unusable, "its type is not one of numbers.", path: file.path, variable: variable.fullName)
    }
    self.type = type
    path = file.path
    name = variable.fullName
    shape = variable.shape
    self.time = time.flatMap { variable.dimensions.firstIndex(of: $0) }
    self.member = member.flatMap { member in
      variable.dimensions.firstIndex(of: member.dimension).map { (position: $0, index: member.index) }
    }
    let frames = max(time?.length ?? 1, 1) * max(member?.dimension.length ?? 1, 1)
    frameBytes = try file.checkedByteCount(of: variable, type: type) / frames
  }

  func at(_ path: String) -> NetCDFFrames {
    var frames = self
    frames.path = path
    return frames
  }

  func request(for frame: Int) -> ReadingProcess.Request {
    var starts = shape.map { _ in 0 }
    var counts = shape
    if let time { (starts[time], counts[time]) = (frame, 1) }
    if let member { (starts[member.position], counts[member.position]) = (member.index, 1) }
    return .values(
      path: path, name: name, type: type, shape: shape, starts: starts, counts: counts, byteCount: frameBytes)
  }
}
