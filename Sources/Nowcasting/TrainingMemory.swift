import ConvLSTM
import RadarIO

/// How much memory a training run takes, and whether it has to compute gates again so as to fit.
struct TrainingMemory {
  /// What the program takes before it has read anything: its code, the libraries', buffers of the threads.
  static let processBytes = 40e6

  /// Whether the backward pass computes gates again.
  let recomputes: Bool
  /// What the process takes at most.
  let bytes: Double
  /// A sentence for people when recomputing was not asked for.
  let note: String?

  /// - Parameters:
  ///   - options: where they leave it open whether gates are computed again, the machine decides.
  ///   - ranks: the processes that share each batch.
  /// - Throws: ``NowcastError`` `usage` when the machine has not enough either way.
  init(
    _ network: EncoderForecasterConfiguration, _ sampler: Sampler, _ options: TrainingOptions, ranks: Int = 1,
    machine: Double = MemoryNeed.machineBytes
  ) throws {
    let memory = NetworkMemory(
      network, inputFrames: sampler.data.inputFrames, leadFrames: sampler.data.leadFrames, height: sampler.height,
      width: sampler.width)
    let batch = sampler.batchSize / ranks
    let part = TrainingStep.subBatchSize(
      network, batch: batch, height: sampler.height, width: sampler.width)
    let frames =
      sampler.data.store.mostBytes + (options.coordinates == .lagrangian ? sampler.data.motions.mostBytes : 0)
      + (options.guidance == .sprog ? sampler.data.prognoses.mostBytes : 0)
    func bytes(recomputes: Bool) -> Double {
      // What the optimiser keeps for each weight, and weights and all that once more while a checkpoint is written.
      let kept = Double(options.method.stateNames.count + (options.weightAverage == nil ? 0 : 1))
      let training =
        memory.trainingStep(batch: batch, recomputes: recomputes)
        // Gradients that are added up over ranks lie in memory of their own.
        + (2 * kept + (ranks > 1 ? 2 : 1)) * memory.parameters
        + memory.frameBytes(samples: batch) + memory.tape(batch: part) + memory.frameBytes(samples: part)
      // Batches are made while another one is learned from, by the orders of the windows.
      let ahead = Double(BatchPrefetch.ahead(batchBytes: sampler.batchBytes(samples: batch)))
      let orders = 4 * Double(WindowOrders.kept * sampler.data.training.count)
      return Self.processBytes + frames + training + ahead * sampler.batchBytes(samples: batch) + orders
    }
    let keeping = bytes(recomputes: false)
    let recompute = options.recompute
    recomputes = recompute ?? !MemoryNeed.fits(keeping, machine: machine)
    self.bytes = recomputes ? bytes(recomputes: true) : keeping
    try MemoryNeed.require(
      self.bytes, for: "this training", remedy: "take a smaller --crop or --hidden, or a larger --patch",
      machine: machine)
    note =
      recomputes && recompute == nil
      ? "keeping all gates would take about \(MemoryNeed.text(keeping)) of memory, and this machine has "
        + "\(MemoryNeed.text(machine)): they are computed again where they are needed (--recompute), which takes longer"
      : nil
  }
}
