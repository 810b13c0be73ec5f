import CSQLite
import Foundation

/// An SQLite database in memory that is read from bytes, or made and turned into bytes.
///
/// It never has a file open: a journal that a killed writer leaves, locks of network file systems and a file that changes
/// while it is read are no concern then. Files appear whole through ``AtomicOutput``.
final class SQLiteDatabase {
  /// The bytes are no such database, or a damaged one.
  struct Damaged: Error {}

  private var connection: OpaquePointer?

  /// An empty database.
  init() throws {
    guard sqlite3_open_v2(":memory:", &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK else {
      sqlite3_close_v2(connection)
      throw RadarError(.internalError, "SQLite cannot make a database in memory.")
    }
  }

  /// A database that is only read.
  ///
  /// - Throws: ``Damaged``.
  convenience init(bytes: UnsafeRawBufferPointer) throws {
    try self.init()
    guard bytes.count > 0, let copy = sqlite3_malloc64(UInt64(bytes.count)) else { throw Damaged() }
    copy.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    let flags = UInt32(SQLITE_DESERIALIZE_FREEONCLOSE) | UInt32(SQLITE_DESERIALIZE_READONLY)
    guard
      sqlite3_deserialize(
        connection, "main", copy.assumingMemoryBound(to: UInt8.self), Int64(bytes.count), Int64(bytes.count), flags)
        == SQLITE_OK
    else { throw Damaged() }
  }

  deinit { sqlite3_close_v2(connection) }

  /// Does something that gives no rows.
  func execute(_ sql: String) throws {
    guard sqlite3_exec(connection, sql, nil, nil, nil) == SQLITE_OK else { throw Damaged() }
  }

  /// A statement, to be used once or many times.
  func statement(_ sql: String) throws -> SQLiteStatement {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement else { throw Damaged() }
    return SQLiteStatement(statement)
  }

  /// Hands the database as the bytes of a file to `body`.
  func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    var count: Int64 = 0
    guard let bytes = sqlite3_serialize(connection, "main", &count, 0) else {
      throw RadarError(.internalError, "SQLite has not enough memory for the index.")
    }
    defer { sqlite3_free(bytes) }
    return try body(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
  }
}

/// A prepared statement; its columns are those of the row it stands at.
final class SQLiteStatement {
  private let handle: OpaquePointer

  fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

  deinit { sqlite3_finalize(handle) }

  /// Goes to the next row; false behind the last.
  func next() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: true
    case SQLITE_DONE: false
    default: throw SQLiteDatabase.Damaged()
    }
  }

  /// Runs the statement with these values.
  func run(_ values: Value...) throws {
    sqlite3_reset(handle)
    // SQLite copies what it is given (SQLITE_TRANSIENT).
    let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (index, value) in values.enumerated() {
      let place = Int32(index + 1)
      let status =
        switch value {
        case .integer(let number): sqlite3_bind_int64(handle, place, Int64(number))
        case .text(let text): sqlite3_bind_text(handle, place, text, Int32(text.utf8.count), copies)
        case .bytes(let bytes):
          bytes.isEmpty
            ? sqlite3_bind_zeroblob(handle, place, 0)
            : bytes.withUnsafeBytes { sqlite3_bind_blob64(handle, place, $0.baseAddress, UInt64($0.count), copies) }
        }
      guard status == SQLITE_OK else { throw SQLiteDatabase.Damaged() }
    }
    guard try !next() else { throw SQLiteDatabase.Damaged() }
  }

  enum Value {
    case integer(Int)
    case text(String)
    case bytes([UInt8])
  }

  func integer(_ column: Int32) throws -> Int {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { throw SQLiteDatabase.Damaged() }
    return Int(sqlite3_column_int64(handle, column))
  }

  func text(_ column: Int32) throws -> String {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT, let text = sqlite3_column_text(handle, column) else {
      throw SQLiteDatabase.Damaged()
    }
    return String(
      decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
  }

  func bytes(_ column: Int32) throws -> [UInt8] {
    guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw SQLiteDatabase.Damaged() }
    return Array(
      UnsafeRawBufferPointer(
        start: sqlite3_column_blob(handle, column), count: Int(sqlite3_column_bytes(handle, column))))
  }
}
