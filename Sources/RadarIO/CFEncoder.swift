import CNetCDF
import Foundation

/// A NetCDF-4 file being made in memory.
///
/// The HDF5 library takes a full disk badly: it leaves broken files open and fails once more at exit. So it never sees the
/// disk; the finished bytes do, through ``AtomicOutput``.
final class CFEncoder {
  private var id: Int32 = 0
  private var isOpen = false
  private var dimensions: [String: (id: Int32, length: Int)] = [:]
  private let path: String

  /// Begins a file; `path` is only named in errors.
  init(path: String) throws {
    self.path = path
    // The name of a file in memory is of no consequence, and of no length that a path may have.
    try check { nc_create_mem("memory.nc", NC_NETCDF4, 1 << 20, &id) }
    isOpen = true
    // Every value is written, so the library need not fill chunks first.
    try check { nc_set_fill(id, NC_NOFILL, nil) }
  }

  deinit { if isOpen { _ = NetCDFLibrary.call { nc_abort(id) } } }

  /// The dimension of that name, made if it is not there yet.
  func dimension(_ name: String, _ length: Int) throws -> Int32 {
    if let known = dimensions[name] {
      guard known.length == length else {
        throw RadarError(
          .unusable, "the dimension '\(name)' of the input has two lengths, \(known.length) and \(length).", path: path)
      }
      return known.id
    }
    var made: Int32 = 0
    try check { nc_def_dim(id, name, length, &made) }
    dimensions[name] = (made, length)
    return made
  }

  /// Defines a variable.
  func variable(_ name: String, _ type: NetCDFType, _ dimensions: [Int32], _ attributes: [CFAttribute]) throws -> Int32
  {
    var made: Int32 = 0
    try check { nc_def_var(id, name, type.rawValue, Int32(dimensions.count), dimensions, &made) }
    for attribute in attributes { try put(attribute, on: made) }
    return made
  }

  /// Cuts a variable into chunks and deflates them.
  func deflate(_ variable: Int32, chunks: [Int], level: Int32) throws {
    try check { nc_def_var_chunking(id, variable, NC_CHUNKED, chunks) }
    if level > 0 { try check { nc_def_var_deflate(id, variable, 1, 1, level) } }
  }

  /// Writes an attribute; `nil` is the file itself.
  func put(_ attribute: CFAttribute, on variable: Int32? = nil) throws {
    let variable = variable ?? NC_GLOBAL
    guard attribute.type == .string else {
      try check {
        attribute.bytes.withUnsafeBytes {
          nc_put_att(id, variable, attribute.name, attribute.type.rawValue, attribute.count, $0.baseAddress)
        }
      }
      return
    }
    var pointers = attribute.strings.map { UnsafePointer(strdup($0)) }
    defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
    try check { nc_put_att_string(id, variable, attribute.name, pointers.count, &pointers) }
  }

  /// Ends the definitions; values may follow.
  func endDefinitions() throws { try check { nc_enddef(id) } }

  /// Writes all values of a variable.
  func put(_ bytes: UnsafeRawBufferPointer, in variable: Int32) throws {
    try check { nc_put_var(id, variable, bytes.baseAddress) }
  }

  /// Writes one step of a variable of three dimensions.
  func put(_ pixels: UnsafeBufferPointer<Float>, in variable: Int32, step: Int, height: Int, width: Int) throws {
    try check { nc_put_vara_float(id, variable, [step, 0, 0], [1, height, width], pixels.baseAddress) }
  }

  /// Writes a part of a variable: from `starts` on, `counts` values along each dimension, in the variable's own type.
  func put(_ bytes: UnsafeRawBufferPointer, in variable: Int32, starts: [Int], counts: [Int]) throws {
    try check { nc_put_vara(id, variable, starts, counts, bytes.baseAddress) }
  }

  /// Ends the file and hands its bytes to `body`.
  func finish<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    var memory = NC_memio()
    isOpen = false
    try check { nc_close_memio(id, &memory) }
    defer { free(memory.memory) }
    return try body(UnsafeRawBufferPointer(start: memory.memory, count: memory.size))
  }

  private func check(_ body: () -> Int32) throws {
    let status = NetCDFLibrary.call(body)
    guard status != NC_NOERR else { return }
    throw RadarError(
      .writeFailed, "it could not be put together (\(NetCDFLibrary.words(for: status))). Nothing was written.",
      path: path)
  }
}
