import Foundation

extension Communicator {
  /// Gives rank 0 the values of all ranks, in their order; the others have their own.
  func gathered<T: Codable>(_ value: T) throws -> [T] {
    guard size > 1 else { return [value] }
    let texts = gather([UInt8](try JSONText.encode(value, pretty: false)))
    return isRoot ? try texts.map { try JSONText.decode(T.self, from: String(decoding: $0, as: UTF8.self)) } : [value]
  }

  /// As ``gathered(_:)``, of evaluations without pages and notes. Their sums are exact, in this form too.
  func gathered(_ evaluation: Evaluation) throws -> [Evaluation] {
    guard size > 1 else { return [evaluation] }
    let texts = gather([UInt8](try ReportDocument.text(of: evaluation)))
    // Its own it has.
    return isRoot
      ? [evaluation] + (try texts.dropFirst().map { try ReportDocument.evaluation(Data($0), path: "rank") })
      : [evaluation]
  }
}
