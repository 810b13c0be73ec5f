import ArgumentParser
import CCPUInfo
import Foundation
import Nowcasting
import RadarIO

/// The command `nowcast` and its subcommands.
struct Nowcast: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nowcast",
    abstract: "Forecasts rain for the next one to two hours from radar frames.",
    discussion: """
      Train a ConvLSTM on radar frames (NetCDF, ODIM_H5, KNMI HDF5), forecast with it, and score the forecasts:

        nowcast train   --data radar/ --output run
        nowcast predict --frames latest/*.nc --model run --output forecast.nc
        nowcast eval    --data other-days/ --model run --output report

      'nowcast inspect PATH' tells what is understood of your files.
      """,
    version: nowcastVersion,
    subcommands: [
      Train.self, Predict.self, Eval.self, Compare.self, Watch.self, Replay.self, Plot.self, Products.self,
      Catchments.self, Inspect.self, Index.self, Simulate.self, ModelCommand.self, Convert.self,
    ])
}

@main
enum Main {
  static func main() {
    guard cpu_info_runs_kernels() else {
      Console.complain("this processor lacks AVX2 and FMA, which nowcast's arithmetic is built on.")
      exit(70)
    }
    // A reader that closes its end early (`nowcast inspect … | head`) is no reason to die from a signal.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try Nowcast.parseAsRoot()
      try command.run()
      Job.end()
    } catch {
      // Help, version and wrong usage have their own statuses; anything else nobody thought of.
      let isOurs = error is NowcastError || error is RadarError || error is SharedError
      guard isOurs || Nowcast.exitCode(for: error) == .failure else { Nowcast.exit(withError: error) }
      exit(Job.fail(error))
    }
  }
}
