import ConvLSTM
import Foundation
import RadarIO
import Tensor
import Testing

@testable import Nowcasting

@Suite struct TrainingMemoryTests {
  private let sampler: Sampler
  private let network: EncoderForecasterConfiguration

  init() throws {
    var options = TrainingOptions()
    (options.inputFrames, options.leadFrames) = (5, 30)
    let rain = FrameSequence(
      grid: Grid(height: 200, width: 200, spacingMetres: 1000), times: (0..<40).map { Double($0) * 300 },
      rainRate: Tensor(shape: [40, 200, 200], repeating: 1))
    sampler = Sampler(try TrainingData([rain], options: options), crop: 128, batchSize: 4, seed: 1)
    network = try options.architecture.network()
  }

  private func options(_ recompute: Bool?) -> TrainingOptions {
    var options = TrainingOptions()
    options.recompute = recompute
    return options
  }

  private func memory(_ recompute: Bool?, machine: Double) throws -> TrainingMemory {
    try TrainingMemory(network, sampler, options(recompute), machine: machine)
  }

  /// A machine that holds everything keeps the gates; a smaller one computes them again and says so; one that is smaller
  /// still refuses.
  @Test func theMachineDecides() throws {
    let keeping = try memory(nil, machine: 1e12)
    #expect(!keeping.recomputes && keeping.note == nil)
    let asked = try memory(true, machine: 1e12)
    #expect(asked.recomputes && asked.note == nil && asked.bytes < 0.6 * keeping.bytes)
    let short = try memory(nil, machine: keeping.bytes)
    #expect(short.recomputes && short.bytes == asked.bytes)
    #expect(try #require(short.note).contains("--recompute"))
    #expect(throwsCode(.usage) { _ = try memory(nil, machine: asked.bytes) })
    #expect(throwsCode(.usage) { _ = try memory(false, machine: keeping.bytes) })
  }

  /// Each number that is kept for a weight is there twice while a checkpoint is written.
  @Test func optimisersTakeDifferentAmounts() throws {
    var plain = options(false)
    plain.optimizer = .sgd
    var averaged = plain
    (averaged.optimizer, averaged.weightAverage) = (.adamw, 0.999)
    let difference =
      try TrainingMemory(network, sampler, averaged).bytes - TrainingMemory(network, sampler, plain).bytes
    let weights = 4 * Double(network.parameterLayout.count)
    #expect(abs(difference - 4 * weights) < 0.01 * weights)
  }
}
