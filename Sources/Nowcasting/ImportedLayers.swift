import ConvKernels
import ConvLSTM
import Foundation
import Tensor

/// A stack of ConvLSTM layers that another program trained, in nowcast's own order of gates and axes.
///
/// A stack is no encoder–forecaster: it has no forecaster and no head. What becomes of it is the encoder of a network that
/// is trained from there (``InitialWeights``), or a `ConvLSTM`.
public struct ImportedLayers: Sendable {
  /// What wrote the file.
  public enum Origin: String, Sendable, Codable {
    /// The usual PyTorch class: `cell_list.N.conv.weight`, `[4·hidden, in + hidden, kh, kw]`, the input's channels first, and
    /// `cell_list.N.conv.bias`.
    case pytorch
    /// Keras' `ConvLSTM2D`: `kernel` `[kh, kw, in, 4·hidden]`, `recurrent_kernel` `[kh, kw, hidden, 4·hidden]` and `bias`, in
    /// front of each the layer's name.
    case keras
  }

  /// The program.
  public let origin: Origin
  /// The order in which it has the gates.
  public let gates: GateOrder
  /// The layers, the first one first; all have biases, which are zero where the file has none, and no peepholes.
  public let layers: [LayerConfiguration]
  /// The weights, named `layers.L.input.weight` and so on, as those of `ConvLSTM`.
  public let parameters: ParameterSet

