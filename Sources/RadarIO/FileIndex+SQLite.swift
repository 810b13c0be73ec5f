import Foundation

/// An index as a file of SQLite: any program reads it, and rows have names.
///
/// NetCDF would do for the numbers, but rows of texts and bytes of any length are what a database is for. The file is always
/// written as a whole and then given its name, never changed in its place: so a reader sees the old one or the new one, two
/// writers leave that of one of them, and no journal can be left beside it. To write a hundred thousand rows takes less
/// time than to look at their files. A checksum over all that is kept tells damage that SQLite would not see.
extension FileIndex {
  /// Why there is no index to be had from a file that is there.
  enum Failure: Error, Equatable {
    case damaged
    /// Made by a version of this program that kept something else.
    case otherVersion
    /// Not an index at all.
    case foreign
    case unreadable(String)
  }

  /// "NCIX": whose file it is.
  private static let applicationID = 0x4E43_4958
  private static let version = 1
  private static let tables = [
    "CREATE TABLE checksum (value TEXT NOT NULL)",
    "CREATE TABLE base (id INTEGER PRIMARY KEY, is_netcdf INTEGER NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, "
      + "changed INTEGER NOT NULL, base INTEGER NOT NULL, patch BLOB NOT NULL)",
    "CREATE TABLE options (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE understood (options INTEGER NOT NULL, file INTEGER NOT NULL, kind INTEGER NOT NULL, "
      + "times BLOB NOT NULL)",
  ]

  /// Reads an index.
  ///
  /// - Returns: `nil` when there is no such file.
  /// - Throws: ``Failure``.
  init?(contentsOf path: String) throws {
    guard let data = try FileIndex.bytes(of: path) else { return nil }
    try self.init(data: data)
  }

