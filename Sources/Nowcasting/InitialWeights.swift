import ConvLSTM
import Foundation
import Tensor

/// What a training run begins with, unless it is given ``InitialWeights``.
public enum Beginning: String, Sendable, Codable, CaseIterable {
  /// Weights drawn by the seed.
  case none
  /// The ``StarterModel``: what it has learned from other radars is a better beginning than nothing.
  case starter
}

/// Weights that a training run begins with in place of random ones: all of a network's, or some.
public struct InitialWeights: Sendable {
  /// The file.
  public let path: String
  /// The architecture that the file describes; `nil` where it has weights alone.
  let architecture: ModelConfiguration.Architecture?
  /// The model that the file is; `nil` where it is none.
  private let model: ModelConfiguration?
  private let tensors: [String: Tensor]

  /// Reads a model, a run folder, the ``StarterModel``, imported layers, or any safetensors file whose tensors have the names of the model file.
  ///
  /// - Throws: ``NowcastError`` `notFound` or `unusable` when it is missing, damaged, or has none of those names.
  public init(contentsOf path: String) throws {
    guard !StarterModel.isMeant(by: path) else {
      self = try Self.starter()
      return
    }
    let path = Model.file(at: path)
    try self.init(SafetensorsFile(contentsOf: path, where: Self.isOfNetwork), path: path)
  }

  /// Those of the ``StarterModel``, whatever lies in the folder under its name.
  static func starter() throws -> InitialWeights {
    let name = StarterModel.name
    return try InitialWeights(SafetensorsFile(bytes: StarterModel.bytes, path: name), path: name)
  }

  private init(_ file: SafetensorsFile, path: String) throws {
    guard !file.tensors.isEmpty else {
      throw NowcastError(
        .unusable,
        "no tensor in this file has a name of a network of nowcast, such as 'encoder.layers.0.input.weight'; "
          + "'nowcast model import' reads those of other programs.", path: path)
    }
    for (name, tensor) in file.tensors where !tensor.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) {
      throw NowcastError(.unusable, "the tensor '\(name)' holds numbers that are not finite.", path: path)
    }
    self.path = path
    tensors = file.tensors
    model = try file.metadata["nowcast"].map { _ in try Model(file, path: path).configuration }
    if let model {
      architecture = model.architecture
    } else if let text = file.metadata[ImportedLayers.metadataKey] {
      guard let description = try? JSONText.decode(ImportedLayers.Description.self, from: text) else {
        throw NowcastError(.unusable, "the description of the imported layers cannot be understood.", path: path)
      }
      architecture = description.architecture
    } else {
      architecture = nil
    }
  }

  /// A checkpoint has more than the network's weights.
  private static func isOfNetwork(_ name: String) -> Bool {
    ["encoder.", "forecaster.", "head."].contains { name.hasPrefix($0) }
  }

  /// Whether a run has the network of the model that they are from, sees what that sees and is trained for the same.
  func fit(_ options: TrainingOptions) -> Bool {
    var same = options
    setDefaults(of: &same)
    return same == options
  }

  /// Makes the network that the weights are from, and for a model what it sees and what it was trained for, the default.
  func setDefaults(of options: inout TrainingOptions) {
    if let architecture { options.architecture = architecture }
    guard let model else { return }
    (options.coordinates, options.guidance, options.loss) = (model.coordinates, model.guidance, model.loss)
    (options.inputFrames, options.normalisation) = (model.inputFrames, model.normalisation)
    if let delta = model.huberDelta { options.huberDelta = delta }
  }

  /// Puts the weights in the place of others.
  ///
  /// - Returns: a sentence about what was taken.
  /// - Throws: ``NowcastError`` `unusable` where one of them has no place in the network, or has another shape there.
  func apply(to parameters: inout ParameterSet) throws -> String {
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard let entry = parameters.layout.entry(name) else {
        throw NowcastError(
          .unusable, "the tensor '\(name)' has no place in the network to be trained; \(remedy).", path: path)
      }
      guard entry.shape == tensor.shape else {
        throw NowcastError(
          .unusable,
          "the tensor '\(name)' has shape \(tensor.shape), but the network to be trained needs \(entry.shape); \(remedy).",
          path: path)
      }
      parameters[name] = tensor
    }
    let drawn = parameters.layout.entries.map(\.name).filter { tensors[$0] == nil }
    let rest = drawn.isEmpty ? "" : "; the others are drawn by --seed: \(drawn.joined(separator: ", "))"
    return "begins with \(tensors.count) of \(parameters.layout.entries.count) tensors from \(path)\(rest)"
  }

  private var remedy: String {
    guard let architecture else {
      return "give the options of the network that it is from (--hidden, --kernel, --patch)"
    }
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ",") }
    return "it is from one with --hidden \(list(architecture.hidden)) --input-kernel \(list(architecture.inputKernel)) "
      + "--state-kernel \(list(architecture.stateKernel)) --patch \(architecture.patch) "
      + (architecture.peephole ? "--peephole" : "--no-peephole")
  }
}
