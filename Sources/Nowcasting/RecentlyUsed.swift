import Foundation

/// Values that were made once and may be asked for again; the latest ones are kept, up to a number of bytes.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
  private let limit: Double
  private let bytes: @Sendable (Value) -> Double
  private let lock = NSLock()
  private var kept: [Key: (value: Value, use: Int)] = [:]
  private var keptBytes = 0.0
  private var uses = 0

  /// - Parameters:
  ///   - limit: the most bytes that are kept.
  ///   - bytes: what a value takes.
  init(limit: Double, bytes: @escaping @Sendable (Value) -> Double) { (self.limit, self.bytes) = (limit, bytes) }

  /// The value of a key, made where it is not there. Two threads may make it at once; both are the same.
  func value(_ key: Key, make: () throws -> Value) rethrows -> Value {
    let known = lock.withLock { () -> Value? in
      uses += 1
      kept[key]?.use = uses
      return kept[key]?.value
    }
    if let known { return known }
    let value = try make()
    lock.withLock { keep(key, value) }
    return value
  }

  private func keep(_ key: Key, _ value: Value) {
    guard kept.updateValue((value, uses), forKey: key) == nil else { return }
    keptBytes += bytes(value)
    guard keptBytes > limit else { return }
    // The older half at once: to look for the oldest one each time would be slow with thousands of small ones.
    let oldest = kept.values.map(\.use).sorted()[kept.count / 2]
    kept = kept.filter { $0.value.use >= oldest }
    keptBytes = kept.values.reduce(0) { $0 + bytes($1.value) }
  }
}

/// A frame of one of several sequences.
struct FramePlace: Hashable, Sendable {
  var sequence: Int
  var frame: Int
}