  /// Reads the layers of a safetensors file, and nothing else in it.
  ///
  /// - Parameters:
  ///   - gates: the order of the gates; by default the usual one of the program that wrote the file.
  ///   - prefix: what the names of the layers begin with, where the file has several stacks.
  /// - Throws: ``NowcastError`` `notFound` or `unusable` when the file is missing, damaged, or holds no stack.
  public init(contentsOf path: String, gates: GateOrder? = nil, prefix: String? = nil) throws {
    func unusable(_ message: String) -> NowcastError { NowcastError(.unusable, message, path: path) }
    let file = try SafetensorsFile(contentsOf: path) { Self.place(of: $0) != nil && $0.hasPrefix(prefix ?? "") }
    let found = file.tensors.keys.compactMap { name in Self.place(of: name).map { (name, $0) } }
    let stacks = Dictionary(grouping: found) { Stack(origin: $0.1.origin, name: $0.1.stack) }
      .filter { stack, tensors in stack.origin == .pytorch || tensors.contains { $0.1.part == .state } }
    guard let (stack, tensors) = stacks.first else {
      let others = prefix.map { " whose name begins with '\($0)'" } ?? ""
      throw unusable(
        "there is no ConvLSTM in this file\(others): neither 'cell_list.0.conv.weight' of the usual PyTorch class nor "
          + "'recurrent_kernel' of Keras' ConvLSTM2D.")
    }
    guard stacks.count == 1 else {
      let names = stacks.keys.map(\.text).sorted().joined(separator: ", ")
      throw unusable("there are several stacks of layers in this file (\(names)); choose one with --prefix.")
    }
    origin = stack.origin
    self.gates = gates ?? (origin == .pytorch ? .pytorch : .keras)
    // Other layers of Keras have a kernel and a bias, too, but none for a state.
    let byLayer = Dictionary(grouping: tensors) { $0.1.layer }.filter { _, tensors in
      stack.origin == .pytorch || tensors.contains { $0.1.part == .state }
    }
    let names = byLayer.keys.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    var layers: [LayerConfiguration] = []
    var weights: [String: Tensor] = [:]
    for (index, name) in names.enumerated() {
      var parts: [Place.Part: (name: String, tensor: Tensor)] = [:]
      for (tensorName, place) in byLayer[name] ?? [] {
        parts[place.part] = file.tensors[tensorName].map { (tensorName, $0) }
      }
      let layer = try Layer(parts, self.gates, path: path)
      if let below = layers.last, layer.configuration.inputChannels != below.hiddenChannels {
        throw unusable(
          "layer \(index) ('\(name)') reads \(layer.configuration.inputChannels ?? 0) channels, but the one before it makes "
            + "\(below.hiddenChannels): they are no stack. Import one of several with --prefix.")
      }
      layers.append(layer.configuration)
      for (part, tensor) in layer.weights { weights["layers.\(index).\(part)"] = tensor }
    }
    self.layers = layers
    do {
      // All layers have three tensors each, in this order.
      var parameters = try ConvLSTM(layers: layers).parameters
      for entry in parameters.layout.entries { parameters[entry.name] = weights[entry.name] }
      self.parameters = parameters
    } catch { throw unusable("\(error).") }
    guard parameters.values.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) else {
      throw unusable("there are weights that are not finite; the file is damaged.")
    }
  }

  /// The layers as a network of their own.
  public func network(batchFirst: Bool = true, pool: WorkerPool = .standard) throws -> ConvLSTM {
    let network = try ConvLSTM(layers: layers, batchFirst: batchFirst, pool: pool)
    network.parameters = parameters
    return network
  }

  /// The architecture whose encoder they are.
  ///
  /// - Throws: ``NowcastError`` `unusable` where frames of one channel cannot be folded so that the first layer reads them, or a
  ///   kernel is no square.
  public func architecture(path: String) throws -> ModelConfiguration.Architecture {
    let channels = layers[0].inputChannels ?? 0
    let patch = Int(Double(channels).squareRoot().rounded())
    guard patch * patch == channels else {
      throw NowcastError(
        .unusable,
        "the first layer reads \(channels) channels, but frames have one, of which a patch of p makes p·p: 1, 4, 9, 16 and "
          + "so on.", path: path)
    }
    let kernels = layers.map(\.inputKernel)
    guard kernels.allSatisfy({ $0.height == $0.width }) else {
      throw NowcastError(.unusable, "a kernel is no square; an encoder's kernels must be.", path: path)
    }
    return ModelConfiguration.Architecture(
      patch: patch, hidden: layers.map(\.hiddenChannels), inputKernel: kernels.map(\.height),
      stateKernel: layers.map(\.stateKernel.height), peephole: false)
  }

  /// The key of the text that describes a file of imported layers.
  static let metadataKey = "nowcast-layers"

  /// What that text says.
  struct Description: Codable {
    let architecture: ModelConfiguration.Architecture
    let origin: Origin
    let gates: String
  }

  /// The layers as those of an encoder, under the names of the model file. It is no model yet.
  ///
  /// - Throws: ``NowcastError`` `unusable`, as ``architecture(path:)``.
  public func file(path: String) throws -> SafetensorsFile {
    let description = Description(architecture: try architecture(path: path), origin: origin, gates: gates.description)
    var tensors: [String: Tensor] = [:]
    for entry in parameters.layout.entries { tensors["encoder." + entry.name] = parameters[entry.name] }
    let text = String(decoding: try JSONText.encode(description, pretty: false), as: UTF8.self)
    return SafetensorsFile(tensors: tensors, metadata: [Self.metadataKey: text])
  }
}

// Names

extension ImportedLayers {
  /// One stack of a file.
  private struct Stack: Hashable {
    let origin: Origin
    let name: String

    var text: String { origin == .pytorch ? "'\(name)cell_list'" : "'\(name)' of Keras" }
  }

  /// What a tensor's name says.
  private struct Place {
    /// A tensor of a layer.
    enum Part {
      /// PyTorch: the weights of input and state in one.
      case joined
      case input
      case state
      case bias
    }

    let origin: Origin
    let stack: String
    let layer: String
    let part: Part
  }

  /// `nil` for a tensor that belongs to no such layer by its name.
  private static func place(of name: String) -> Place? {
    if let match = name.wholeMatch(of: /(.*)cell_list\.([0-9]+)\.conv\.(weight|bias)/) {
      return Place(
        origin: .pytorch, stack: String(match.1), layer: String(match.2), part: match.3 == "weight" ? .joined : .bias)
    }
    guard let match = name.wholeMatch(of: /(.*?)[\/.]?(kernel|recurrent_kernel|bias)(:0)?/) else { return nil }
    return Place(
      origin: .keras, stack: "", layer: String(match.1),
      part: match.2 == "kernel" ? .input : match.2 == "bias" ? .bias : .state)
  }