  init(data: Data) throws {
    let head = [UInt8](data.prefix(72))
    func number(at place: Int) -> Int { head[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    // See "The Database Header" of SQLite's file format.
    guard head.count == 72, head.starts(with: Array("SQLite format 3\0".utf8)),
      number(at: 68) == FileIndex.applicationID
    else { throw Failure.foreign }
    guard number(at: 60) == FileIndex.version else { throw Failure.otherVersion }
    do {
      self = try data.withUnsafeBytes { try FileIndex(SQLiteDatabase(bytes: $0)) }
    } catch is SQLiteDatabase.Damaged {
      throw Failure.damaged
    }
  }

  private init(_ database: SQLiteDatabase) throws {
    // Nothing is asked of tables that are not those written here: a view may be anything.
    var tables: [String] = []
    let schema = try database.statement("SELECT sql FROM sqlite_schema ORDER BY rowid")
    while try schema.next() { tables.append(try schema.text(0)) }
    guard tables == FileIndex.tables else { throw SQLiteDatabase.Damaged() }
    self.init()
    var hash = ContentHash()
    let baseRows = try database.statement("SELECT is_netcdf, bytes FROM base ORDER BY id")
    while try baseRows.next() {
      bases.append(Base(isNetCDF: try baseRows.integer(0) != 0, bytes: try baseRows.bytes(1)))
      hash.add(bases[bases.count - 1])
    }
    var paths: [String] = []
    let rows = try database.statement("SELECT path, size, modified, changed, base, patch FROM file ORDER BY id")
    while try rows.next() {
      let path = try rows.text(0)
      let stamp = Stamp(size: try rows.integer(1), modified: try rows.integer(2), changed: try rows.integer(3))
      let file = File(
        stamp: stamp, description: Description(base: try rows.integer(4), patch: try rows.bytes(5)))
      hash.add(path, file)
      paths.append(path)
      files[path] = file
    }
    var keys: [String] = []
    let optionRows = try database.statement("SELECT text FROM options ORDER BY id")
    while try optionRows.next() {
      keys.append(try optionRows.text(0))
      hash.add(keys[keys.count - 1])
    }
    var last = -1
    var ofLast: [String: Understanding] = [:]
    let understoodRows = try database.statement("SELECT options, file, kind, times FROM understood ORDER BY rowid")
    while try understoodRows.next() {
      let (options, file) = (try understoodRows.integer(0), try understoodRows.integer(1))
      let known = Understanding(kind: try understoodRows.integer(2), times: try understoodRows.bytes(3))
      hash.add(options, file, known)
      guard keys.indices.contains(options), paths.indices.contains(file) else { throw SQLiteDatabase.Damaged() }
      if options != last {
        if last >= 0 { understood[keys[last]] = ofLast }
        (last, ofLast) = (options, understood[keys[options]] ?? [:])
      }
      ofLast[paths[file]] = known
    }
    if last >= 0 { understood[keys[last]] = ofLast }
    let checksum = try database.statement("SELECT value FROM checksum")
    guard try checksum.next(), try checksum.text(0) == hash.text else { throw SQLiteDatabase.Damaged() }
  }

  /// Writes an index as a whole.
  ///
  /// - Throws: ``RadarError`` `cannotCreate` or `writeFailed`.
  func write(to path: String) throws {
    do {
      try database().withBytes { try AtomicOutput.write($0, to: path, overwrite: true) }
    } catch is SQLiteDatabase.Damaged {
      throw RadarError(.internalError, "SQLite cannot make the index.", path: path)
    }
  }

  private func database() throws -> SQLiteDatabase {
    let database = try SQLiteDatabase()
    try database.execute(
      "PRAGMA application_id = \(FileIndex.applicationID); PRAGMA user_version = \(FileIndex.version)")
    for table in FileIndex.tables { try database.execute(table) }
    try database.execute("BEGIN")
    var hash = ContentHash()
    let sorted = files.sorted { $0.key < $1.key }
    // Descriptions that no file is like any more go.
    var place: [Int: Int] = [:]
    let addBase = try database.statement("INSERT INTO base VALUES (?, ?, ?)")
    for (_, file) in sorted where place[file.description.base] == nil {
      let base = bases[file.description.base]
      try addBase.run(.integer(place.count), .integer(base.isNetCDF ? 1 : 0), .bytes(base.bytes))
      hash.add(base)
      place[file.description.base] = place.count
    }
    let addFile = try database.statement("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)")
    var number: [String: Int] = [:]
    for (id, (path, file)) in sorted.enumerated() {
      var file = file
      file.description.base = place[file.description.base] ?? 0
      try addFile.run(
        .integer(id), .text(path), .integer(file.stamp.size), .integer(file.stamp.modified),
        .integer(file.stamp.changed), .integer(file.description.base), .bytes(file.description.patch))
      hash.add(path, file)
      number[path] = id
    }
    let keys = understood.filter { !$0.value.isEmpty }.keys.sorted()
    let addOptions = try database.statement("INSERT INTO options VALUES (?, ?)")
    for (id, key) in keys.enumerated() {
      try addOptions.run(.integer(id), .text(key))
      hash.add(key)
    }
    let addUnderstood = try database.statement("INSERT INTO understood VALUES (?, ?, ?, ?)")
    for (id, key) in keys.enumerated() {
      for (path, _) in sorted {
        guard let known = understood[key]?[path], let file = number[path] else { continue }
        try addUnderstood.run(.integer(id), .integer(file), .integer(known.kind), .bytes(known.times))
        hash.add(id, file, known)
      }
    }
    try database.statement("INSERT INTO checksum VALUES (?)").run(.text(hash.text))
    try database.execute("COMMIT")
    return database
  }

  private static func bytes(of path: String) throws -> Data? {
    // One that is written anew at this moment is another file: what is open stays whole.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Failure.unreadable(String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw Failure.foreign }
    var data = Data(count: Int(status.st_size))
    let count = data.count
    let isWhole = data.withUnsafeMutableBytes { bytes -> Bool in
      var done = 0
      while done < count {
        let got = read(descriptor, bytes.baseAddress! + done, min(count - done, 1 << 30))
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else { return false }
        done += got
      }
      return true
    }
    guard isWhole else { throw Failure.unreadable(String(cString: strerror(errno))) }
    return data
  }
}

extension ContentHash {
  fileprivate mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { add($0) } }

  fileprivate mutating func add(_ base: FileIndex.Base) {
    add(base.isNetCDF ? 1 : 0)
    add(base.bytes)
  }

  fileprivate mutating func add(_ path: String, _ file: FileIndex.File) {
    add(path)
    for number in [file.stamp.size, file.stamp.modified, file.stamp.changed, file.description.base] {
      add(UInt64(bitPattern: Int64(number)))
    }
    add(file.description.patch)
  }

  fileprivate mutating func add(_ options: Int, _ file: Int, _ known: FileIndex.Understanding) {
    for number in [options, file, known.kind] { add(UInt64(bitPattern: Int64(number))) }
    add(known.times)
  }
}
