import CCPUInfo
import KernelInterface

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

  /// Some rows of the recorded gates and of the states.
  func pixels(
    _ memory: LSTMStepMemory, _ gates: UnsafeMutablePointer<Float>, sample: Int, block: Int, rows: Range<Int>
  ) -> GatePixels {
    pixels(
      memory, gates: gates + self.gates.offset(sample: sample, block: 4 * block, y: rows.lowerBound, x: 0),
      gateStride: self.gates.blockStride, gateRowStride: self.gates.rowStride, sample: sample, block: block, rows: rows,
      columns: 0..<hidden.width)
  }

  /// A rectangle of the states, with gates that lie anywhere.
  func pixels(
    _ memory: LSTMStepMemory, gates: UnsafeMutablePointer<Float>, gateStride: Int, gateRowStride: Int, sample: Int,
    block: Int, rows: Range<Int>, columns: Range<Int>
  ) -> GatePixels {
    let first = cell.offset(sample: sample, block: block, y: rows.lowerBound, x: columns.lowerBound)
    return GatePixels(
      gates: gates, keepsGates: memory.gates != nil, gateStride: gateStride, gateRowStride: gateRowStride,
      previousCell: memory.previousCell + first, cell: memory.cell + first, cellRowStride: cell.rowStride,
      peephole: peephole.map { $0 + block * 3 * BlockedLayout.lanes }, rows: rows.count, columns: columns.count)
  }
}

/// One time step forward: convolutions, gates and states in one pass over a band of rows or some tiles, so that the gates
/// of sixteen channels are still in the cache when they are needed, and need not be stored at all where no gradient is
/// wanted.
///
/// - Parameters:
///   - inputs: the layer's input (if it has one) and its hidden state of the step before, each with its weights.
///   - hidden: the new hidden state; must not be the memory of the old one, which neighbours still read.
public func lstmStepForward(
  _ inputs: [ConvolutionInput], _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  var parts = partsByAlgorithm(inputs)
  let last = parts.removeLast()
  guard !parts.isEmpty else {
    forward(last, start: .bias(geometry.bias), geometry, memory, hidden: hidden, pool: pool)
    return
  }
  // Kernels that cannot be summed up in one pass: all but the last part go through memory.
  let rest = parts.flatMap { $0 }
  if let gates = memory.gates {
    convolve(
      rest, to: ConvolutionTarget(start: .bias(geometry.bias), output: gates, geometry.gates), pool: pool)
    forward(last, start: .output, geometry, memory, hidden: hidden, pool: pool)
  } else {
    pool.withScratch(geometry.gates.count) { gates in
      convolve(
        rest, to: ConvolutionTarget(start: .bias(geometry.bias), output: gates, geometry.gates), pool: pool)
      let withGates = LSTMStepMemory(previousCell: memory.previousCell, cell: memory.cell, gates: gates)
      forward(last, start: .output, geometry, withGates, hidden: hidden, pool: pool)
    }
  }
}

private func forward(
  _ inputs: [ConvolutionInput], start: ConvolutionStart, _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  if let winograd = WinogradConvolution(inputs, blocksAtOnce: 4, pool: pool) {
    forward(winograd, start: start, geometry, memory, hidden: hidden, pool: pool)
  } else {
    forwardDirectly(inputs, start: start, geometry, memory, hidden: hidden, pool: pool)
  }
}

/// Winograd's algorithm: a tile's four gates are transformed back one after the other, and used at once.
private func forward(
  _ winograd: WinogradConvolution, start: ConvolutionStart, _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  let (kernels, transform) = (pool.kernels, winograd.transforms.output)
  let side = winograd.grid.side
  let tileCount = side * side * BlockedLayout.lanes
  pool.run(tasks: winograd.tasks) { task in
    pool.withScratch(winograd.scratchCount + 4 * tileCount) { scratch in
      let kept = scratch + winograd.scratchCount
      winograd.run(task, blocksTogether: 4, scratch: scratch) { tile, _, gateBlock, products, temporary in
        let block = gateBlock / 4
        let (rows, columns) = winograd.grid.inside(tile)
        let (gates, rowStride, gateStride) =
          memory.gates.map {
            (
              $0 + geometry.gates.offset(sample: tile.sample, block: gateBlock, y: tile.y, x: tile.x),
              geometry.gates.rowStride, geometry.gates.blockStride
            )
          } ?? (kept, side * BlockedLayout.lanes, tileCount)
        let pixels = geometry.pixels(
          memory, gates: gates, gateStride: gateStride, gateRowStride: rowStride, sample: tile.sample, block: block,
          rows: tile.y..<tile.y + rows, columns: tile.x..<tile.x + columns)
        prefetchCell(pixels)
        for gate in 0..<4 {
          transform(
            products + gate * winograd.productStride, winograd.pointStride, gates + gate * gateStride, rowStride, rows,
            columns, start.bias(block: gateBlock + gate), temporary)
        }
        kernels.gatesForward(
          pixels, hidden + geometry.hidden.offset(sample: tile.sample, block: block, y: tile.y, x: tile.x),
          geometry.hidden.rowStride)
      }
    }
  }
}

