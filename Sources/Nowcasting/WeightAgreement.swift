import RadarIO
import ConvLSTM
import Tensor

extension Communicator {
  /// Checks that all ranks have the same weights.
  ///
  /// They make the same updates, so they do, to the last bit; unless a processor or a library is not what it should be.
  ///
  /// - Throws: ``SharedError`` `internalError` where they differ.
  func requireSame(_ parameters: ParameterSet, step: Int, path: String) throws {
    guard size > 1 else { return }
    var hash = ContentHash()
    parameters.values.withUnsafeBufferPointer { hash.add(UnsafeRawBufferPointer($0)) }
    let hashes = Set(gather([UInt8](hash.text.utf8)))
    try onRoot {
      guard hashes.count > 1 else { return }
      throw NowcastError(
        .internalError,
        "the ranks' weights are no longer the same at step \(step): their processors are not of one kind, or the MPI library "
          + "gives them different sums. The last checkpoint is whole; train on machines of one kind.", path: path)
    }
  }
}
