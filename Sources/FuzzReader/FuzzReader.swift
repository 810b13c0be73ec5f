import Foundation
import Nowcasting
import RadarIO
import Tensor

/// Puts damaged copies of radar files through the whole reader, for Scripts/fuzz:
///
///     FuzzReader --seed N --first N --count N --folder FOLDER --keep FOLDER [--breakdowns FOLDER] FILE...
///
/// Those that end a process that reads are kept in the folder of breakdowns, if there is one.
/// Each mutant has a number, and follows from it, the seed and the files alone. What is expected of the reader is values or
/// a clear error; a mutant that ends this process or holds it for too long is for the caller to find, which knows the
/// number from the file `number` in the folder.
@main
enum FuzzReader {
  /// A mutant that takes longer is one too slow; one that takes longer than the last ends the process.
  private static let slowSeconds = 5.0
  private static let mostSeconds: UInt32 = 60

  static func main() throws {
    var options: [String: String] = [:]
    var files: [String] = []
    var arguments = CommandLine.arguments.dropFirst()
    while let argument = arguments.popFirst() {
      if argument.hasPrefix("--") { options[argument] = arguments.popFirst() } else { files.append(argument) }
    }
    guard let seed = options["--seed"].flatMap({ UInt64($0) }), let first = options["--first"].flatMap({ Int($0) }),
      let count = options["--count"].flatMap({ Int($0) }), let folder = options["--folder"],
      let keep = options["--keep"],
      !files.isEmpty
    else {
      FileHandle.standardError.write(Data("usage: see Scripts/fuzz\n".utf8))
      exit(64)
    }
    let mutators = try files.map { try Mutator(Data(contentsOf: URL(fileURLWithPath: $0))) }
    var tally = Tally()
    for number in first..<first + count {
      // One in a million seeds of their own: neighbouring seeds and numbers never make the same mutant.
      var random = RandomSource(seed: seed &* 1_000_003 &+ UInt64(number))
      let place = random.index(below: mutators.count)
      let mutant = mutators[place].mutant(using: &random)
      let path = "\(folder)/mutant-\(number % 2).\((files[place] as NSString).pathExtension)"
      try mutant.write(to: URL(fileURLWithPath: path))
      try Data("\(number)\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/number"))
      let breakdowns = tally.breakdowns
      let reason = tally.read(path)
      let name = "\(seed)-\(number).\((files[place] as NSString).pathExtension)"
      if let reason { try mutant.write(to: URL(fileURLWithPath: "\(keep)/\(reason)-\(name)")) }
      if let other = options["--breakdowns"], tally.breakdowns > breakdowns {
        try mutant.write(to: URL(fileURLWithPath: "\(other)/breakdown-\(name)"))
      }
      try FileManager.default.removeItem(atPath: path)
    }
    print(tally.line)
  }

  /// What became of the mutants.
  private struct Tally {
    private var values = 0
    private var errors = 0
    /// Errors because the process that reads ended: the C library crashed, or took too long or too much memory.
    private(set) var breakdowns = 0
    private var unclear = 0
    private var slow = 0
    private var longest = 0.0

    /// Reads a file as `nowcast inspect` does, which reads every frame; a word for what is not as it should be.
    mutating func read(_ path: String) -> String? {
      let start = DispatchTime.now().uptimeNanoseconds
      alarm(mostSeconds)
      defer { alarm(0) }
      var reason: String?
      do {
        let inspection = try Inspection([path], reader: RadarReader())
        _ = try inspection.json
        if let failure = inspection.failures.first {
          errors += 1
          if failure.message.contains("broke down") { breakdowns += 1 }
          if failure.message.isEmpty { reason = "unclear" }
        } else {
          values += 1
          // A frame has finite rates from 0 to 1000 mm/h, or none.
          let rates = inspection.sequences.compactMap(\.maximumRainRate)
          if inspection.sequences.isEmpty || !rates.allSatisfy({ (0...1000).contains($0) }) { reason = "wrong" }
        }
      } catch let error as RadarError {
        errors += 1
        if error.code == .internalError { reason = "internal" }
      } catch {
        reason = "unclear"
      }
      if reason != nil { unclear += 1 }
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
      longest = max(longest, seconds)
      if seconds > slowSeconds {
        slow += 1
        reason = "slow"
      }
      return reason
    }

    /// Counts, and the peak memory of this process, for Scripts/fuzz to add up.
    var line: String {
      var usage = rusage()
      #if os(Linux)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      #else
        getrusage(RUSAGE_SELF, &usage)
      #endif
      // Kilobytes on Linux, bytes on macOS.
      #if os(Linux)
        let megabytes = usage.ru_maxrss >> 10
      #else
        let megabytes = usage.ru_maxrss >> 20
      #endif
      let seconds = String(format: "%.1f", longest)
      return "\(values) \(errors) \(breakdowns) \(unclear) \(slow) \(seconds) \(megabytes)"
    }
  }
}
