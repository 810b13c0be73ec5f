import Foundation
import Nowcasting

/// Where training stands, for people.
struct TrainingText {
  private let progress: TrainingProgress

  init(_ progress: TrainingProgress) { self.progress = progress }

  private var epoch: String { "epoch \(progress.epoch)/\(progress.epochs)" }
  private var left: String? { progress.secondsLeft.map { durationText($0) + " left" } }

  private func numbers(validation: String) -> [String] {
    [
      String(format: "loss %.5f (mean %.5f)", progress.loss, progress.smoothedLoss),
      progress.validationLoss.map { String(format: "\(validation) %.5f", $0) },
      String(format: progress.windowsPerSecond < 1 ? "%.3f windows/s" : "%.1f windows/s", progress.windowsPerSecond),
      String(format: "%.0f GFLOP/s", progress.gigaflopsPerSecond),
      progress.waitingShare.map { String(format: "waiting %.1f %%", 100 * $0) },
      bytesText(progress.peakBytes),
    ].compactMap(\.self)
  }

  /// One line, for a log.
  var line: String {
    let step = "step \(progress.stepInEpoch)/\(progress.stepsPerEpoch)"
    return ([epoch, step] + numbers(validation: "validation") + (left.map { [$0] } ?? [])).joined(separator: "  ")
  }

  /// A line with a bar for the epoch, and the numbers below it.
  func lines(_ terminal: Terminal) -> [String] {
    let ends = [epoch, "\(progress.stepInEpoch)/\(progress.stepsPerEpoch)"] + (left.map { [$0] } ?? [])
    let room = terminal.columns - 1 - ends.reduce(0) { $0 + $1.count + 2 }
    var first = ends
    if room >= 8 {
      let share = Double(progress.stepInEpoch) / Double(max(progress.stepsPerEpoch, 1))
      first.insert(terminal.bar(share, width: min(room, 40)), at: 1)
    }
    return terminal.wrapped(first) + terminal.wrapped(numbers(validation: "val"))
  }
}

/// A number of bytes in the unit that suits it.
func bytesText(_ bytes: Double) -> String {
  bytes < 1e9 ? String(format: "%.0f MB", bytes / 1e6) : String(format: "%.2f GB", bytes / 1e9)
}
