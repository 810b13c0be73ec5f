import CNetCDF
import CRadarShim
import Foundation

/// The door to libnetcdf, for writing. (What others wrote is read in a process of its own, see ``ReadingProcess``.)
///
/// libnetcdf and the HDF5 beneath it keep unguarded global state, so every call in the process goes through one lock,
/// whatever file it is for.
enum NetCDFLibrary {
  private static let lock = NSLock()
  /// The process that reads is a copy of this one. It is to be made before libhdf5 has anything open here. Should that
  /// fail, it is said when something is to be read.
  private static let readingProcess: Void = { try? ReadingProcess.shared.start() }()

  /// Calls into libnetcdf while no other thread does.
  static func call<R>(_ body: () -> R) -> R {
    readingProcess
    lock.lock()
    defer { lock.unlock() }
    radar_silence_hdf5()
    return body()
  }

  /// libnetcdf's own words for a status.
  static func words(for status: Int32) -> String {
    if status > 0 { return String(cString: strerror(status)) }
    let text = String(cString: nc_strerror(status))
    return text.hasPrefix("NetCDF: ") ? String(text.dropFirst("NetCDF: ".count)) : text
  }
}

/// A type of external data.
enum NetCDFType: Int32, Sendable {
  case byte = 1
  case char, short, int, float, double, ubyte, ushort, uint, int64, uint64, string

  /// The bytes of one value in memory.
  var size: Int {
    switch self {
    case .byte, .char, .ubyte: 1
    case .short, .ushort: 2
    case .int, .uint, .float: 4
    case .double, .int64, .uint64: 8
    case .string: MemoryLayout<UnsafeMutablePointer<CChar>?>.size
    }
  }

  /// Whether values are numbers (text is not).
  var isNumeric: Bool { self != .char && self != .string }

  /// Whether values are whole numbers.
  var isInteger: Bool { isNumeric && self != .float && self != .double }

  /// The type of the same size that reads the same bits without a sign.
  var unsigned: NetCDFType {
    switch self {
    case .byte: .ubyte
    case .short: .ushort
    case .int: .uint
    case .int64: .uint64
    default: self
    }
  }

  /// The type of the same size that reads the same bits with a sign.
  var signed: NetCDFType {
    switch self {
    case .ubyte: .byte
    case .ushort: .short
    case .uint: .int
    case .uint64: .int64
    default: self
    }
  }
}
