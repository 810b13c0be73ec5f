import CCPUInfo
import KernelInterface

/// Winograd's algorithm for a sum of inputs with one size of kernel, or for several convolutions of one input: where things
/// lie in scratch memory, and the work on a range of tiles.
///
/// A task takes some tiles of output pixels, transforms their windows in all input channels, and multiplies them, for
/// each of the 36 or 64 points, with the weights: a matrix product of tiles × input channels × output channels. The
/// products of all inputs are summed up before the output is transformed back. How many tiles a task takes depends on
/// the caches and on the threads; a pixel's sums do not depend on it.
struct WinogradConvolution {
  let inputs: [ConvolutionInput]
  /// The weights of further convolutions of the only input.
  private let others: [PackedWeights]
  let kernels: KernelTable
  let transforms: WinogradKernels
  let grid: TileGrid
  /// The output blocks whose products are kept together until they are transformed back.
  private let groups: [Group]
  /// The most blocks of a group.
  let groupBlocks: Int
  /// Input blocks of all inputs together.
  let inputBlocks: Int
  /// Input blocks whose transformed tiles are kept together.
  let chunkBlocks: Int
  /// Tiles of a large task.
  private let tiles: Int
  /// Large tasks. The tiles that remain are done in small tasks, of a group of tiles each, so that all threads end together.
  private let largeTasks: Int
  /// Tasks that share a range of tiles, each with some of the output's groups.
  private let splits: Int

  /// Plans the convolution; `nil` when the inputs' weights are packed for another algorithm.
  ///
  /// - Parameters:
  ///   - inputs: all with the same size of kernel.
  ///   - others: the weights of further convolutions of the only input, packed alike.
  ///   - blocksAtOnce: output blocks that have to be finished together, at most.
  init?(_ inputs: [ConvolutionInput], others: [PackedWeights] = [], blocksAtOnce: Int, pool: WorkerPool) {
    guard let weights = inputs.first?.weights,
      let transforms = pool.kernels.winograd(weights.algorithm, kernel: weights.kernelHeight)
    else { return nil }
    precondition(inputs.count == 1 || others.isEmpty, "several convolutions of a sum")
    self.inputs = inputs
    self.others = others
    kernels = pool.kernels
    self.transforms = transforms
    grid = TileGrid(inputs[0].layout, side: transforms.tile)
    groups = ([weights] + others).enumerated().flatMap { target, weights in
      stride(from: 0, to: weights.output.blocks, by: blocksAtOnce).map { block in
        Group(target: target, block: block, blocks: min(blocksAtOnce, weights.output.blocks - block))
      }
    }
    groupBlocks = groups.reduce(1) { max($0, $1.blocks) }
    inputBlocks = inputs.reduce(0) { $0 + $1.layout.blocks }
    // With one group of output blocks, the input can pass by in pieces and be forgotten. With several, each would have
    // to transform it again.
    chunkBlocks = groups.count == 1 ? min(inputBlocks, 4) : inputBlocks
    let bytesPerTile = transforms.points * 64 * (chunkBlocks + groupBlocks)
    let unit = kernels.groupTiles
    let fitting = max(2, Int(cpu_info_cache_bytes(2)) / 2 / bytesPerTile / unit)
    tiles = min(fitting, 96 / unit) * unit
    let threads = pool.threadCount
    largeTasks = max(0, grid.count / tiles - threads) / threads * threads
    let smallTasks = (grid.count - largeTasks * tiles + unit - 1) / unit
    splits = largeTasks > 0 ? 1 : min(groups.count, max(1, threads / max(smallTasks, 1)))
  }

  /// Output blocks of one of the convolutions.
  private struct Group {
    let target: Int
    let block: Int
    let blocks: Int
  }

  /// The number of ranges of tiles.
  private var ranges: Int {
    largeTasks + (grid.count - largeTasks * tiles + kernels.groupTiles - 1) / kernels.groupTiles
  }
  /// The number of tasks.
  var tasks: Int { ranges * splits }

  /// The tiles of a range.
  private func tiles(ofRange range: Int) -> Range<Int> {
    if range < largeTasks { return range * tiles..<(range + 1) * tiles }
    let first = largeTasks * tiles + (range - largeTasks) * kernels.groupTiles
    return first..<min(first + kernels.groupTiles, grid.count)
  }

  private var tileGroups: Int { (tiles + kernels.groupTiles - 1) / kernels.groupTiles }
  /// Floats from a group of transformed tiles to the next one, `[block][tile of the group][16]`.
  private var inputGroupStride: Int { chunkBlocks * kernels.groupTiles * 16 }
  /// Floats from a point to the next one; the odd vector keeps the points from sharing the same few sets of the cache.
  private var inputPointStride: Int { tileGroups * inputGroupStride + 16 }
  /// Floats from an output block's products to the next one's, `[tile][16]`.
  var productStride: Int { tileGroups * kernels.groupTiles * 16 }
  /// Floats from a point's products to the next one's.
  var pointStride: Int { groupBlocks * productStride + 16 }
  private var productsOffset: Int { transforms.points * inputPointStride }
  private var scratchOffset: Int { productsOffset + transforms.points * pointStride }
  /// Floats of scratch memory that a task needs, without what `finish` needs.
  var scratchCount: Int { scratchOffset + WinogradKernels.scratchCount }

