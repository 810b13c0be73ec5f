import ArgumentParser
import Foundation
import Nowcasting

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Tell what is inside a model file, or import layers of other programs.",
    usage: """
      nowcast model <model>
      nowcast model starter
      nowcast model import <file.safetensors> --output <out.safetensors>
      nowcast model card <model> --text <card.md> --output <out.safetensors>
      """,
    subcommands: [ModelShow.self, ModelImport.self, ModelCard.self], defaultSubcommand: ModelShow.self)
}

struct ModelShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Tell what is inside a model file (also without the word 'show').")

  @Argument(
    help: ArgumentHelp(
      "A model file, the folder of a run, or 'starter' for the model that comes with the program.", valueName: "model"))
  var model: String

  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let path = model
    let model = try Model(contentsOf: path)
    let configuration = model.configuration
    let architecture = configuration.architecture
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ", ") }
    let loss = configuration.loss.rawValue + (configuration.huberDelta.map { " with delta \($0)" } ?? "")
    var lines = [
      "architecture   ConvLSTM encoder-forecaster, hidden channels \(list(architecture.hidden)), patch \(architecture.patch)",
      "kernels        input \(list(architecture.inputKernel)); state \(list(architecture.stateKernel)); peepholes "
        + "\(architecture.peephole ? "yes" : "no"); forecaster order \(architecture.forecasterOrder.rawValue)",
    ]
    let scales = architecture.scales
    if !scales.isEmpty {
      lines.append(
        "scales         strides \(list(scales.stride)); down kernels \(list(scales.downKernel)), channels "
          + "\(list(scales.downChannels)); up kernels \(list(scales.upKernel)), channels \(list(scales.upChannels)); "
          + "output kernel \(scales.outputKernel)")
    }
    lines += [
      "frames         \(configuration.inputFrames) in, \(configuration.leadFrames) out, "
        + "step \(configuration.timeStepText(durationText))",
      "grid spacing   \(configuration.gridSpacingText { String(format: "%.0f m", $0) } ?? "not known")",
      "normalisation  \(configuration.normalisation.text)",
      "coordinates    \(configuration.coordinates.rawValue)"
        + (configuration.guidance == .none ? "" : ", guidance \(configuration.guidance.rawValue)"),
      "training       \(configuration.stepsTrained) steps, loss \(loss), seed \(configuration.seed), "
        + "nowcast \(configuration.version)",
    ]
    if let validation = configuration.validation {
      lines.append("validation     " + validation.text(configuration.loss))
    }
    // A model file by itself has no history.
    if Model.file(at: path) != path {
      do {
        let course = Self.course(try RunFolder(path).records(), modelStep: configuration.stepsTrained)
        if let course { lines.append(course) }
      } catch {
        verbosity.logger.warning("\(error)")
      }
    }
    lines.append("weights        \(model.parameters.layout.count)")
    for entry in model.parameters.layout.entries {
      let name = entry.name.padding(toLength: 44, withPad: " ", startingAt: 0)
      lines.append("  \(name)\(entry.shape)")
    }
    if let card = model.card { lines.insert(contentsOf: [card, ""], at: 0) }
    Console.print(lines.joined(separator: "\n"))
  }

  /// How far a run came, and of which epoch its model is.
  private static func course(_ records: [TrainingRecord], modelStep: Int) -> String? {
    guard let last = records.last else { return nil }
    func losses(_ record: TrainingRecord) -> String {
      String(format: "loss %.5f", record.trainLoss)
        + (record.validationLoss.map { String(format: ", validation %.5f", $0) } ?? "")
    }
    let length = "\(last.epoch) \(last.epoch == 1 ? "epoch" : "epochs"), \(last.step) steps, at the end \(losses(last))"
    let best = records.last { $0.step == modelStep }.map { "; best in epoch \($0.epoch): \(losses($0))" }
    return "run            " + length + (best ?? "")
  }
}
