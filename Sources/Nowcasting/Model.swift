import ConvKernels
import ConvLSTM
import Foundation
import Tensor

/// A model as it lies in a file: its description and its weights.
public struct Model: Sendable {
  /// The description.
  public var configuration: ModelConfiguration
  /// The weights.
  public var parameters: ParameterSet
  /// What people should know of it, in Markdown: its data, its scores, its limits.
  public var card: String?

  /// The metadata key of ``card``.
  private static let cardKey = "nowcast_card"

  /// Couples the two.
  public init(configuration: ModelConfiguration, parameters: ParameterSet) {
    self.configuration = configuration
    self.parameters = parameters
  }

  /// The file name of the model in a run folder.
  public static let fileName = "model.safetensors"

  /// The model file that a path means: the path itself, or the model in a run folder.
  public static func file(at path: String) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return path }
    return (path as NSString).appendingPathComponent(fileName)
  }

  /// Reads a model from a `.safetensors` file or a run folder, or takes the ``StarterModel``.
  ///
  /// - Throws: ``NowcastError`` `notFound` or `unusable` when it is missing, damaged, or no model of nowcast.
  public init(contentsOf path: String) throws {
    if StarterModel.isMeant(by: path) {
      try self.init(SafetensorsFile(bytes: StarterModel.bytes, path: path), path: path)
      return
    }
    let path = Model.file(at: path)
    try self.init(SafetensorsFile(contentsOf: path), path: path)
  }

  /// Reads a model from the content of a file; `path` is only named in errors.
  init(_ file: SafetensorsFile, path: String) throws {
    guard let text = file.metadata["nowcast"] else {
      guard file.metadata[ImportedLayers.metadataKey] == nil else {
        throw NowcastError(
          .unusable,
          "these are imported layers, an encoder without a forecaster, and no model yet; train one from them with "
            + "'nowcast train --init'.", path: path)
      }
      throw NowcastError(
        .unusable,
        "this safetensors file has no description under the metadata key 'nowcast', so it is no model of nowcast.",
        path: path)
    }
    do {
      configuration = try JSONText.decode(ModelConfiguration.self, from: text)
    } catch let error as NowcastError {
      throw NowcastError(error.code, error.message, path: path)
    } catch {
      throw NowcastError(
        .unusable, "the model's description cannot be understood (\(Model.reason(error))).", path: path)
    }
    try configuration.validate(path: path)
    let layout: ParameterLayout
    do {
      layout = try configuration.network().parameterLayout
    } catch {
      throw NowcastError(.unusable, "the model's architecture makes no network: \(error).", path: path)
    }
    // All is checked before memory is taken: a description may promise more than any machine has.
    let tensors = try layout.entries.map { entry in
      guard let tensor = file.tensors[entry.name] else {
        throw NowcastError(.unusable, "the tensor '\(entry.name)' is missing, so the model is not whole.", path: path)
      }
      guard tensor.shape == entry.shape else {
        throw NowcastError(
          .unusable,
          "the tensor '\(entry.name)' has shape \(tensor.shape), but the model's description means \(entry.shape).",
          path: path)
      }
      guard tensor.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) else {
        throw NowcastError(
          .unusable, "the tensor '\(entry.name)' holds numbers that are not finite; the model is damaged.", path: path)
      }
      return tensor
    }
    parameters = ParameterSet(layout)
    for (entry, tensor) in zip(layout.entries, tensors) { parameters[entry.name] = tensor }
    card = file.metadata[Self.cardKey]
  }

  private static func reason(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "the key '\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "the value of '\(context.codingPath.map(\.stringValue).joined(separator: "."))' is of another type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      "the value of '\(context.codingPath.map(\.stringValue).joined(separator: "."))' is none that this version knows"
    default: "it is not the JSON text it should be"
    }
  }

  /// The content of the model's file.
  func file() throws -> SafetensorsFile {
    var tensors: [String: Tensor] = [:]
    for entry in parameters.layout.entries { tensors[entry.name] = parameters[entry.name] }
    let text = String(decoding: try JSONText.encode(configuration, pretty: false), as: UTF8.self)
    var metadata = ["nowcast": text]
    metadata[Self.cardKey] = card
    return SafetensorsFile(tensors: tensors, metadata: metadata)
  }

  /// Writes the model's file, whole or not at all.
  ///
  /// - Throws: `RadarError` `cannotCreate` or `writeFailed`.
  public func write(to path: String, overwrite: Bool) throws { try file().write(to: path, overwrite: overwrite) }

  /// The network, ready to forecast.
  public func network(pool: WorkerPool) throws -> EncoderForecaster {
    EncoderForecaster(try configuration.network(), parameters: parameters, pool: pool)
  }
}
