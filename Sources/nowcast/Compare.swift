import ArgumentParser
import Nowcasting

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Set two reports side by side: who is better where.",
    discussion: """
      Compares the methods that two reports of 'nowcast eval' are about, on the start times that both have. A method is \
      called better only where the 95 % interval of the difference says so.
      """)

  @Argument(help: ArgumentHelp("The folder of a report.", valueName: "report"))
  var first: String

  @Argument(help: ArgumentHelp("The folder of another one.", valueName: "report"))
  var second: String

  @Option(help: "The method to take of both. (default: the model or the forecast that each report is about)")
  var method: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let comparison = try ScoreComparison(first, second, method: method, pool: threads.pool)
    Console.print(comparison.text)
  }
}
