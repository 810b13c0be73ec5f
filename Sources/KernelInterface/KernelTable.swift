/// The microkernels for one instruction set.
///
/// They are compiled once for each set from the same sources, and this table is all that anybody sees of them: nothing
/// of a set that the processor lacks is ever called. Kernels take pointers and plain integers, check nothing and
/// allocate nothing. Their sums run in an order that depends on the operands' sizes alone.
public struct KernelTable: Sendable {
  /// The instruction set's name.
  public let name: String
  /// Output blocks that a direct kernel or a product works on at once, at most.
  public let blocksAtOnce: Int
  /// Tiles in a group of the matrix products.
  public let groupTiles: Int
  /// Direct convolution of one row.
  public let directRow: DirectRow
  /// Direct weight gradient of some rows.
  public let directWeightGradient: DirectWeightGradient
  /// The transforms of Winograd's algorithm, for each size of kernel and tile.
  public let winograd: [WinogradKernels]
  /// The matrix products between the transforms.
  public let products: Products
  /// The products of a weight gradient.
  public let weightProducts: WeightProducts
  /// Gates, cell and hidden state of a rectangle of pixels.
  public let gatesForward: GatesForward
  /// Their gradients.
  public let gatesBackward: GatesBackward
  /// Biases' and peepholes' gradients.
  public let gateParameterGradients: GateParameterGradients
  /// The logistic function of `16·count` numbers.
  public let logistic: Logistic
  /// Its gradient.
  public let logisticBackward: LogisticBackward
  /// The sum over a row.
  public let channelSums: ChannelSums
  /// Independent multiply-adds, to learn the processor's limit.
  public let fmaLimit: FMALimit

  /// `width` pixels of row `y` of `blocks` output blocks, `outputStride` floats apart, from a bias of sixteen numbers
  /// for each block, or, without it, from what the output holds.
  public typealias DirectRow =
    @Sendable (
      _ sources: UnsafePointer<DirectSource>, _ sourceCount: Int, _ blocks: Int, _ y: Int, _ width: Int,
      _ output: UnsafeMutablePointer<Float>, _ outputStride: Int, _ bias: UnsafePointer<Float>?
    ) -> Void
  /// Adds to four times sixteen sums the products of four input channels and sixteen output gradients over some rows.
  public typealias DirectWeightGradient =
    @Sendable (
      _ input: UnsafePointer<Float>, _ inputStride: Int, _ gradient: UnsafePointer<Float>, _ gradientStride: Int,
      _ rows: Int, _ width: Int, _ sums: UnsafeMutablePointer<Float>
    ) -> Void
  /// `output[block][tile][16] = Σ tiles · weights` (or `+=`) over all sources. Of the last group, tiles that are not
  /// asked for may be written, too.
  public typealias Products =
    @Sendable (
      _ sources: UnsafePointer<ProductSource>, _ sourceCount: Int, _ tiles: Int, _ blocks: Int,
      _ output: UnsafeMutablePointer<Float>, _ outputStride: Int, _ accumulates: Bool
    ) -> Void
  /// Adds to `sums[block][16 input lanes][16 output lanes]` the products of one input block and `blocks` output blocks
  /// over `tiles` tiles, `[tile][16]` each; the gradient's blocks are `gradientStride` floats apart.
  public typealias WeightProducts =
    @Sendable (
      _ input: UnsafePointer<Float>, _ lanes: Int, _ gradient: UnsafePointer<Float>, _ gradientStride: Int,
      _ blocks: Int, _ tiles: Int, _ sums: UnsafeMutablePointer<Float>, _ sumsStride: Int
    ) -> Void
  /// From what the convolutions gave to the gates' values, the new cell and the new hidden state.
  public typealias GatesForward =
    @Sendable (_ pixels: GatePixels, _ hidden: UnsafeMutablePointer<Float>, _ hiddenRowStride: Int) -> Void
  /// From the gates' values to the gradients in front of them; `cellGradient` becomes that of the previous cell state.
  public typealias GatesBackward =
    @Sendable (
      _ pixels: GatePixels, _ hiddenGradient: UnsafePointer<Float>, _ cellGradient: UnsafeMutablePointer<Float>
    ) -> Void
  /// Adds the pixels' part to `[7][16]` sums: the biases of i, f, o, g, then the peepholes of i, f, o.
  public typealias GateParameterGradients =
    @Sendable (_ pixels: GatePixels, _ sums: UnsafeMutablePointer<Double>) -> Void
  /// Replaces numbers by their logistic function.
  public typealias Logistic = @Sendable (_ values: UnsafeMutablePointer<Float>, _ count: Int) -> Void
  /// Replaces p by `gradient·p·(1 − p)`.
  public typealias LogisticBackward =
    @Sendable (_ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ count: Int) -> Void
  /// Adds the sum of `count` pixels to sixteen sums.
  public typealias ChannelSums =
    @Sendable (_ row: UnsafePointer<Float>, _ count: Int, _ sums: UnsafeMutablePointer<Double>) -> Void
  /// Does some rounds of multiply-adds; returns the floating-point operations done.
  public typealias FMALimit = @Sendable (_ rounds: Int, _ sink: inout Float) -> Int

