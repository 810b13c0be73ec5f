/// Space to depth and back between channel blocks: `stride`×`stride` neighbours are channels of one folded pixel.
///
/// Folded channel `(dy·stride + dx)·channels + channel`, the order in which ``PlainImages`` folds plain images. What is
/// written is written by one thread and copied or added once, so the number of threads changes no bit.
public struct BlockFolding: Sendable {
  /// Neighbouring channels of one of the `stride`² neighbours, which lie in one block on either side.
  private struct Run {
    let dy: Int
    let dx: Int
    let block: Int
    let lane: Int
    let foldedBlock: Int
    let foldedLane: Int
    let count: Int
  }

  private let stride: Int
  private let fine: BlockedLayout
  private let folded: BlockedLayout
  private let runs: [Run]

  /// Describes images of `channels` channels and their folded form.
  ///
  /// - Precondition: the fine images have `stride` times the rows and columns of the folded ones, and both have the blocks
  ///   that their channels need.
  public init(channels: Int, stride: Int, fine: BlockedLayout, folded: BlockedLayout) {
    let lanes = BlockedLayout.lanes
    precondition(stride > 0 && channels > 0, "folding by \(stride)")
    precondition(
      fine.batch == folded.batch && fine.height == stride * folded.height && fine.width == stride * folded.width
        && fine.blocks == ChannelOrder.plain(channels: channels).blocks
        && folded.blocks == ChannelOrder.plain(channels: stride * stride * channels).blocks,
      "images and folded images of different sizes")
    (self.stride, self.fine, self.folded) = (stride, fine, folded)
    var runs: [Run] = []
    for neighbour in 0..<stride * stride {
      var channel = 0
      while channel < channels {
        let (block, lane) = channel.quotientAndRemainder(dividingBy: lanes)
        let (foldedBlock, foldedLane) = (neighbour * channels + channel).quotientAndRemainder(dividingBy: lanes)
        let count = min(channels - channel, lanes - lane, lanes - foldedLane)
        runs.append(
          Run(
            dy: neighbour / stride, dx: neighbour % stride, block: block, lane: lane, foldedBlock: foldedBlock,
            foldedLane: foldedLane, count: count))
        channel += count
      }
    }
    self.runs = runs
  }

  /// Copies images into their folded form; its unused lanes and its halo are left as they are.
  public func fold(_ images: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, pool: WorkerPool) {
    forEachRow(pool) { run, fineOffset, foldedOffset in
      copy(
        images + fineOffset, step: stride * BlockedLayout.lanes, to: result + foldedOffset, step: BlockedLayout.lanes,
        count: run.count)
    }
  }

  /// Copies folded images back; unused lanes and the halo are left as they are.
  public func unfold(_ images: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, pool: WorkerPool) {
    forEachRow(pool) { run, fineOffset, foldedOffset in
      copy(
        images + foldedOffset, step: BlockedLayout.lanes, to: result + fineOffset, step: stride * BlockedLayout.lanes,
        count: run.count)
    }
  }

  /// Adds folded images to what `result` holds.
  public func addUnfolded(_ images: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, pool: WorkerPool) {
    forEachRow(pool) { run, fineOffset, foldedOffset in
      let (source, target) = (images + foldedOffset, result + fineOffset)
      for x in 0..<folded.width {
        let (from, to) = (source + x * BlockedLayout.lanes, target + x * stride * BlockedLayout.lanes)
        for lane in 0..<run.count { to[lane] += from[lane] }
      }
    }
  }

  /// `count` floats of every pixel of a folded row.
  @inline(__always)
  private func copy(
    _ source: UnsafePointer<Float>, step sourceStep: Int, to target: UnsafeMutablePointer<Float>, step targetStep: Int,
    count: Int
  ) {
    if count == BlockedLayout.lanes {
      for x in 0..<folded.width {
        UnsafeMutableRawPointer(target + x * targetStep).storeBytes(
          of: UnsafeRawPointer(source + x * sourceStep).loadUnaligned(as: SIMD16<Float>.self), as: SIMD16<Float>.self)
      }
    } else {
      for x in 0..<folded.width {
        let (from, to) = (source + x * sourceStep, target + x * targetStep)
        for lane in 0..<count { to[lane] = from[lane] }
      }
    }
  }

  /// Calls `body` with every run of every folded row and where it starts in either memory. Some rows are one task.
  @inline(__always)
  private func forEachRow(_ pool: WorkerPool, _ body: (Run, _ fine: Int, _ folded: Int) -> Void) {
    let rows = max(1, 512 / max(folded.width, 1))
    let bands = (folded.height + rows - 1) / rows
    pool.run(tasks: folded.batch * bands) { task in
      let (sample, band) = task.quotientAndRemainder(dividingBy: bands)
      for y in band * rows..<min((band + 1) * rows, folded.height) {
        for run in runs {
          body(
            run, fine.offset(sample: sample, block: run.block, y: y * stride + run.dy, x: run.dx) + run.lane,
            folded.offset(sample: sample, block: run.foldedBlock, y: y, x: 0) + run.foldedLane)
        }
      }
    }
  }
}
