import ConvKernels

/// A batch of images in channel blocks.
struct BlockedImage {
  let buffer: AlignedBuffer
  let layout: BlockedLayout

  init(_ layout: BlockedLayout) {
    self.init(buffer: AlignedBuffer(count: layout.count), layout: layout)
  }

  init(buffer: AlignedBuffer, layout: BlockedLayout) {
    self.buffer = buffer
    self.layout = layout
  }

  /// The first images, in the same memory.
  func first(_ batch: Int) -> BlockedImage { BlockedImage(buffer: buffer, layout: layout.with(batch: batch)) }
}

/// The states of one layer over its time steps, and what its backward pass needs of them.
///
/// A tape that does not record keeps two hidden states and one cell state, however many steps there are.
final class LayerTape {
  let steps: Int
  let recording: TapeRecording
  /// `[b][hidden blocks]` with halo.
  let hiddenLayout: BlockedLayout
  /// `[b][hidden blocks]` without halo.
  let cellLayout: BlockedLayout
  /// `[b][4·hidden blocks]` with halo, since the gates' gradients are convolved.
  let gatesLayout: BlockedLayout
  /// `steps + 1` states (the first is the initial one), or two that take turns.
  private let hiddenStates: [AlignedBuffer]
  private let cellStates: [AlignedBuffer]
  /// Those of each step, or one buffer for the step that the backward pass works on.
  private let gates: [AlignedBuffer]
  /// Where weight gradients are summed up over steps and sub-batches; `nil` without recording.
  let weightSums: WeightGradientSums?
  /// Whether the initial hidden state is known to be zero, so that nothing need be convolved with it.
  private(set) var startsFromZero = false
  /// The gradient with respect to the hidden state of the step being worked on, without halo.
  let hiddenGradient: AlignedBuffer
  /// The gradient with respect to its cell state, without halo.
  let cellGradient: AlignedBuffer

  /// - Parameters:
  ///   - other: a tape whose last states are this one's first. They lie in the same memory from then on, and without
  ///     recording all others, too; the other one's backward pass goes on from this one's gradients in the same way.
  ///   - sharedGates: memory for the gates of one step, which other layers may use in turn; wanted where states are
  ///     recorded and gates are not.
  init(
    hiddenChannels: Int, batch: Int, height: Int, width: Int, halo: Int, steps: Int, recording: TapeRecording,
    continuing other: LayerTape? = nil, sharedGates: AlignedBuffer? = nil
  ) {
    let blocks = ChannelOrder.plain(channels: hiddenChannels).blocks
    let hidden = BlockedLayout(batch: batch, blocks: blocks, height: height, width: width, halo: halo)
    let (cell, gate) = (hidden.with(blocks: blocks, halo: 0), hidden.with(blocks: 4 * blocks, halo: halo))
    (hiddenLayout, cellLayout, gatesLayout) = (hidden, cell, gate)
    self.steps = steps
    self.recording = recording
    let records = recording != .nothing
    weightSums = records ? WeightGradientSums() : nil
    // All states are written before they are read, but for the halo.
    func haloed(_ layout: BlockedLayout) -> AlignedBuffer {
      let buffer = AlignedBuffer(uninitialized: layout.count)
      // Memory that has not been touched yet is better touched by all threads at work.
      if !buffer.wasZero { layout.clearHalo(buffer.pointer) }
      return buffer
    }
    precondition(other.map { $0.hiddenLayout == hidden } ?? true, "tapes of different sizes")
    if let other, !records {
      hiddenStates = [other.hidden(other.steps), other.hidden(other.steps + 1)]
      cellStates = [other.cell(other.steps)]
    } else {
      hiddenStates =
        [other?.hidden(other?.steps ?? 0) ?? haloed(hidden)] + (0..<(records ? steps : 1)).map { _ in haloed(hidden) }
      cellStates =
        [other?.cell(other?.steps ?? 0) ?? AlignedBuffer(uninitialized: cell.count)]
        + (0..<(records ? steps : 0)).map { _ in AlignedBuffer(uninitialized: cell.count) }
    }
    switch recording {
    case .nothing: gates = []
    case .states:
      guard let sharedGates, sharedGates.count >= gate.count else { preconditionFailure("no memory for the gates") }
      gates = [sharedGates]
    case .all: gates = (0..<steps).map { _ in haloed(gate) }
    }
    hiddenGradient = other?.hiddenGradient ?? AlignedBuffer(count: records ? cell.count : 0)
    cellGradient = other?.cellGradient ?? AlignedBuffer(count: records ? cell.count : 0)
  }

  /// The first samples of another tape, in the same memory.
  init(_ other: LayerTape, batch: Int) {
    (steps, recording) = (other.steps, other.recording)
    hiddenLayout = other.hiddenLayout.with(batch: batch)
    cellLayout = other.cellLayout.with(batch: batch)
    gatesLayout = other.gatesLayout.with(batch: batch)
    (hiddenStates, cellStates, gates) = (other.hiddenStates, other.cellStates, other.gates)
    weightSums = other.weightSums
    (hiddenGradient, cellGradient) = (other.hiddenGradient, other.cellGradient)
  }

  /// The hidden state after `t` steps. Without recording, only that of the last step and the one before.
  func hidden(_ t: Int) -> AlignedBuffer { hiddenStates[t % hiddenStates.count] }

  /// The cell state after `t` steps. Without recording, only that of the last step.
  func cell(_ t: Int) -> AlignedBuffer { cellStates[t % cellStates.count] }

  /// The memory of a step of the forward pass.
  func memory(step t: Int) -> LSTMStepMemory { memory(step: t, gates: recording == .all ? gates[t] : nil) }

  /// The memory of a step of the backward pass. The gates are there once they were computed again.
  func backwardMemory(step t: Int) -> LSTMStepMemory { memory(step: t, gates: gates[t % gates.count]) }

  private func memory(step t: Int, gates: AlignedBuffer?) -> LSTMStepMemory {
    LSTMStepMemory(previousCell: cell(t).pointer, cell: cell(t + 1).pointer, gates: gates?.pointer)
  }

  func hiddenImage(_ t: Int) -> BlockedImage { BlockedImage(buffer: hidden(t), layout: hiddenLayout) }

  var hiddenGradientImage: BlockedImage { BlockedImage(buffer: hiddenGradient, layout: cellLayout) }

  /// Starts from zero states.
  func clearInitialState(pool: WorkerPool) {
    startsFromZero = true
    // The weights' gradient reads it all the same.
    if recording != .nothing { pool.clear(hidden(0)) }
    pool.clear(cell(0))
  }

  /// Starts from states that were written to the first ones' memory.
  func startFromWrittenState() { startsFromZero = false }

  /// Clears the gradients with respect to the last state.
  func clearGradients() {
    hiddenGradient.clear()
    cellGradient.clear()
  }
}
