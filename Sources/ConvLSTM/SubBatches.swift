/// How a batch is divided into parts that are computed one after the other in the same memory.
///
/// The sizes follow from those of the batch alone, not from the number of threads.
enum SubBatches {
  /// Folded pixels that are worked on together, about: enough work for every thread in each run of the pool. More take
  /// memory, and with it time, for nothing.
  static let pixels = 4096

  /// The numbers of samples, as even as can be, the larger ones first.
  ///
  /// - Parameter pixels: the folded pixels of one sample.
  static func sizes(batch: Int, pixels: Double) -> [Int] {
    precondition(batch > 0 && pixels > 0, "an empty batch")
    let samples = max(1, Int((Double(Self.pixels) / pixels).rounded()))
    let count = (batch + samples - 1) / samples
    return (0..<count).map { (batch + count - 1 - $0) / count }
  }
}
