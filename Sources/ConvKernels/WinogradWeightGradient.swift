import KernelInterface

/// The weight gradient by Winograd's algorithm, summed in the transformed domain over all tiles of all images of all
/// time steps and transformed back once.
///
/// It is the transpose of the convolution: with y = Aᵀ[(G w) ∘ (Bᵀd)], dw = Gᵀ[Σ (A dy) ∘ (Bᵀd)]. Batches of tiles are
/// transformed by all threads together; then each task multiplies them for one point and some output blocks, whose sums
/// it alone adds to. Sums over ``tilesInRegisters`` tiles, a constant, are formed in registers and added to those in
/// memory, so their order depends on the number of tiles alone.
///
/// Several inputs whose convolutions were summed up have the same output gradients, which are transformed once for all.
struct WinogradWeightGradient {
  let parts: [WeightGradientPart]
  /// The part and its input block for each of all parts' input blocks together.
  private let inputs: [(part: Int, block: Int)]
  let kernels: KernelTable
  let transforms: WinogradKernels
  let grid: TileGrid
  /// Tiles of a sum that is formed in registers.
  static let tilesInRegisters = 64
  /// Tiles that are transformed together, a multiple of ``tilesInRegisters``: few enough for the last cache, enough to
  /// be worth two runs of the pool.
  static let tilesAtOnce = 128

  /// Plans the gradients; `nil` when not all parts are for this algorithm and one size of kernel.
  init?(_ parts: [WeightGradientPart], pool: WorkerPool) {
    guard let first = parts.first?.geometry,
      let transforms = pool.kernels.winograd(first.algorithm, kernel: first.kernelHeight),
      parts.allSatisfy({
        $0.geometry.algorithm == first.algorithm && $0.geometry.kernelHeight == first.kernelHeight
      })
    else { return nil }
    self.parts = parts
    inputs = parts.indices.flatMap { part in (0..<parts[part].geometry.input.blocks).map { (part, $0) } }
    kernels = pool.kernels
    self.transforms = transforms
    grid = TileGrid(first.outputLayout, side: transforms.tile)
    outputBlocks = first.output.blocks
  }

  private let outputBlocks: Int
  private var inputBlocks: Int { inputs.count }
  /// Floats from a block of transformed tiles, `[tile][16]`, to the next one.
  private var blockStride: Int { Self.tilesAtOnce * 16 + 16 }
  /// Floats from a point of the transformed input, `[block][tile][16]`, to the next one.
  private var inputPointStride: Int { inputBlocks * blockStride }
  /// Floats from a point of the transformed gradient to the next one.
  private var gradientPointStride: Int { outputBlocks * blockStride }
  /// Floats from an output block's sums, `[input block][16][16]`, to the next one's.
  private var sumsBlockStride: Int { inputBlocks * 256 }
  /// Floats from a point's sums to the next one's.
  private var sumsPointStride: Int { outputBlocks * sumsBlockStride }

  /// Floats of the sums.
  var sumsCount: Int { transforms.points * sumsPointStride }

  /// Adds the gradients.
  func accumulate(_ outputGradients: [UnsafePointer<Float>], pool: WorkerPool) {
    pool.withScratch(sumsCount) { sums in
      sums.update(repeating: 0, count: sumsCount)
      accumulate(outputGradients, sums, pool: pool)
      transformBack(sums, pool)
    }
  }

  /// Adds to the sums alone.
  func accumulate(
    _ outputGradients: [UnsafePointer<Float>], _ sums: UnsafeMutablePointer<Float>, pool: WorkerPool
  ) {
    let tileCount = outputGradients.count * grid.count
    let points = transforms.points
    let inputCount = points * inputPointStride
    let gradientCount = points * gradientPointStride
    pool.withScratch(inputCount + gradientCount) { scratch in
      let (input, gradient) = (scratch, scratch + inputCount)
      for first in stride(from: 0, to: tileCount, by: Self.tilesAtOnce) {
        let tiles = first..<min(first + Self.tilesAtOnce, tileCount)
        transform(outputGradients, tiles, input, gradient, pool)
        multiply(tiles.count, input, gradient, sums, pool)
      }
    }
  }