  /// Runs task `task` in `scratch`.
  ///
  /// - Parameters:
  ///   - blocksTogether: output blocks that `finish` takes at once.
  ///   - finish: is called with the products of each tile and output block: the tile, the convolution's number, the
  ///     block, the first point's products, and scratch memory for a transform.
  func run(
    _ task: Int, blocksTogether: Int = 1, scratch: UnsafeMutablePointer<Float>,
    finish: (TileGrid.Tile, _ target: Int, _ block: Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (range, split) = task.quotientAndRemainder(dividingBy: splits)
    let (first, count) = (tiles(ofRange: range).lowerBound, tiles(ofRange: range).count)
    let (products, temporary) = (scratch + productsOffset, scratch + scratchOffset)
    var isTransformed = false
    withUnsafeTemporaryAllocation(of: ProductSource.self, capacity: inputs.count) { sources in
      for group in groups[groups.count * split / splits..<groups.count * (split + 1) / splits] {
        for chunk in stride(from: 0, to: inputBlocks, by: chunkBlocks) {
          let chunkRange = chunk..<min(chunk + chunkBlocks, inputBlocks)
          if !isTransformed || chunkBlocks < inputBlocks {
            transform(chunkRange, first: first, count: count, to: scratch, temporary)
            isTransformed = true
          }
          multiply(chunkRange, scratch, group, count: count, products, sources)
        }
        for part in stride(from: 0, to: group.blocks, by: blocksTogether) {
          for index in 0..<count {
            finish(
              grid.tile(first + index), group.target, group.block + part, products + part * productStride + index * 16,
              temporary)
          }
        }
      }
    }
  }

  /// Calls `body` for each input of which `chunk`, a range of the blocks of all inputs together, takes a part: the input,
  /// its part's blocks, and where the part starts in the chunk.
  @inline(__always)
  private func forEachInput(_ chunk: Range<Int>, _ body: (ConvolutionInput, Range<Int>, Int) -> Void) {
    var before = 0
    for input in inputs {
      let own = max(chunk.lowerBound - before, 0)..<max(min(chunk.upperBound - before, input.layout.blocks), 0)
      if own.lowerBound < own.upperBound { body(input, own, before + own.lowerBound - chunk.lowerBound) }
      before += input.layout.blocks
    }
  }

  /// Transforms the windows of some tiles in some input blocks.
  private func transform(
    _ chunk: Range<Int>, first: Int, count: Int, to transformed: UnsafeMutablePointer<Float>,
    _ temporary: UnsafeMutablePointer<Float>
  ) {
    let unit = kernels.groupTiles
    let (margin, window, transform) = (transforms.kernel / 2, transforms.window, transforms.input)
    forEachInput(chunk) { input, blocks, position in
      let layout = input.layout
      // Block by block and then tile by tile: so the rows of an image are read one after the other, as the hardware
      // expects it when it reads ahead.
      for block in 0..<blocks.count {
        for index in 0..<count {
          let tile = grid.tile(first + index)
          let rows = min(window, layout.height + layout.halo - (tile.y - margin))
          let columns = min(window, layout.width + layout.halo - (tile.x - margin))
          let pixels =
            input.pointer
            + layout.offset(
              sample: tile.sample, block: blocks.lowerBound + block, y: tile.y - margin, x: tile.x - margin)
          let target = ((position + block) * unit + index % unit) * 16
          transform(
            pixels, layout.rowStride, rows, columns, transformed + index / unit * inputGroupStride + target,
            inputPointStride, temporary)
        }
      }
    }
  }

  /// Multiplies the transformed tiles with the weights of some output blocks, point by point.
  private func multiply(
    _ chunk: Range<Int>, _ transformed: UnsafePointer<Float>, _ group: Group, count: Int,
    _ products: UnsafeMutablePointer<Float>, _ sources: UnsafeMutableBufferPointer<ProductSource>
  ) {
    let unit = kernels.groupTiles
    for point in 0..<transforms.points {
      var done = 0
      while done < group.blocks {
        let now = min(kernels.blocksAtOnce, group.blocks - done)
        var sourceCount = 0
        forEachInput(chunk) { input, own, position in
          let weights = group.target == 0 ? input.weights : others[group.target - 1]
          sources.initializeElement(
            at: sourceCount,
            to: ProductSource(
              tiles: transformed + point * inputPointStride + position * unit * 16, groupStride: inputGroupStride,
              weights: weights.buffer.pointer + point * weights.pointStride + (group.block + done)
                * weights.outputStride
                + own.lowerBound * 256,
              weightsStride: weights.outputStride,
              nextWeights: point + 1 < transforms.points ? weights.pointStride : 0,
              usedLanes: weights.usedLanesPointer + own.lowerBound,
              blocks: own.count))
          sourceCount += 1
        }
        kernels.products(
          sources.baseAddress.unsafelyUnwrapped, sourceCount, count, now,
          products + point * pointStride + done * productStride, productStride, chunk.lowerBound > 0)
        done += now
      }
    }
  }
}

/// Convolutions by Winograd's algorithm: the only one, or all those of the only input.
func convolve(_ winograd: WinogradConvolution, _ targets: [ConvolutionTarget], pool: WorkerPool) {
  let transform = winograd.transforms.output
  pool.run(tasks: winograd.tasks) { task in
    pool.withScratch(winograd.scratchCount) { scratch in
      winograd.run(task, scratch: scratch) { tile, target, block, products, temporary in
        let (rows, columns) = winograd.grid.inside(tile)
        let target = targets[target]
        transform(
          products, winograd.pointStride,
          target.output + target.layout.offset(sample: tile.sample, block: block, y: tile.y, x: tile.x),
          target.layout.rowStride, rows, columns, target.start.bias(block: block), temporary)
      }
    }
  }
}
