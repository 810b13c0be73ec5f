/// The memory of one time step of a ConvLSTM layer.
///
/// Cell states have no halo (nothing is convolved with them), hidden states and gates have one.
public struct LSTMStepMemory {
  /// The cell state before the step, `[b][hidden blocks]`, without halo.
  public let previousCell: UnsafePointer<Float>
  /// The cell state after the step; may be the same memory as the one before.
  public let cell: UnsafeMutablePointer<Float>
  /// The gates `[b][4·hidden blocks]`, kept for the backward pass; `nil` keeps none.
  public let gates: UnsafeMutablePointer<Float>?

  /// Names the memory of one step.
  public init(
    previousCell: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>, gates: UnsafeMutablePointer<Float>?
  ) {
    self.previousCell = previousCell
    self.cell = cell
    self.gates = gates
  }
}

/// The geometry and the packed small parameters of a ConvLSTM layer, as its kernels need them.
public struct LSTMStepGeometry {
  /// Hidden state: `[b][hidden blocks]` with its halo.
  public let hidden: BlockedLayout
  /// Cell state: as the hidden state, without halo.
  public let cell: BlockedLayout
  /// Gates: `[b][4·hidden blocks]`, with a halo when a backward pass will convolve their gradients.
  public let gates: BlockedLayout
  /// Sixteen numbers for each of the gates' blocks.
  public let bias: UnsafePointer<Float>
  /// `[hidden block][3][16]`: the peepholes of i, f, o; `nil` without peepholes.
  public let peephole: UnsafePointer<Float>?

  /// Describes a layer.
  public init(
    hidden: BlockedLayout, gates: BlockedLayout, bias: UnsafePointer<Float>, peephole: UnsafePointer<Float>?
  ) {
    precondition(gates.blocks == 4 * hidden.blocks, "four gates for each hidden channel")
    self.hidden = hidden
    self.cell = hidden.with(blocks: hidden.blocks, halo: 0)
    self.gates = gates
    self.bias = bias
    self.peephole = peephole
  }

  func peephole(block: Int) -> UnsafePointer<Float>? { peephole.map { $0 + block * 3 * BlockedLayout.lanes } }
}

/// One time step forward: convolutions, gates and states in one pass over a band of rows, so that the gates of sixteen
/// channels are still in the cache when they are needed, and need not be stored at all where no gradient is wanted.
///
/// - Parameters:
///   - inputs: the layer's input (if it has one) and its hidden state of the step before, each with its weights.
///   - hidden: the new hidden state; must not be the memory of the old one, which neighbours still read.
public func lstmStepForward(
  _ inputs: [ConvolutionInput], _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  let layout = geometry.hidden
  let rows = rowsPerTask(layout)
  let bands = (layout.height + rows - 1) / rows
  pool.run(tasks: layout.batch * bands * layout.blocks) { task in
    let block = task % layout.blocks
    let band = task / layout.blocks % bands
    let sample = task / layout.blocks / bands
    let range = band * rows..<min((band + 1) * rows, layout.height)
    if let gates = memory.gates {
      forwardBand(
        inputs, geometry, memory, hidden: hidden, sample: sample, block: block, rows: range,
        gates: gates + geometry.gates.offset(sample: sample, block: 4 * block, y: range.lowerBound, x: 0),
        rowStride: geometry.gates.rowStride, gateStride: geometry.gates.blockStride)
    } else {
      let rowStride = layout.width * BlockedLayout.lanes
      withUnsafeTemporaryAllocation(byteCount: 4 * range.count * rowStride * 4, alignment: 64) { scratch in
        forwardBand(
          inputs, geometry, memory, hidden: hidden, sample: sample, block: block, rows: range,
          gates: scratch.bindMemory(to: Float.self).baseAddress.unsafelyUnwrapped, rowStride: rowStride,
          gateStride: range.count * rowStride)
      }
    }
  }
}

