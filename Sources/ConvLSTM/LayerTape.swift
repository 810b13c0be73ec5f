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
}

/// The states of one layer over its time steps, and what its backward pass needs of them.
///
/// A recording tape keeps every hidden state, cell state and gate: six numbers for each hidden channel, pixel and step.
/// A tape that does not record keeps two hidden states and one cell state, however many steps there are.
final class LayerTape {
  let steps: Int
  let records: Bool
  /// `[b][hidden blocks]` with halo.
  let hiddenLayout: BlockedLayout
  /// `[b][hidden blocks]` without halo.
  let cellLayout: BlockedLayout
  /// `[b][4·hidden blocks]` with halo, since the gates' gradients are convolved.
  let gatesLayout: BlockedLayout
  /// `steps + 1` states (the first is the initial one), or two that take turns.
  private var hiddenStates: [AlignedBuffer]
  private var cellStates: [AlignedBuffer]
  private let gates: [AlignedBuffer]
  /// The gradient with respect to the hidden state of the step being worked on, without halo.
  private(set) var hiddenGradient: AlignedBuffer
  /// The gradient with respect to its cell state, without halo.
  private(set) var cellGradient: AlignedBuffer

  init(
    hiddenChannels: Int, batch: Int, height: Int, width: Int, halo: Int, steps: Int, records: Bool
  ) {
    let blocks = ChannelOrder.plain(channels: hiddenChannels).blocks
    let hidden = BlockedLayout(batch: batch, blocks: blocks, height: height, width: width, halo: halo)
    let (cell, gate) = (hidden.with(blocks: blocks, halo: 0), hidden.with(blocks: 4 * blocks, halo: halo))
    (hiddenLayout, cellLayout, gatesLayout) = (hidden, cell, gate)
    self.steps = steps
    self.records = records
    hiddenStates = (0..<(records ? steps + 1 : 2)).map { _ in AlignedBuffer(count: hidden.count) }
    cellStates = (0..<(records ? steps + 1 : 1)).map { _ in AlignedBuffer(count: cell.count) }
    gates = (0..<(records ? steps : 0)).map { _ in AlignedBuffer(count: gate.count) }
    hiddenGradient = AlignedBuffer(count: records ? cell.count : 0)
    cellGradient = AlignedBuffer(count: records ? cell.count : 0)
  }

  /// The hidden state after `t` steps. Without recording, only that of the last step and the one before.
  func hidden(_ t: Int) -> AlignedBuffer { hiddenStates[t % hiddenStates.count] }

  /// The cell state after `t` steps. Without recording, only that of the last step.
  func cell(_ t: Int) -> AlignedBuffer { cellStates[t % cellStates.count] }

  func memory(step t: Int) -> LSTMStepMemory {
    LSTMStepMemory(
      previousCell: cell(t).pointer, cell: cell(t + 1).pointer, gates: records ? gates[t].pointer : nil)
  }

  func hiddenImage(_ t: Int) -> BlockedImage { BlockedImage(buffer: hidden(t), layout: hiddenLayout) }

  var hiddenGradientImage: BlockedImage { BlockedImage(buffer: hiddenGradient, layout: cellLayout) }

  /// Starts from zero states.
  func clearInitialState() {
    hidden(0).clear()
    cell(0).clear()
  }

  /// Starts from another tape's last states, without a copy: both hold the same memory from now on.
  func startFromLastState(of other: LayerTape) {
    precondition(other.hiddenLayout == hiddenLayout, "tapes of different sizes")
    hiddenStates[0] = other.hidden(other.steps)
    cellStates[0] = other.cell(other.steps)
  }

  /// Goes on backwards from the gradients with respect to another tape's first state, without a copy.
  func takeGradients(of other: LayerTape) {
    hiddenGradient = other.hiddenGradient
    cellGradient = other.cellGradient
  }

  /// Clears the gradients with respect to the last state.
  func clearGradients() {
    hiddenGradient.clear()
    cellGradient.clear()
  }
}
