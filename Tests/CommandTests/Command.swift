import CNetCDF
import Foundation
import Testing

/// The built command, run as a user runs it.
struct Command {
  /// What a run left.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  /// A folder of its own, removed in the end.
  final class Folder {
    let path = NSTemporaryDirectory() + "/nowcast-command-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    static func / (folder: Folder, name: String) -> String { folder.path + "/" + name }
    func contains(_ name: String) -> Bool { FileManager.default.fileExists(atPath: self / name) }
    /// All names below the folder, hidden ones too.
    var everything: [String] { ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted() }
  }

  /// The program beside the test bundle.
  private static let executable: URL = {
    var folder = Bundle.main.executableURL?.deletingLastPathComponent()
    let arguments = CommandLine.arguments.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    let candidates = [folder].compactMap(\.self) + arguments
    folder = candidates.first {
      FileManager.default.isExecutableFile(atPath: $0.appendingPathComponent("nowcast").path)
    }
    guard let folder else { preconditionFailure("the command is not beside the tests: \(candidates)") }
    return folder.appendingPathComponent("nowcast")
  }()

  /// A command that goes on while other things happen.
  final class Running {
    private let process = Process()
    private let outputFile: String

    /// Starts it; what it prints goes to the end of a file.
    init(_ arguments: [String], output: String) throws {
      outputFile = output
      if !FileManager.default.fileExists(atPath: output) { try Data().write(to: URL(fileURLWithPath: output)) }
      guard let handle = FileHandle(forWritingAtPath: output) else { throw CocoaError(.fileNoSuchFile) }
      try handle.seekToEnd()
      process.executableURL = executable
      process.arguments = arguments
      process.standardOutput = handle
      process.standardError = handle
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Everything that was printed so far, by this and by earlier ones.
    var output: String { (try? String(contentsOfFile: outputFile, encoding: .utf8)) ?? "" }

    /// Waits until something holds; false when it does not within a minute, or the command has ended.
    func wait(until holds: (String) -> Bool) -> Bool {
      for _ in 0..<1200 {
        if holds(output) { return true }
        guard process.isRunning else { return holds(output) }
        usleep(50_000)
      }
      return false
    }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Sends a signal and waits for the end.
    ///
    /// - Returns: the exit status, negative for the number of a signal that killed it, and the seconds it took.
    func end(by signal: Int32) -> (status: Int32, seconds: Double) {
      let clock = ContinuousClock()
      let start = clock.now
      send(signal)
      process.waitUntilExit()
      let took = (clock.now - start) / .seconds(1)
      return (process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, took)
    }
  }

  /// Runs the command and waits for its end.
  @discardableResult
  static func run(
    _ arguments: String..., interruptAfter line: String? = nil, signal: Int32 = SIGINT
  ) throws -> Outcome {
    try run(arguments, interruptAfter: line, signal: signal)
  }

