import ArgumentParser
import Foundation
import Nowcasting

struct ModelCard: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "card", abstract: "Put a text into a model file: on what data it was trained, its scores, its limits.",
    discussion: "Forecasts are the same. 'nowcast model MODEL' prints the text.")

  @Argument(help: ArgumentHelp("A model file or the folder of a run.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("The text, in Markdown.", valueName: "card.md"))
  var text: String

  @Option(help: ArgumentHelp("The model file that is written.", valueName: "out.safetensors"))
  var output: String

  @OptionGroup var replacing: OverwriteOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    var model = try Model(contentsOf: model)
    let content = FileManager.default.contents(atPath: text).flatMap { String(data: $0, encoding: .utf8) }
    guard let content else { throw NowcastError(.notFound, "this is no text that can be read as UTF-8.", path: text) }
    model.card = content.trimmingCharacters(in: .whitespacesAndNewlines)
    try model.write(to: output, overwrite: replacing.overwrite)
    if !verbosity.quiet { Console.print("a model with its card: \(output)") }
  }
}
