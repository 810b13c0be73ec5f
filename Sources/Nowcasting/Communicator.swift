import ConvKernels

/// The processes that train or score together, each with memory of its own: the ranks from 0 to below ``size``.
///
/// Every rank makes the same calls in the same order, and a call ends when all ranks have made it. Whatever is decided
/// from numbers that went through it is decided alike everywhere. One thread makes the calls.
public protocol Communicator: AnyObject {
  /// The number of this process. Rank 0 writes the files and talks to people.
  var rank: Int { get }
  /// The number of processes.
  var size: Int { get }
  /// How many of them are on this machine, this one included.
  var sizeOnMachine: Int { get }
  /// The cores that are this process's own, where several on this machine may use the same ones.
  var coreCount: Int { get }

  /// Begins to add up floats over all ranks, in place. Other sums may be begun meanwhile.
  ///
  /// The memory must be left alone until ``finishSums()``.
  func beginSum(_ values: UnsafeMutableBufferPointer<Float>)

  /// Waits until all sums that were begun are there, the same on all ranks.
  func finishSums()

  /// Adds up numbers over all ranks, in place.
  func sum(_ values: inout [Double])

  /// Gives every rank the bytes of rank 0.
  func broadcast(_ bytes: [UInt8]) -> [UInt8]

  /// Gives rank 0 the bytes of all ranks, in their order; the others get nothing.
  func gather(_ bytes: [UInt8]) -> [[UInt8]]

  /// Says farewell, when all work is done on all ranks.
  func end()

  /// Ends all ranks at once with an exit status: this one cannot go on, and the others would wait for it.
  func abort(status: Int32)
}

/// A process that works alone.
public final class SingleProcess: Communicator {
  /// Makes one.
  public init() {}

  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var size: Int { 1 }
  /// 1.
  public var sizeOnMachine: Int { 1 }
  /// All that the process may use.
  public var coreCount: Int { WorkerPool.coreCount }
  /// The sum of one's own is there already.
  public func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {}
  /// Waits for nobody.
  public func finishSums() {}
  /// The sum of one's own is there already.
  public func sum(_ values: inout [Double]) {}
  /// The same bytes.
  public func broadcast(_ bytes: [UInt8]) -> [UInt8] { bytes }
  /// One's own bytes.
  public func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
  /// Nobody waits.
  public func end() {}
  /// There is nobody else to end.
  public func abort(status: Int32) {}
}

extension Communicator {
  /// Whether this is the rank that writes.
  public var isRoot: Bool { rank == 0 }

  /// The sum of a number over all ranks.
  func sum(_ value: Double) -> Double {
    var values = [value]
    sum(&values)
    return values[0]
  }

  /// Whether it is so on any rank.
  func any(_ condition: Bool) -> Bool { size > 1 ? sum(condition ? 1 : 0) > 0 : condition }

  /// Rank 0's number.
  func fromRoot(_ value: Double) -> Double { size > 1 ? sum(isRoot ? value : 0) : value }
}
