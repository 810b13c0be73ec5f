/// What the processor can do at most: independent fused multiply-adds on registers, in floating-point operations.
///
/// Runs `rounds` rounds and returns the operations done; the caller takes the time. One thread.
public func fmaLimitOperations(rounds: Int, _ sink: inout Float) -> Int {
  var a = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  let (x, y) = (Lanes(repeating: sink), Lanes(repeating: 0.999))
  for _ in 0..<rounds {
    a.0.addProduct(x, y)
    a.1.addProduct(x, y)
    a.2.addProduct(x, y)
    a.3.addProduct(x, y)
    a.4.addProduct(x, y)
    a.5.addProduct(x, y)
  }
  sink = (a.0 + a.1 + a.2 + a.3 + a.4 + a.5).sum()
  return rounds * 6 * 16 * 2
}