  /// Lists the kernels of an instruction set.
  public init(
    name: String, blocksAtOnce: Int, groupTiles: Int, directRow: @escaping DirectRow,
    directWeightGradient: @escaping DirectWeightGradient, winograd: [WinogradKernels],
    products: @escaping Products, weightProducts: @escaping WeightProducts, gatesForward: @escaping GatesForward,
    gatesBackward: @escaping GatesBackward, gateParameterGradients: @escaping GateParameterGradients,
    logistic: @escaping Logistic, logisticBackward: @escaping LogisticBackward, channelSums: @escaping ChannelSums,
    fmaLimit: @escaping FMALimit
  ) {
    self.name = name
    self.blocksAtOnce = blocksAtOnce
    self.groupTiles = groupTiles
    self.directRow = directRow
    self.directWeightGradient = directWeightGradient
    self.winograd = winograd
    self.products = products
    self.weightProducts = weightProducts
    self.gatesForward = gatesForward
    self.gatesBackward = gatesBackward
    self.gateParameterGradients = gateParameterGradients
    self.logistic = logistic
    self.logisticBackward = logisticBackward
    self.channelSums = channelSums
    self.fmaLimit = fmaLimit
  }
}

/// The transforms of Winograd's algorithm for one size of kernel and of tiles, sixteen channels at a time. A transformed
/// tile is `points` vectors, `pointStride` floats apart.
public struct WinogradKernels: Sendable {
  /// Rows and columns of the kernel.
  public let kernel: Int
  /// Rows and columns of a tile of output pixels.
  public let tile: Int
  /// Rows and columns of the input that a tile depends on.
  public let window: Int
  /// Vectors of a transformed tile.
  public let points: Int
  /// Of a window of the input.
  public let input: Spread
  /// Of the gradients of a tile's pixels: the transpose of ``output``, for the weight gradient.
  public let outputGradient: Spread
  /// To the tile's pixels.
  public let output: Output
  /// Of the weights `[ky][kx][16]` of one input channel.
  public let weights: Weights
  /// To the gradient `[ky][kx][16]` of those weights: the transpose of ``weights``.
  public let weightGradient: Weights

  /// Floats of scratch memory that every transform needs.
  public static let scratchCount = 2 * 64 * 16

  /// From pixels, `rowStride` floats from row to row, to `points` vectors. Only `rows` × `columns` of the pixels are
  /// there; the others count as zeros and are not read.
  public typealias Spread =
    @Sendable (
      _ pixels: UnsafePointer<Float>, _ rowStride: Int, _ rows: Int, _ columns: Int,
      _ transformed: UnsafeMutablePointer<Float>, _ pointStride: Int, _ scratch: UnsafeMutablePointer<Float>
    ) -> Void
  /// From `points` vectors to pixels, of which `rows` × `columns` are stored: on top of sixteen biases, or, without
  /// them, added to what is there.
  public typealias Output =
    @Sendable (
      _ transformed: UnsafePointer<Float>, _ pointStride: Int, _ pixels: UnsafeMutablePointer<Float>, _ rowStride: Int,
      _ rows: Int, _ columns: Int, _ bias: UnsafePointer<Float>?, _ scratch: UnsafeMutablePointer<Float>
    ) -> Void
  /// Between sixteen times `kernel²` weights and `points` vectors.
  public typealias Weights =
    @Sendable (
      _ from: UnsafePointer<Float>, _ fromStride: Int, _ to: UnsafeMutablePointer<Float>, _ toStride: Int,
      _ scratch: UnsafeMutablePointer<Float>
    ) -> Void

  /// Lists the transforms.
  public init(
    kernel: Int, tile: Int, input: @escaping Spread, outputGradient: @escaping Spread, output: @escaping Output,
    weights: @escaping Weights, weightGradient: @escaping Weights
  ) {
    self.kernel = kernel
    self.tile = tile
    self.window = kernel + tile - 1
    self.points = window * window
    self.input = input
    self.outputGradient = outputGradient
    self.output = output
    self.weights = weights
    self.weightGradient = weightGradient
  }
}
