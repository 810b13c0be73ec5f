import ConvKernels
import Foundation
import RadarIO

@testable import Nowcasting

/// A suite of tests that trains small networks on simulated rain.
protocol TrainsSmallRuns {
  var folder: TemporaryFolder { get }
}

private let simulatedRain = simulated(seed: 3)

private func simulated(seed: UInt64, frames: Int = 16) -> FrameSequence {
  var options = RainSimulator.Options()
  (options.height, options.width, options.frames, options.seed) = (30, 34, frames, seed)
  return FrameSequence(
    grid: Grid(height: 30, width: 34, spacingMetres: 1000), times: (0..<frames).map { Double($0) * 300 },
    rainRate: RainSimulator(options).frames())
}

extension TrainsSmallRuns {
  static var rain: FrameSequence { simulatedRain }

  static func simulated(seed: UInt64) -> FrameSequence { NowcastingTests.simulated(seed: seed) }

  /// Two layers, crops of 16 × 16, two epochs.
  var options: TrainingOptions {
    var options = TrainingOptions()
    options.architecture = ModelConfiguration.Architecture(patch: 2, hidden: [8, 6])
    (options.inputFrames, options.leadFrames, options.crop, options.batchSize) = (3, 2, 16, 2)
    options.epochs = 2
    return options
  }

  /// Trains into the folder `name`.
  @discardableResult
  func train(
    _ name: String, _ options: TrainingOptions, resume: Bool = false, threads: Int = 2,
    rain: FrameSequence = simulatedRain, report: (TrainingProgress) -> Void = { _ in }
  ) throws -> Trainer.Result {
    let data = try TrainingData([rain], options: options)
    return try Trainer(
      data, options: options, folder: RunFolder(folder / name), resume: resume, overwrite: false,
      pool: WorkerPool(threadCount: threads)
    ).run(report: report)
  }

  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder / name)) }
}