private func forwardBand(
  _ inputs: [ConvolutionInput], _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, sample: Int, block: Int, rows: Range<Int>, gates: UnsafeMutablePointer<Float>,
  rowStride: Int, gateStride: Int
) {
  let width = geometry.hidden.width
  for gate in 0..<4 {
    let gateBlock = 4 * block + gate
    withSources(inputs, sample: sample, outputBlock: gateBlock) { sources in
      for y in rows {
        f32DirectRow(
          sources, y: y, width: width, output: gates + gate * gateStride + (y - rows.lowerBound) * rowStride,
          bias: geometry.bias + gateBlock * BlockedLayout.lanes)
      }
    }
  }
  for y in rows {
    let cell = geometry.cell.offset(sample: sample, block: block, y: y, x: 0)
    LSTMGates.forward(
      gates: gates + (y - rows.lowerBound) * rowStride, gateStride: gateStride,
      previousCell: memory.previousCell + cell,
      cell: memory.cell + cell, hidden: hidden + geometry.hidden.offset(sample: sample, block: block, y: y, x: 0),
      peephole: geometry.peephole(block: block), width: width)
  }
}

/// One time step backward through the gates. The convolutions' gradients follow from what it leaves in the gates.
///
/// - Parameters:
///   - memory: as it was in the forward pass, with its gates. They are replaced by the gradients with respect to what
///     the convolutions gave.
///   - hiddenGradient: the gradient with respect to the new hidden state, `[b][hidden blocks]`, without halo.
///   - cellGradient: the gradient with respect to the new cell state from later steps, without halo; replaced by that
///     with respect to the cell state before the step.
public func lstmStepBackward(
  _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory, hiddenGradient: UnsafePointer<Float>,
  cellGradient: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  guard let gates = memory.gates else { preconditionFailure("the forward pass kept no gates") }
  let layout = geometry.hidden
  let rows = rowsPerTask(layout)
  let bands = (layout.height + rows - 1) / rows
  pool.run(tasks: layout.batch * bands * layout.blocks) { task in
    let block = task % layout.blocks
    let band = task / layout.blocks % bands
    let sample = task / layout.blocks / bands
    for y in band * rows..<min((band + 1) * rows, layout.height) {
      let cell = geometry.cell.offset(sample: sample, block: block, y: y, x: 0)
      LSTMGates.backward(
        gates: gates + geometry.gates.offset(sample: sample, block: 4 * block, y: y, x: 0),
        gateStride: geometry.gates.blockStride, previousCell: memory.previousCell + cell, cell: memory.cell + cell,
        hiddenGradient: hiddenGradient + cell, cellGradient: cellGradient + cell,
        peephole: geometry.peephole(block: block), width: layout.width)
    }
  }
}

/// Adds the gradients of a layer's biases and peepholes, summed over all steps, images and pixels.
///
/// - Parameters:
///   - steps: the memory of each step after ``lstmStepBackward(_:_:hiddenGradient:cellGradient:pool:)``.
///   - hiddenChannels: the layer's hidden channels.
///   - bias: `[4·hidden]`, gate by gate; `nil` where the layer has none.
///   - peephole: `[3, hidden]`; `nil` where the layer has none.
public func accumulateGateParameterGradients(
  _ steps: [LSTMStepMemory], _ geometry: LSTMStepGeometry, hiddenChannels: Int, bias: UnsafeMutablePointer<Float>?,
  peephole: UnsafeMutablePointer<Float>?, pool: WorkerPool
) {
  let layout = geometry.hidden
  pool.run(tasks: layout.blocks) { block in
    withUnsafeTemporaryAllocation(of: SIMD16<Double>.self, capacity: 7) { sums in
      sums.initialize(repeating: .zero)
      for step in steps {
        guard let gates = step.gates else { preconditionFailure("the forward pass kept no gates") }
        for sample in 0..<layout.batch {
          for y in 0..<layout.height {
            let cell = geometry.cell.offset(sample: sample, block: block, y: y, x: 0)
            LSTMGates.addParameterGradients(
              gates: gates + geometry.gates.offset(sample: sample, block: 4 * block, y: y, x: 0),
              gateStride: geometry.gates.blockStride, previousCell: step.previousCell + cell, cell: step.cell + cell,
              width: layout.width, sums: sums.baseAddress.unsafelyUnwrapped)
          }
        }
      }
      for lane in 0..<min(BlockedLayout.lanes, hiddenChannels - block * BlockedLayout.lanes) {
        let channel = block * BlockedLayout.lanes + lane
        for gate in 0..<4 { bias?[gate * hiddenChannels + channel] += Float(sums[gate][lane]) }
        for gate in 0..<3 { peephole?[gate * hiddenChannels + channel] += Float(sums[4 + gate][lane]) }
      }
    }
  }
}
