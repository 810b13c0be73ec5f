import Foundation
import RadarIO

/// What a forecast was made of, as its file says in global attributes: with it the same bytes can be made again.
///
/// | attribute | what |
/// |---|---|
/// | `input_files` | the files of the input frames in the order of time, one on a line, as they were named |
/// | `input_sha256` | their hashes, with blanks between them |
/// | `model_file`, `model_sha256` | the model's file; absent for methods without one |
/// | `nowcast_settings` | ``ForecastSettings`` as JSON |
public struct ForecastRecipe: Sendable, Equatable {
  /// The files of the input frames, in the order of time.
  public var inputs: [FileIdentity]
  /// The model's file.
  public var model: FileIdentity?
  /// The options.
  public var settings: ForecastSettings

  init(inputs: [FileIdentity], model: FileIdentity?, settings: ForecastSettings) {
    (self.inputs, self.model, self.settings) = (inputs, model, settings)
  }

  private enum Name {
    static let (inputs, inputHashes) = ("input_files", "input_sha256")
    static let (model, modelHash) = ("model_file", "model_sha256")
    static let settings = "nowcast_settings"
  }

  /// The global attributes; none for frames that came from no file.
  var attributes: [(name: String, value: String)] {
    get throws {
      guard !inputs.isEmpty else { return [] }
      var list = [
        (Name.inputs, inputs.map(\.path).joined(separator: "\n")),
        (Name.inputHashes, inputs.map(\.sha256).joined(separator: " ")),
      ]
      if let model { list += [(Name.model, model.path), (Name.modelHash, model.sha256)] }
      list.append((Name.settings, String(decoding: try JSONText.encode(settings, pretty: false), as: UTF8.self)))
      return list
    }
  }

  /// Reads what a forecast file says.
  ///
  /// - Throws: ``NowcastError`` `unusable` when it does not say what it was made of.
  public init(_ attributes: FileAttributes) throws {
    func incomplete(_ name: String) -> NowcastError {
      NowcastError(
        .unusable,
        "the file does not say what it was made of (attribute '\(name)'): it is no forecast of nowcast, or one of an "
          + "earlier version.", path: attributes.path)
    }
    func text(_ name: String) throws -> String {
      guard let text = attributes[name] else { throw incomplete(name) }
      return text
    }
    let paths = try text(Name.inputs).split(separator: "\n").map(String.init)
    let hashes = try text(Name.inputHashes).split(separator: " ").map(String.init)
    guard paths.count == hashes.count, !paths.isEmpty else { throw incomplete(Name.inputHashes) }
    inputs = zip(paths, hashes).map { FileIdentity(path: $0, sha256: $1) }
    do {
      settings = try JSONText.decode(ForecastSettings.self, from: try text(Name.settings))
    } catch is DecodingError {
      throw incomplete(Name.settings)
    }
    if settings.method == .convlstm {
      model = FileIdentity(path: try text(Name.model), sha256: try text(Name.modelHash))
    }
  }
}