/// Asks for the cell state: when the gates are there, it shall be, too.
private func prefetchCell(_ pixels: GatePixels) {
  for y in 0..<pixels.rows {
    let row = pixels.previousCell + y * pixels.cellRowStride
    for x in 0..<pixels.columns { cpu_info_prefetch(row + x * BlockedLayout.lanes) }
  }
}

/// The direct convolution, a band of rows at a time.
private func forwardDirectly(
  _ inputs: [ConvolutionInput], start: ConvolutionStart, _ geometry: LSTMStepGeometry, _ memory: LSTMStepMemory,
  hidden: UnsafeMutablePointer<Float>, pool: WorkerPool
) {
  let (kernels, layout) = (pool.kernels, geometry.hidden)
  func band(
    _ sample: Int, _ block: Int, _ rows: Range<Int>, gates: UnsafeMutablePointer<Float>, rowStride: Int, gateStride: Int
  ) {
    for gate in stride(from: 0, to: 4, by: kernels.blocksAtOnce) {
      convolveRows(
        inputs, sample: sample, block: 4 * block + gate, blocks: kernels.blocksAtOnce, rows: rows, width: layout.width,
        start: start, output: gates + gate * gateStride, rowStride: rowStride, blockStride: gateStride, kernels)
    }
    kernels.gatesForward(
      geometry.pixels(
        memory, gates: gates + rows.lowerBound * rowStride, gateStride: gateStride, gateRowStride: rowStride,
        sample: sample, block: block, rows: rows, columns: 0..<layout.width),
      hidden + layout.offset(sample: sample, block: block, y: rows.lowerBound, x: 0), layout.rowStride)
  }
  forEachBand(layout, parts: layout.blocks, pool) { sample, block, rows in
    if let gates = memory.gates {
      band(
        sample, block, rows, gates: gates + geometry.gates.offset(sample: sample, block: 4 * block, y: 0, x: 0),
        rowStride: geometry.gates.rowStride, gateStride: geometry.gates.blockStride)
    } else {
      let rowStride = layout.width * BlockedLayout.lanes
      pool.withScratch(4 * rows.count * rowStride) { scratch in
        band(
          sample, block, rows, gates: scratch - rows.lowerBound * rowStride, rowStride: rowStride,
          gateStride: rows.count * rowStride)
      }
    }
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
  forEachBand(geometry.hidden, parts: geometry.hidden.blocks, pool) { sample, block, rows in
    let cell = geometry.cell.offset(sample: sample, block: block, y: rows.lowerBound, x: 0)
    pool.kernels.gatesBackward(
      geometry.pixels(memory, gates, sample: sample, block: block, rows: rows), hiddenGradient + cell,
      cellGradient + cell)
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
    withUnsafeTemporaryAllocation(byteCount: 7 * 128, alignment: 64) { bytes in
      let sums = bytes.bindMemory(to: Double.self)
      sums.initialize(repeating: 0)
      for step in steps {
        guard let gates = step.gates else { preconditionFailure("the forward pass kept no gates") }
        for sample in 0..<layout.batch {
          pool.kernels.gateParameterGradients(
            geometry.pixels(step, gates, sample: sample, block: block, rows: 0..<layout.height),
            sums.baseAddress.unsafelyUnwrapped)
        }
      }
      for lane in 0..<min(BlockedLayout.lanes, hiddenChannels - block * BlockedLayout.lanes) {
        let channel = block * BlockedLayout.lanes + lane
        for gate in 0..<4 { bias?[gate * hiddenChannels + channel] += Float(sums[gate * 16 + lane]) }
        for gate in 0..<3 { peephole?[gate * hiddenChannels + channel] += Float(sums[(4 + gate) * 16 + lane]) }
      }
    }
  }
}