  /// One layer's tensors in nowcast's order.
  private struct Layer {
    let configuration: LayerConfiguration
    let weights: [String: Tensor]

    init(_ parts: [Place.Part: (name: String, tensor: Tensor)], _ gates: GateOrder, path: String) throws {
      func unusable(_ message: String) -> NowcastError { NowcastError(.unusable, message, path: path) }
      let isJoined = parts[.state] == nil
      guard let state = parts[.state] ?? parts[.joined], let input = parts[.input] ?? parts[.joined] else {
        throw unusable("the weights of the layer of '\(parts.first?.value.name ?? "")' are not whole.")
      }
      // [out, in, kh, kw], or Keras' [kh, kw, in, out].
      let axes = isJoined ? (out: 0, input: 1, height: 2, width: 3) : (out: 3, input: 2, height: 0, width: 1)
      for (name, tensor) in [state, input] where tensor.rank != 4 || tensor.shape[axes.out] % 4 != 0 {
        throw unusable("the tensor '\(name)' has shape \(tensor.shape), which is not that of a ConvLSTM's weights.")
      }
      let shape = state.tensor.shape
      let hidden = shape[axes.out] / 4
      let channels = isJoined ? shape[1] - hidden : input.tensor.shape[axes.input]
      let kernel = KernelSize(shape[axes.height], shape[axes.width])
      let expected = isJoined ? channels + hidden : hidden
      guard hidden > 0, channels > 0, shape[axes.input] == expected, input.tensor.shape[axes.out] == 4 * hidden else {
        throw unusable(
          "the tensor '\(state.name)' has shape \(shape), which is not that of a ConvLSTM's weights.")
      }
      if let (name, bias) = parts[.bias], bias.shape != [4 * hidden] {
        throw unusable("the tensor '\(name)' has shape \(bias.shape); \([4 * hidden]) is needed.")
      }
      configuration = LayerConfiguration(
        inputChannels: channels, hiddenChannels: hidden,
        inputKernel: KernelSize(input.tensor.shape[axes.height], input.tensor.shape[axes.width]), stateKernel: kernel,
        peephole: false)

      /// `[4·hidden, in, kh, kw]` of some of a tensor's input channels.
      func reordered(_ tensor: Tensor, channels: Range<Int>) -> Tensor {
        let (elements, strides) = (tensor.elements, Self.strides(tensor.shape))
        let (height, width) = (tensor.shape[axes.height], tensor.shape[axes.width])
        var values: [Float] = []
        values.reserveCapacity(4 * hidden * channels.count * height * width)
        for gate in gates.positions {
          for row in 0..<hidden {
            for channel in channels {
              for y in 0..<height {
                for x in 0..<width {
                  values.append(
                    elements[
                      (gate * hidden + row) * strides[axes.out] + channel * strides[axes.input]
                        + y * strides[axes.height] + x * strides[axes.width]])
                }
              }
            }
          }
        }
        return Tensor(shape: [4 * hidden, channels.count, height, width], values)
      }
      let biases = gates.positions.flatMap { gate in
        (0..<hidden).map { parts[.bias]?.tensor[gate * hidden + $0] ?? 0 }
      }
      weights = [
        "input.weight": reordered(input.tensor, channels: 0..<channels),
        "state.weight": reordered(state.tensor, channels: isJoined ? channels..<channels + hidden : 0..<hidden),
        "bias": Tensor(shape: [4 * hidden], biases),
      ]
    }

    private static func strides(_ shape: [Int]) -> [Int] {
      var strides = [Int](repeating: 1, count: shape.count)
      for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
      return strides
    }
  }
}
