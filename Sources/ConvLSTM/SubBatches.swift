/// How a batch is divided into parts that are computed one after the other in the same memory.
///
/// The sizes follow from those of the batch alone, not from the number of threads.
enum SubBatches {
  /// Folded pixels that training works on together: enough work for every thread in each run of the pool. More take
  /// memory, and with it time, for nothing.
  static let trainingPixels = 8192
  /// Pixels that a forward pass without recording works on together: so few states that they stay in the last cache, and
  /// enough work between two runs of the pool. Measured: an eighth takes 10 % more time, eightfold 5 %.
  static let forwardPixels = 32_768

  /// The numbers of samples, as even as can be, the larger ones first.
  ///
  /// - Parameters:
  ///   - pixels: the folded pixels of one sample.
  ///   - together: the number of pixels to be worked on together, about.
  static func sizes(batch: Int, pixels: Double, together: Int) -> [Int] {
    precondition(batch > 0 && pixels > 0, "an empty batch")
    let samples = max(1, Int((Double(together) / pixels).rounded()))
    let count = (batch + samples - 1) / samples
    return (0..<count).map { (batch + count - 1 - $0) / count }
  }
}
