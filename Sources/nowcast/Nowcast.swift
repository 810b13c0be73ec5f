import ArgumentParser

@main
struct Nowcast: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rain forecasts for the next one to two hours from radar frames.")
}
