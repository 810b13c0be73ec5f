import ArgumentParser
import Foundation
import Nowcasting

struct ModelImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import ConvLSTM layers that PyTorch or Keras trained.",
    discussion: """
      Reads a safetensors file with the layers of the usual PyTorch class (cell_list.N.conv.weight) or of Keras' ConvLSTM2D \
      (kernel, recurrent_kernel, bias), with sigmoid gates and 'same' padding, and writes them as the layers of an encoder. \
      That is no model yet: 'nowcast train --init OUT' trains one that begins with them.
      """)

  @Argument(help: ArgumentHelp("The file with the layers.", valueName: "file.safetensors"))
  var file: String

  @Option(help: ArgumentHelp("The file that is written.", valueName: "out.safetensors"))
  var output: String

  @Option(help: "The order of the gates. (default: ifog for PyTorch, ifgo for Keras)")
  var gates: GateOrder?

  @Option(help: "What the names of the layers begin with, where the file has several stacks of them.")
  var prefix: String?

  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let imported = try ImportedLayers(contentsOf: file, gates: gates, prefix: prefix)
    let architecture = try imported.architecture(path: file)
    try imported.file(path: file).write(to: output, overwrite: replacing.overwrite)
    guard !verbosity.quiet else { return }
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ", ") }
    let count = imported.layers.count == 1 ? "1 layer" : "\(imported.layers.count) layers"
    Console.print(
      """
      \(count) of \(imported.origin == .pytorch ? "PyTorch" : "Keras"), gates \(imported.gates): hidden channels \
      \(list(architecture.hidden)), kernels \(list(architecture.stateKernel)), patch \(architecture.patch): \(output)
      They are an encoder and no model yet; 'nowcast train --init \(output)' trains one that begins with them.
      """)
  }
}

extension GateOrder: ExpressibleByArgument {
  /// Reads an order such as `ifgo`.
  public init?(argument: String) { self.init(argument) }
}