  /// Transforms some tiles' windows of the input and the gradients of their pixels.
  private func transform(
    _ outputGradients: [UnsafePointer<Float>], _ tiles: Range<Int>, _ input: UnsafeMutablePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ pool: WorkerPool
  ) {
    let outputLayout = grid.layout
    let (margin, window) = (transforms.kernel / 2, transforms.window)
    // Block by block, so that the rows of an image are read one after the other.
    let tilesInTask = 32
    let runs = (tiles.count + tilesInTask - 1) / tilesInTask
    pool.run(tasks: runs * (inputBlocks + outputBlocks)) { task in
      let (block, run) = task.quotientAndRemainder(dividingBy: runs)
      pool.withScratch(WinogradKernels.scratchCount) { temporary in
        for index in run * tilesInTask..<min((run + 1) * tilesInTask, tiles.count) {
          let (step, inBatch) = (tiles.lowerBound + index).quotientAndRemainder(dividingBy: grid.count)
          let tile = grid.tile(inBatch)
          if block < inputBlocks {
            let part = parts[inputs[block].part]
            let inputLayout = part.geometry.inputLayout
            transforms.input(
              part.inputs[step]
                + inputLayout.offset(
                  sample: tile.sample, block: inputs[block].block, y: tile.y - margin, x: tile.x - margin),
              inputLayout.rowStride, min(window, inputLayout.height + inputLayout.halo - (tile.y - margin)),
              min(window, inputLayout.width + inputLayout.halo - (tile.x - margin)),
              input + block * blockStride + index * 16, inputPointStride, temporary)
          } else {
            let block = block - inputBlocks
            let inside = grid.inside(tile)
            transforms.outputGradient(
              outputGradients[step] + outputLayout.offset(sample: tile.sample, block: block, y: tile.y, x: tile.x),
              outputLayout.rowStride, inside.rows, inside.columns, gradient + block * blockStride + index * 16,
              gradientPointStride, temporary)
          }
        }
      }
    }
  }

  /// Adds the products of some transformed tiles to the sums.
  private func multiply(
    _ count: Int, _ input: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
    _ pool: WorkerPool
  ) {
    let usedLanes = inputs.map { parts[$0.part].geometry.input.usedLanes(block: $0.block) }
    // A part of a point's output blocks that is worth a task: four blocks at least.
    let blocksInTask = 4
    let shares = (outputBlocks + blocksInTask - 1) / blocksInTask
    pool.run(tasks: transforms.points * shares) { task in
      let (point, share) = task.quotientAndRemainder(dividingBy: shares)
      let last = min((share + 1) * blocksInTask, outputBlocks)
      for tile in stride(from: 0, to: count, by: Self.tilesInRegisters) {
        let tiles = min(Self.tilesInRegisters, count - tile)
        for outputBlock in stride(from: share * blocksInTask, to: last, by: kernels.blocksAtOnce) {
          for inputBlock in 0..<inputBlocks {
            kernels.weightProducts(
              input + point * inputPointStride + inputBlock * blockStride + tile * 16, usedLanes[inputBlock],
              gradient + point * gradientPointStride + outputBlock * blockStride + tile * 16, blockStride,
              min(kernels.blocksAtOnce, last - outputBlock), tiles,
              sums + point * sumsPointStride + outputBlock * sumsBlockStride + inputBlock * 256, sumsBlockStride)
          }
        }
      }
    }
  }

  /// Adds the gradients that the sums stand for.
  func transformBack(_ sums: UnsafePointer<Float>, _ pool: WorkerPool) {
    let kernel = transforms.kernel
    pool.run(tasks: outputBlocks * inputBlocks) { task in
      let (outputBlock, inputBlock) = task.quotientAndRemainder(dividingBy: inputBlocks)
      pool.withScratch(WinogradKernels.scratchCount + kernel * kernel * 256) { scratch in
        let weights = scratch + WinogradKernels.scratchCount
        for lane in 0..<BlockedLayout.lanes {
          transforms.weightGradient(
            sums + outputBlock * sumsBlockStride + inputBlock * 256 + lane * 16, sumsPointStride, weights + lane * 16,
            256, scratch)
        }
        let (part, block) = inputs[inputBlock]
        parts[part].add(weights, outputBlock: outputBlock, inputBlock: block, rows: 0..<kernel)
      }
    }
  }
}

extension WeightGradientPart {
  /// Floats of scratch memory and of sums that the gradients of convolutions with these channels and a kernel of one size
  /// take together; nothing where they are computed directly.
  public static func memoryFloats(
    inputs: [ChannelOrder], output: ChannelOrder, kernelHeight: Int, kernelWidth: Int, algorithm: ConvolutionAlgorithm
  ) -> (scratch: Double, sums: Double) {
    guard algorithm != .direct else { return (0, 0) }
    let points = Double(algorithm.elements(kernelHeight: kernelHeight, kernelWidth: kernelWidth))
    let blocks = (inputs: inputs.reduce(0.0) { $0 + Double($1.blocks) }, output: Double(output.blocks))
    let tiles = Double(WinogradWeightGradient.tilesAtOnce * 16 + 16)
    return (points * (blocks.inputs + blocks.output) * tiles, points * blocks.inputs * blocks.output * 256)
  }
}
