/// What the processor can do at most: independent fused multiply-adds on registers, in floating-point operations.
///
/// Runs `rounds` rounds and returns the operations done; the caller takes the time. Twelve sums hide the latency of one
/// multiply-add whatever the width of a register; on AVX2 that is twenty-four registers, so six sums must do.
func fmaLimitOperations(rounds: Int, _ sink: inout Float) -> Int {
  let (x, y) = (Lanes(repeating: sink), Lanes(repeating: 0.999))
  var a = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
  #if WIDE_REGISTERS
    var b = a
  #endif
  for _ in 0..<rounds {
    a.0.addProduct(x, y)
    a.1.addProduct(x, y)
    a.2.addProduct(x, y)
    a.3.addProduct(x, y)
    a.4.addProduct(x, y)
    a.5.addProduct(x, y)
    #if WIDE_REGISTERS
      b.0.addProduct(x, y)
      b.1.addProduct(x, y)
      b.2.addProduct(x, y)
      b.3.addProduct(x, y)
      b.4.addProduct(x, y)
      b.5.addProduct(x, y)
    #endif
  }
  var sum = a.0 + a.1 + a.2 + a.3 + a.4 + a.5
  var count = rounds * 6 * 16 * 2
  #if WIDE_REGISTERS
    sum += b.0 + b.1 + b.2 + b.3 + b.4 + b.5
    count *= 2
  #endif
  sink = sum.sum()
  return count
}
