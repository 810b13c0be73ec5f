// What is done to every number alike.

/// Replaces `16·count` numbers by their logistic function.
func f32Logistic(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
  let row = lanes(values)
  for x in 0..<count { row[x] = VectorMath.logistic(row[x]) }
}

/// Replaces p = σ(z) by the gradient with respect to z, `gradient·p·(1 − p)`.
func f32LogisticBackward(_ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ count: Int) {
  let (row, dp) = (lanes(values), lanes(gradient))
  for x in 0..<count { row[x] = dp[x] * row[x] * (Lanes(repeating: 1) - row[x]) }
}

/// Adds the sum of `count` pixels to sixteen sums. Rows are summed in double precision: there are many of them.
func f32ChannelSums(_ row: UnsafePointer<Float>, _ count: Int, _ sums: UnsafeMutablePointer<Double>) {
  let pixels = lanes(row)
  var sum = Lanes.zero
  for x in 0..<count { sum += pixels[x] }
  addToDoubles(sum, sums)
}

/// Adds to sums in double precision. Lane by lane, since a conversion between vector types would be a specialised generic
/// function of the standard library: a symbol that AVX2 and AVX-512 code would share.
@inline(__always)
func addToDoubles(_ sum: Lanes, _ sums: UnsafeMutablePointer<Double>) {
  for lane in 0..<16 { sums[lane] += Double(sum[lane]) }
}