  /// Runs the command and waits for its end.
  ///
  /// - Parameters:
  ///   - line: a text on standard error after which the command gets a signal.
  ///   - signal: which one; by default what Ctrl-C sends.
  @discardableResult
  static func run(
    _ arguments: [String], interruptAfter line: String? = nil, signal: Int32 = SIGINT
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    var errorText = Data()
    if let line {
      while !String(decoding: errorText, as: UTF8.self).contains(line) {
        let more = errors.fileHandleForReading.availableData
        if more.isEmpty { break }
        errorText += more
      }
      kill(process.processIdentifier, signal)
    }
    errorText += errors.fileHandleForReading.readDataToEndOfFile()
    let outputText = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Outcome(
      status: status, output: String(decoding: outputText, as: UTF8.self),
      errors: String(decoding: errorText, as: UTF8.self))
  }
}

/// Expects an exit status and a message that is one line, of the program, and says something.
func expect(
  _ outcome: Command.Outcome, status: Int32, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
  for part in parts {
    #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation)
  }
}

/// Runs a command of the system, such as `mount`; whether it ended with 0.
func shell(_ words: String...) -> Bool {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = words
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}

/// A NetCDF file of radar frames, made with the library's own calls.
///
/// - Parameters:
///   - folder: is made if it is not there.
///   - edit: changes what was set up before it is written.
func writeRadarFile(
  _ path: String, in folder: String? = nil, _ edit: (inout RadarFileContent) -> Void = { _ in }
) throws {
  if let folder { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  var content = RadarFileContent()
  edit(&content)
  try content.write(path)
}

/// What a small radar file holds.
struct RadarFileContent {
  struct Failure: Error { let status: Int32 }

  var variables = ["rain"]
  var units: String? = "mm h-1"
  /// Global attributes.
  var attributes: [String: String] = [:]
  var times: [Double] = (0..<8).map { Double($0) * 300 }
  var height = 12
  var width = 16
  /// The rain rate of a frame, row and column.
  var value: (Int, Int, Int) -> Float = { t, y, x in Float((t + y) % 4) + Float(x % 3) / 2 }
  /// What each member of an ensemble has more than ``value``; empty for no dimension of members.
  var members: [Float] = []
  /// Whether the variables have rows and columns.
  var hasGrid = true

  func write(_ path: String) throws {
    func check(_ status: Int32) throws { if status != NC_NOERR { throw Failure(status: status) } }
    var file: Int32 = 0
    try check(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &file))
    defer { nc_close(file) }
    var (t, y, x, time) = (Int32(0), Int32(0), Int32(0), Int32(0))
    try check(nc_def_dim(file, "time", times.count, &t))
    try check(nc_def_dim(file, "y", height, &y))
    try check(nc_def_dim(file, "x", width, &x))
    func attribute(_ variable: Int32, _ name: String, _ text: String) throws {
      try check(nc_put_att_text(file, variable, name, text.utf8.count, text))
    }
    try check(nc_def_var(file, "time", nc_type(NC_DOUBLE), 1, &t, &time))
    try attribute(time, "units", "seconds since 2020-01-01 00:00:00")
    try attribute(time, "standard_name", "time")
    var coordinates: [Int32] = [0, 0]
    for (index, (name, dimension)) in [("y", y), ("x", x)].enumerated() {
      var dimension = dimension
      try check(nc_def_var(file, name, nc_type(NC_DOUBLE), 1, &dimension, &coordinates[index]))
      try attribute(coordinates[index], "units", "m")
      try attribute(coordinates[index], "standard_name", "projection_\(name)_coordinate")
    }
    var ids: [Int32] = []
    var dimensions = hasGrid ? [t, y, x] : [t]
    if !members.isEmpty {
      var m: Int32 = 0
      try check(nc_def_dim(file, "realization", members.count, &m))
      dimensions.insert(m, at: 0)
    }
    for name in variables {
      var id: Int32 = 0
      try check(nc_def_var(file, name, nc_type(NC_FLOAT), Int32(dimensions.count), dimensions, &id))
      if let units { try attribute(id, "units", units) }
      ids.append(id)
    }
    for (name, text) in attributes { try attribute(NC_GLOBAL, name, text) }
    try check(nc_enddef(file))
    try check(nc_put_var_double(file, time, times))
    try check(nc_put_var_double(file, coordinates[0], (0..<height).map { Double($0) * 1000 }))
    try check(nc_put_var_double(file, coordinates[1], (0..<width).map { Double($0) * 1000 }))
    for id in ids {
      var values: [Float] = []
      for more in members.isEmpty ? [0] : members {
        for frame in times.indices {
          if hasGrid {
            for row in 0..<height { for column in 0..<width { values.append(value(frame, row, column) + more) } }
          } else {
            values.append(value(frame, 0, 0))
          }
        }
      }
      try check(nc_put_var_float(file, id, values))
    }
  }
}

/// What a forecast file holds beside the rain, read with the library's own calls.
enum NetCDFContent {
  /// The flags row by row, and the attribute `input_missing`.
  static func validity(_ path: String) throws -> (values: [Int8], missing: String?) {
    func check(_ status: Int32) throws { if status != NC_NOERR { throw RadarFileContent.Failure(status: status) } }
    var (file, variable) = (Int32(0), Int32(0))
    try check(nc_open(path, NC_NOWRITE, &file))
    defer { nc_close(file) }
    try check(nc_inq_varid(file, "validity", &variable))
    var dimensions: [Int32] = [0, 0]
    try check(nc_inq_vardimid(file, variable, &dimensions))
    var count = 1
    for dimension in dimensions {
      var length = 0
      try check(nc_inq_dimlen(file, dimension, &length))
      count *= length
    }
    var values = [Int8](repeating: -1, count: count)
    try check(nc_get_var_schar(file, variable, &values))
    var length = 0
    guard nc_inq_attlen(file, NC_GLOBAL, "input_missing", &length) == NC_NOERR else { return (values, nil) }
    var text = [CChar](repeating: 0, count: length)
    try check(nc_get_att_text(file, NC_GLOBAL, "input_missing", &text))
    return (values, String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self))
  }
}
