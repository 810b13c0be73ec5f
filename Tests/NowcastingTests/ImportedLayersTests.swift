import ConvLSTM
import Foundation
import Tensor
import Testing

@testable import Nowcasting

/// Layers of other programs, from files that these wrote (`Scripts/make-import-fixtures.py`).
@Suite struct ImportedLayersTests: TrainsSmallRuns {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Fixtures/import/\(name).safetensors").standardized
      .path
  }

  private func write(_ tensors: [String: Tensor]) throws -> String {
    try SafetensorsFile(tensors: tensors).write(to: folder / "layers.safetensors", overwrite: true)
    return folder / "layers.safetensors"
  }

  private func message(_ path: String, _ gates: GateOrder? = nil, prefix: String? = nil) -> String {
    do {
      _ = try ImportedLayers(contentsOf: path, gates: gates, prefix: prefix)
      return "nothing was refused"
    } catch { return "\(error)" }
  }

  /// What they compute is what the other program computed.
  @Test(arguments: ["pytorch-ifog", "pytorch-ifgo", "keras"]) func outputsAgree(name: String) throws {
    let expected = try SafetensorsFile(contentsOf: Self.fixture("expected"))
    let gates = name == "pytorch-ifgo" ? GateOrder("ifgo") : nil
    let imported = try ImportedLayers(contentsOf: Self.fixture(name), gates: gates)
    #expect(imported.origin == (name == "keras" ? .keras : .pytorch))
    #expect(imported.layers.map(\.hiddenChannels) == [5, 3] && imported.layers.map(\.stateKernel) == [3, 5])
    let output = try imported.network()(try #require(expected.tensors["x"])).outputs[0]
    let reference = try #require(expected.tensors[name + ".output"])
    #expect(output.shape == reference.shape)
    let worst = zip(output.elements, reference.elements).map { abs($0 - $1) }.max() ?? .nan
    print("\(name): largest difference \(worst)")
    #expect(worst < 1e-5)
    // Another order of the gates is another function.
    if name == "pytorch-ifgo" {
      let wrong = try ImportedLayers(contentsOf: Self.fixture(name)).network()(try #require(expected.tensors["x"]))
      #expect(zip(wrong.outputs[0].elements, reference.elements).contains { abs($0 - $1) > 1e-3 })
    }
  }

  @Test func gateOrders() {
    #expect(GateOrder("ifco") == .keras && GateOrder("IFOG") == .pytorch)
    #expect(GateOrder("gofi")?.positions == [3, 2, 1, 0])
    for word in ["", "ifo", "iffo", "ifogc", "ifox"] { #expect(GateOrder(word) == nil, "\(word)") }
  }

  /// A run that begins with them keeps them where it has them, and draws the rest.
  @Test func aRunBeginsWithThem() throws {
    let imported = try ImportedLayers(contentsOf: Self.fixture("keras"))
    let path = folder / "encoder.safetensors"
    try imported.file(path: path).write(to: path, overwrite: false)
    let initial = try InitialWeights(contentsOf: path)
    let architecture = try #require(initial.architecture)
    #expect(architecture.patch == 2 && architecture.hidden == [5, 3] && architecture.inputKernel == [3, 5])
    #expect(!architecture.peephole)
    #expect(message { _ = try Model(contentsOf: path) }.contains("train --init"))

    let options = try TrainingOptions(file: nil, commandLine: TrainingConfiguration(), initial: initial)
    #expect(options.architecture == architecture)
    let network = try architecture.network()
    let drawn = EncoderForecaster(network, seed: 7).parameters
    var parameters = drawn
    let note = try initial.apply(to: &parameters)
    #expect(note.contains("6 of 13 tensors") && note.contains("drawn by --seed: forecaster.layers.0.state.weight"))
    for entry in network.parameterLayout.entries {
      let expected =
        entry.name.hasPrefix("encoder.") ? imported.parameters[String(entry.name.dropFirst(8))] : drawn[entry.name]
      #expect(parameters[entry.name] == expected, "\(entry.name)")
    }
    // What does not fit is named, with what would fit.
    var other = ParameterSet(try ModelConfiguration.Architecture(hidden: [5, 4]).network().parameterLayout)
    let refusal = message { _ = try initial.apply(to: &other) }
    #expect(
      refusal.contains("needs") && refusal.contains("--hidden 5,3 --input-kernel 3,5") && refusal.contains("--patch 2"))
    var one = ParameterSet(try ModelConfiguration.Architecture(hidden: [5]).network().parameterLayout)
    #expect(message { _ = try initial.apply(to: &one) }.contains("no place"))
  }

  /// A run that begins with the weights of another one's model scores as that one did.
  @Test func fineTuning() throws {
    try train("first", options)
    var again = options
    (again.epochs, again.learningRate) = (1, 1e-12)
    let data = try TrainingData([Self.rain], options: again)
    let initial = try InitialWeights(contentsOf: folder / "first")
    let trainer = try Trainer(
      data, options: again, folder: RunFolder(folder / "second"), resume: false, overwrite: false, initial: initial,
      pool: .standard)
    #expect(
      trainer.notes.contains { $0.contains("begins with 17 of 17 tensors") && $0.hasSuffix("first/model.safetensors") })
    let result = try trainer.run()
    let first = try #require(try Model(contentsOf: folder / "first").configuration.validation?.loss)
    #expect(abs(try #require(result.validation?.loss) - first) < 1e-6 * first)
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was refused"
    } catch { return "\(error)" }
  }

  @Test func whatIsNoStackIsRefused() throws {
    func weight(_ hidden: Int, _ input: Int, _ kernel: Int = 3) -> Tensor {
      Tensor(shape: [4 * hidden, input + hidden, kernel, kernel], repeating: 0.1)
    }
    let cell = "cell_list.0.conv."
    #expect(message(try write(["head.weight": Tensor(shape: [2])])).contains("there is no ConvLSTM in this file"))
    #expect(message(try write([cell + "bias": Tensor(shape: [8])])).contains("not whole"))
    #expect(message(try write([cell + "weight": Tensor(shape: [6, 4, 3, 3])])).contains("[6, 4, 3, 3]"))
    #expect(message(try write([cell + "weight": Tensor(shape: [8, 2, 3, 3])])).contains("[8, 2, 3, 3]"))
    #expect(message(try write([cell + "weight": weight(2, 1, 4)])).contains("4×4"))
    #expect(message(try write([cell + "weight": Tensor(shape: [8], repeating: 1)])).contains("not that of a ConvLSTM"))
    #expect(
      message(try write([cell + "weight": weight(2, 1), cell + "bias": Tensor(shape: [9])])).contains("[8] is needed"))
    #expect(
      message(try write([cell + "weight": Tensor(shape: [8, 3, 3, 3], repeating: .nan)])).contains("not finite"))
    #expect(
      message(try write([cell + "weight": weight(2, 1), "cell_list.1.conv.weight": weight(2, 3)]))
        .contains("reads 3 channels, but the one before it makes 2"))
    let two = ["a.cell_list.0.conv.weight": weight(2, 1), "b.cell_list.0.conv.weight": weight(2, 4)]
    #expect(message(try write(two)).contains("'a.cell_list', 'b.cell_list'"))
    #expect(message(try write(two), prefix: "c.").contains("begins with 'c.'"))
    #expect(try ImportedLayers(contentsOf: write(two), prefix: "b.").layers[0].inputChannels == 4)
    let odd = try ImportedLayers(contentsOf: write([cell + "weight": weight(2, 3)]))
    #expect(message { _ = try odd.architecture(path: "x") }.contains("reads 3 channels"))
    #expect(message(folder / "none.safetensors").contains("cannot be opened"))
    #expect(
      message { _ = try InitialWeights(contentsOf: try write(["weight": Tensor(shape: [1])])) }.contains("model import")
    )
    #expect(
      message { _ = try InitialWeights(contentsOf: try write(["head.bias": Tensor(shape: [1], repeating: .infinity)])) }
        .contains("not finite"))
  }

  /// Kernels of one layer in the order of Keras, with ten layers: by number and not by letter.
  @Test func layersByNumber() throws {
    var tensors: [String: Tensor] = [:]
    for index in 0..<11 {
      let name = "conv_lstm2d" + (index == 0 ? "" : "_\(index)")
      tensors[name + "/kernel"] = Tensor(shape: [3, 3, index + 1, 4 * (index + 2)])
      tensors[name + "/recurrent_kernel"] = Tensor(shape: [1, 1, index + 2, 4 * (index + 2)])
    }
    let imported = try ImportedLayers(contentsOf: write(tensors))
    #expect(imported.layers.map(\.hiddenChannels) == Array(2...12))
    #expect(imported.layers[0].inputKernel == 3 && imported.layers[0].stateKernel == 1)
  }
}
