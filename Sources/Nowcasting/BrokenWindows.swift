import RadarIO

extension [FrameSequence] {
  /// The windows of some length that have their first and their last frame but cross a gap, and so are not used.
  func brokenWindows(length: Int) -> Int {
    var broken = 0
    for (index, sequence) in enumerated() where sequence.stepSeconds > 0 && length > 1 {
      let span = Double(length - 1) * sequence.stepSeconds
      let tolerance = Swift.min(0.05 * sequence.stepSeconds, 30) * 2
      let later = self[(index + 1)...].filter {
        $0.grid.matches(sequence.grid) && $0.times[0] <= sequence.times[sequence.count - 1] + span + tolerance
      }
      // Windows that begin early enough to stay inside of the sequence are whole.
      for start in Swift.max(0, sequence.count - length + 1)..<sequence.count where !later.isEmpty {
        let end = sequence.times[start] + span
        let meets = later.contains { other in
          end >= other.times[0] - tolerance && end <= other.times[other.count - 1] + tolerance
            && other.times.contains { abs($0 - end) <= tolerance }
        }
        if meets { broken += 1 }
      }
    }
    return broken
  }

  /// A sentence about ``brokenWindows(length:)``; `nil` when there are none.
  func brokenWindowsNote(length: Int) -> String? {
    let broken = brokenWindows(length: length)
    guard broken > 0 else { return nil }
    return
      "\(broken) \(broken == 1 ? "window is" : "windows are") skipped for frames missing in \(broken == 1 ? "it" : "them"); "
      + "--max-gap N fills in up to N in a row"
  }
}
