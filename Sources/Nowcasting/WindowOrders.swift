import Foundation
import Tensor

/// The orders in which passes over all windows go through them.
///
/// Each follows from the source of its pass alone. To draw it takes as long as there are windows, so it is kept while its
/// pass lasts.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class WindowOrders: @unchecked Sendable {
  /// A pass over all windows.
  private struct Pass: Equatable {
    var epoch: Int
    var number: Int
  }

  /// Beside the present pass the next one, which batches are made of ahead, or the last one.
  static let kept = 2

  private let lock = NSLock()
  private var orders: [(pass: Pass, order: [UInt32])] = []

  /// The window at a place in a pass over `count` windows.
  ///
  /// - Parameter source: the random numbers of that pass, from their beginning.
  func window(_ place: Int, epoch: Int, pass number: Int, count: Int, source: () -> RandomSource) -> Int {
    let pass = Pass(epoch: epoch, number: number)
    return lock.withLock {
      if let known = orders.first(where: { $0.pass == pass && $0.order.count == count }) {
        return Int(known.order[place])
      }
      var order = (0..<count).map(UInt32.init)
      var random = source()
      order.shuffle(using: &random)
      if orders.count == WindowOrders.kept { orders.removeFirst() }
      orders.append((pass, order))
      return Int(order[place])
    }
  }
}
