import RadarIO

/// An error that all ranks of a job know of, so that none waits for another one. One of them tells it.
public struct SharedError: Error {
  /// What went wrong. Of another rank than 0 it says which.
  public let error: NowcastError
}

extension Communicator {
  /// Does something that may fail on some ranks and not on others; where it fails on one, it has failed on all.
  ///
  /// - Throws: ``SharedError`` with the error of the lowest rank that had one; a process that works alone throws the error
  ///   as it is.
  public func agree<T>(_ body: () throws -> T) throws -> T {
    guard size > 1 else { return try body() }
    let result: Result<T, NowcastError>
    do {
      result = .success(try body())
    } catch let error as SharedError {
      throw error  // All know it.
    } catch {
      result = .failure(NowcastError(any: error))
    }
    guard any((try? result.get()) == nil) else { return try result.get() }
    var text: [UInt8] = []
    if case .failure(let error) = result { text = [UInt8](withErrorCode(error).utf8) }
    let texts = gather(text)
    // Codes and sentences travel as text: the lowest rank's goes to all.
    let first = texts.firstIndex { !$0.isEmpty }
    let told = broadcast(first.map { [UInt8]("\($0) ".utf8) + texts[$0] } ?? [])
    throw SharedError(error: Self.error(String(decoding: told, as: UTF8.self)))
  }

  /// Does something on rank 0 alone, such as writing a file; where it fails, it has failed on all.
  ///
  /// - Throws: as ``agree(_:)``.
  func onRoot(_ body: () throws -> Void) throws { try agree { if isRoot { try body() } } }

  /// An error that all ranks have come upon by the same numbers, as it is to be thrown.
  func shared(_ error: NowcastError) -> any Error { size > 1 ? SharedError(error: error) : error }

  private func withErrorCode(_ error: NowcastError) -> String { "\(error.code.rawValue) \(error.description)" }

  /// - Parameter text: rank, exit status and sentence, with spaces between them.
  private static func error(_ text: String) -> NowcastError {
    let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let code = Int32(parts[1]).flatMap(NowcastError.Code.init) else {
      return NowcastError(.internalError, "a rank failed without a word.")
    }
    // What happened on rank 0 is told as if there were no others, and so is the user's wish to stop.
    let isPlain = parts[0] == "0" || code == .interrupted
    return NowcastError(code, (isPlain ? "" : "rank \(parts[0]): ") + parts[2])
  }
}

extension NowcastError {
  /// Any error as one with an exit status.
  public init(any error: any Error) {
    switch error {
    case let error as NowcastError: self = error
    case let error as SharedError: self = error.error
    case let error as RadarError: self.init(Code(error.code), error.description)
    default: self.init(.internalError, "an internal error: \(error)")
    }
  }
}

extension NowcastError.Code {
  fileprivate init(_ code: RadarError.Code) {
    self =
      switch code {
      case .notFound: .notFound
      case .unusable: .unusable
      case .cannotCreate: .cannotCreate
      case .writeFailed: .writeFailed
      case .internalError: .internalError
      }
  }
}
