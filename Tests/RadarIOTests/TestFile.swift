import CNetCDF
import Foundation
import Testing

@testable import RadarIO

/// A folder that is gone after the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("radario-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

/// A small NetCDF file made with the library's plain calls, independently of the writer under test.
final class TestFile {
  enum Value {
    case text(String)
    case numbers(NetCDFType, [Double])
  }

  struct Failure: Error { var status: Int32 }

  let path: String
  private var id: Int32 = 0
  private var isDefining = true

  init(_ path: String, classic: Bool = false) throws {
    self.path = path
    try check { nc_create(path, classic ? NC_CLOBBER : NC_NETCDF4 | NC_CLOBBER, &id) }
  }

  func dimension(_ name: String, _ length: Int) throws {
    var made: Int32 = 0
    try check { nc_def_dim(id, name, length, &made) }
  }

  func attribute(_ variable: String?, _ name: String, _ value: Value) throws {
    var target = NC_GLOBAL
    if let variable { try check { nc_inq_varid(id, variable, &target) } }
    switch value {
    case .text(let text): try check { nc_put_att_text(id, target, name, text.utf8.count, text) }
    case .numbers(let type, let numbers):
      try TestFile.bytes(numbers, type).withUnsafeBytes { bytes in
        try check { nc_put_att(id, target, name, type.rawValue, numbers.count, bytes.baseAddress) }
      }
    }
  }

  func variable(
    _ name: String, _ type: NetCDFType, _ dimensions: [String], _ attributes: [(String, Value)] = [],
    _ values: [Double]? = nil
  ) throws {
    if !isDefining { try check { nc_redef(id) } }
    var variable: Int32 = 0
    let ids = try dimensions.map { name in
      var dimension: Int32 = 0
      try check { nc_inq_dimid(id, name, &dimension) }
      return dimension
    }
    try check { nc_def_var(id, name, type.rawValue, Int32(ids.count), ids, &variable) }
    for (attribute, value) in attributes { try self.attribute(name, attribute, value) }
    try check { nc_enddef(id) }
    isDefining = false
    guard let values else { return }
    try TestFile.bytes(values, type).withUnsafeBytes { bytes in
      try check { nc_put_var(id, variable, bytes.baseAddress) }
    }
  }

  func define(_ name: String, _ dimensions: [String], _ chunks: [Int]) throws {
    if !isDefining { try check { nc_redef(id) } }
    isDefining = true
    var variable: Int32 = 0
    let ids = try dimensions.map { name in
      var dimension: Int32 = 0
      try check { nc_inq_dimid(id, name, &dimension) }
      return dimension
    }
    try check { nc_def_var(id, name, NetCDFType.float.rawValue, Int32(ids.count), ids, &variable) }
    try check { nc_def_var_chunking(id, variable, NC_CHUNKED, chunks) }
  }

  func close() throws { try check { nc_close(id) } }

  private func check(_ body: () -> Int32) throws {
    let status = NetCDFLibrary.call(body)
    guard status == NC_NOERR else { throw Failure(status: status) }
  }

  private static func bytes(_ values: [Double], _ type: NetCDFType) -> [UInt8] {
    func encode<T>(_ convert: (Double) -> T) -> [UInt8] { values.map(convert).withUnsafeBytes { Array($0) } }
    switch type {
    case .byte: return encode { Int8($0) }
    case .ubyte, .char: return encode { UInt8($0) }
    case .short: return encode { Int16($0) }
    case .ushort: return encode { UInt16($0) }
    case .int: return encode { Int32($0) }
    case .uint: return encode { UInt32($0) }
    case .int64: return encode { Int64($0) }
    case .uint64: return encode { UInt64($0) }
    case .float: return encode { Float($0) }
    case .double: return encode { $0 }
    case .string: return []
    }
  }
}

extension TestFile {
  static let timeUnits = "seconds since 1970-01-01 00:00:00"

  /// Dimensions y and x with coordinates in metres, 1 km apart, y descending.
  func plane(height: Int, width: Int, origin: Double = 0) throws {
    try dimension("y", height)
    try dimension("x", width)
    try variable(
      "y", .double, ["y"],
      [("standard_name", .text("projection_y_coordinate")), ("units", .text("m")), ("axis", .text("Y"))],
      (0..<height).map { origin - 1000 * Double($0) })
    try variable(
      "x", .double, ["x"],
      [("standard_name", .text("projection_x_coordinate")), ("units", .text("m")), ("axis", .text("X"))],
      (0..<width).map { origin + 1000 * Double($0) })
  }

  func time(_ times: [Double], units: String = TestFile.timeUnits, calendar: String? = nil) throws {
    var attributes: [(String, Value)] = [("standard_name", .text("time")), ("units", .text(units))]
    if let calendar { attributes.append(("calendar", .text(calendar))) }
    try variable("time", .double, ["time"], attributes, times)
  }

  /// A whole file of frames (time, y, x) whose pixels are given row by row.
  @discardableResult
  static func frames(
    _ path: String, times: [Double], height: Int = 2, width: Int = 2, pixels: [Double]? = nil,
    type: NetCDFType = .float, name: String = "rain", attributes: [(String, Value)] = [("units", .text("mm h-1"))],
    timeUnits: String = TestFile.timeUnits, calendar: String? = nil, origin: Double = 0, classic: Bool = false
  ) throws -> String {
    let file = try TestFile(path, classic: classic)
    try file.dimension("time", times.count)
    try file.plane(height: height, width: width, origin: origin)
    try file.time(times, units: timeUnits, calendar: calendar)
    let count = times.count * height * width
    try file.variable(name, type, ["time", "y", "x"], attributes, pixels ?? (0..<count).map { Double($0 % 100) })
    try file.close()
    return path
  }

  /// A whole file of one frame without a dimension of time.
  @discardableResult
  static func single(
    _ path: String, valid: Double, start: Double? = nil, pixels: [Double] = [0, 1, 2, 3],
    attributes: [(String, Value)] = [("units", .text("kg m-2")), ("standard_name", .text("precipitation_amount"))]
  ) throws -> String {
    let file = try TestFile(path)
    try file.plane(height: 2, width: 2)
    try file.variable(
      "valid_time", .int64, [], [("standard_name", .text("time")), ("units", .text(timeUnits + " UTC"))], [valid])
    if let start {
      try file.variable(
        "start_time", .int64, [],
        [("long_name", .text("Start of accumulation period")), ("units", .text(timeUnits + " UTC"))], [start])
    }
    try file.variable("precipitation", .float, ["y", "x"], attributes, pixels)
    try file.close()
    return path
  }
}

/// Reads with default options.
func read(_ paths: String..., options: ReadOptions = ReadOptions()) throws -> RadarReading {
  try RadarReader(options: options).sequences(at: paths)
}

/// The error that reading throws.
func readError(_ paths: String..., options: ReadOptions = ReadOptions()) -> RadarError? {
  #expect(throws: RadarError.self) { try RadarReader(options: options).sequences(at: paths) }
}

/// Whether pixels are equal, missing ones counted as equal to each other.
func same(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}

extension TestFile {
  /// A variable of floats in chunks, with nothing written to it.
  func chunked(_ name: String, _ dimensions: [String], _ chunks: [Int], units: String) throws {
    try define(name, dimensions, chunks)
    try attribute(name, "units", .text(units))
  }
}
