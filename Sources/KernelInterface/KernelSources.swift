/// What a direct kernel reads for one output block: an image block and its weights. Several of them are summed up, so
/// that a convolution over concatenated inputs needs no concatenation.
public struct DirectSource {
  /// The pixel under the kernel's top left tap for the output pixel (0, 0), block 0.
  public let input: UnsafePointer<Float>
  /// The weights' stream of the output block.
  public let weights: UnsafePointer<Float>
  /// Floats from an output block's stream to the next one's.
  public let weightsStride: Int
  /// Lanes that hold channels, for each input block.
  public let usedLanes: UnsafePointer<Int>
  /// Input blocks.
  public let blocks: Int
  /// Floats from an input block to the next one.
  public let blockStride: Int
  /// Floats from a row to the next one.
  public let rowStride: Int
  /// Rows of the kernel.
  public let kernelHeight: Int
  /// Columns of the kernel.
  public let kernelWidth: Int

  /// Couples an image block with its weights.
  public init(
    input: UnsafePointer<Float>, weights: UnsafePointer<Float>, weightsStride: Int, usedLanes: UnsafePointer<Int>,
    blocks: Int, blockStride: Int, rowStride: Int, kernelHeight: Int, kernelWidth: Int
  ) {
    self.input = input
    self.weights = weights
    self.weightsStride = weightsStride
    self.usedLanes = usedLanes
    self.blocks = blocks
    self.blockStride = blockStride
    self.rowStride = rowStride
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
  }
}

/// The operands of one point's matrix product, tiles × input channels × output channels. Several are summed up.
public struct ProductSource {
  /// Transformed tiles, `[group][block][tile of the group][16 channels]`.
  public let tiles: UnsafePointer<Float>
  /// Floats from a group of tiles to the next one.
  public let groupStride: Int
  /// Transformed weights, `[input block][16 input lanes][16 output lanes]`, of the first output block.
  public let weights: UnsafePointer<Float>
  /// Floats from an output block's weights to the next one's.
  public let weightsStride: Int
  /// Floats from these weights to those of the next product, which are asked for in time; 0 for none.
  public let nextWeights: Int
  /// Lanes that hold channels, for each input block.
  public let usedLanes: UnsafePointer<Int>
  /// Input blocks.
  public let blocks: Int

  /// Couples tiles and weights.
  public init(
    tiles: UnsafePointer<Float>, groupStride: Int, weights: UnsafePointer<Float>, weightsStride: Int,
    nextWeights: Int, usedLanes: UnsafePointer<Int>, blocks: Int
  ) {
    self.tiles = tiles
    self.groupStride = groupStride
    self.weights = weights
    self.weightsStride = weightsStride
    self.nextWeights = nextWeights
    self.usedLanes = usedLanes
    self.blocks = blocks
  }
}

/// A rectangle of pixels of sixteen hidden channels of a ConvLSTM, as the gates' kernels see it.
public struct GatePixels {
  /// The first row of the input gate; forget, output gate and candidate follow `gateStride` floats apart.
  public let gates: UnsafeMutablePointer<Float>
  /// Whether the forward pass leaves the gates' values where it found what the convolutions gave.
  public let keepsGates: Bool
  /// Floats from a gate to the next one.
  public let gateStride: Int
  /// Floats from a row of a gate to the next one.
  public let gateRowStride: Int
  /// The cell state before the step.
  public let previousCell: UnsafePointer<Float>
  /// The cell state after the step; may be the same memory.
  public let cell: UnsafeMutablePointer<Float>
  /// Floats from a row of the cell states, and of all gradients with respect to states, to the next one.
  public let cellRowStride: Int
  /// `[3][16]` for i, f, o; `nil` without peepholes.
  public let peephole: UnsafePointer<Float>?
  /// Rows of pixels.
  public let rows: Int
  /// Pixels of a row.
  public let columns: Int

  /// Names the memory of a rectangle.
  public init(
    gates: UnsafeMutablePointer<Float>, keepsGates: Bool, gateStride: Int, gateRowStride: Int,
    previousCell: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>, cellRowStride: Int,
    peephole: UnsafePointer<Float>?, rows: Int, columns: Int
  ) {
    self.gates = gates
    self.keepsGates = keepsGates
    self.gateStride = gateStride
    self.gateRowStride = gateRowStride
    self.previousCell = previousCell
    self.cell = cell
    self.cellRowStride = cellRowStride
    self.peephole = peephole
    self.rows = rows
    self.columns = columns
  }
}
