import Foundation
import RadarIO

/// A model and the file it came from, which its hash tells from every other.
public struct IdentifiedModel: Sendable {
  /// The model.
  public let model: Model
  /// The file.
  public let file: FileIdentity
  /// How the file looked when it was read.
  let signature: FileSignature?

  init(model: Model, file: FileIdentity, signature: FileSignature?) {
    (self.model, self.file, self.signature) = (model, file, signature)
  }

  /// Reads a model from a `.safetensors` file or a run folder, or takes the ``StarterModel``.
  ///
  /// - Throws: ``NowcastError`` `notFound` or `unusable`, as ``Model/init(contentsOf:)``; also when somebody goes on writing
  ///   the file.
  public init(contentsOf path: String) throws {
    if StarterModel.isMeant(by: path) {
      self.init(model: try Model(contentsOf: path), file: try FileIdentity(path: path), signature: nil)
      return
    }
    let path = Model.file(at: path)
    for _ in 0..<3 {
      let before = FileSignature(path: path)
      let model = try Model(contentsOf: path)
      let file = try FileIdentity(path: path)
      if let before, FileSignature(path: path) == before {
        self.init(model: model, file: file, signature: before)
        return
      }
    }
    throw NowcastError(.unusable, "the file changes while it is read; let its writer finish.", path: path)
  }
}

/// A file by its path and its content.
public struct FileIdentity: Sendable, Equatable {
  /// As the user named it, or its folder.
  public let path: String
  /// SHA-256 of its bytes, as 64 hexadecimal digits.
  public let sha256: String

  /// Names a file whose hash is known.
  public init(path: String, sha256: String) { (self.path, self.sha256) = (path, sha256) }

  /// Looks at a file.
  ///
  /// - Throws: ``NowcastError`` `notFound` when it cannot be read.
  public init(path: String) throws {
    let isStarter = StarterModel.isMeant(by: path)
    self.init(path: path, sha256: try isStarter ? SHA256.text(of: StarterModel.bytes) : SHA256.text(ofFile: path))
  }
}
