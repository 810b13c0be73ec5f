/// Where the pixels of a plain batch lie, and how they are folded into channel blocks.
///
/// A plain image is `[c, height, width]`. With a patch of p, p×p neighbours become channels of one pixel (space to depth):
/// channel `(dy·p + dx)·c + channel`. Where the image is no multiple of the patch, or the blocks are larger, its right and
/// lower border is filled up with zeros, which are left out on the way back.
public struct PlainImages: Sendable {
  /// Channels of the plain image.
  public let channels: Int
  /// Its rows.
  public let height: Int
  /// Its columns.
  public let width: Int
  /// Pixels on a side that are folded into one.
  public let patch: Int
  /// Floats from an image to the next one of the batch.
  public let sampleStride: Int

  /// Describes plain images; by default they follow each other without a gap.
  public init(channels: Int, height: Int, width: Int, patch: Int = 1, sampleStride: Int? = nil) {
    precondition(patch > 0, "a patch has at least one pixel")
    self.channels = channels
    self.height = height
    self.width = width
    self.patch = patch
    self.sampleStride = sampleStride ?? channels * height * width
  }

  /// Channels after folding.
  public var foldedChannels: Int { channels * patch * patch }
  /// Rows after folding.
  public var foldedHeight: Int { (height + patch - 1) / patch }
  /// Columns after folding.
  public var foldedWidth: Int { (width + patch - 1) / patch }

  /// Copies plain images into channel blocks; unused lanes, the halo and what is filled up are left as they are.
  public func copy(
    _ plain: UnsafePointer<Float>, toBlocks blocked: UnsafeMutablePointer<Float>, _ layout: BlockedLayout,
    pool: WorkerPool
  ) {
    forEachRow(layout, pool) { plainOffset, blockedOffset, count in
      for x in 0..<count { blocked[blockedOffset + x * BlockedLayout.lanes] = plain[plainOffset + x * patch] }
    }
  }

  /// Adds plain images to channel blocks.
  public func add(
    _ plain: UnsafePointer<Float>, toBlocks blocked: UnsafeMutablePointer<Float>, _ layout: BlockedLayout,
    pool: WorkerPool
  ) {
    forEachRow(layout, pool) { plainOffset, blockedOffset, count in
      for x in 0..<count { blocked[blockedOffset + x * BlockedLayout.lanes] += plain[plainOffset + x * patch] }
    }
  }

  /// Copies channel blocks into plain images.
  public func copy(
    fromBlocks blocked: UnsafePointer<Float>, _ layout: BlockedLayout, to plain: UnsafeMutablePointer<Float>,
    pool: WorkerPool
  ) {
    forEachRow(layout, pool) { plainOffset, blockedOffset, count in
      let (row, pixels) = (plain + plainOffset, blocked + blockedOffset)
      var x = 0
      if patch == 1 {
        // Four loads and one store at a time, where a compiler's gather instruction would be slower.
        while x + 4 <= count {
          let p = pixels + x * BlockedLayout.lanes
          UnsafeMutableRawPointer(row + x).storeBytes(of: SIMD4(p[0], p[16], p[32], p[48]), as: SIMD4<Float>.self)
          x += 4
        }
      }
      while x < count {
        row[x * patch] = pixels[x * BlockedLayout.lanes]
        x += 1
      }
    }
  }

  /// Calls `body` for each row of each folded channel: where it starts in either memory, and its number of pixels. Some rows
  /// of the channels of a block are one task: they share the block's cache lines.
  @inline(__always)
  private func forEachRow(_ layout: BlockedLayout, _ pool: WorkerPool, _ body: (Int, Int, Int) -> Void) {
    precondition(
      foldedChannels <= layout.blocks * BlockedLayout.lanes && foldedHeight <= layout.height
        && foldedWidth <= layout.width, "images larger than their blocks")
    let rows = max(1, 8192 / max(layout.width, 1))
    let bands = (layout.height + rows - 1) / rows
    pool.run(tasks: layout.batch * layout.blocks * bands) { task in
      let (image, band) = task.quotientAndRemainder(dividingBy: bands)
      let (sample, block) = image.quotientAndRemainder(dividingBy: layout.blocks)
      // Row by row, and for each all channels, while the row is in the first cache.
      for y in band * rows..<min((band + 1) * rows, layout.height) {
        for lane in 0..<min(BlockedLayout.lanes, foldedChannels - block * BlockedLayout.lanes) {
          let (position, channel) = (block * BlockedLayout.lanes + lane).quotientAndRemainder(dividingBy: channels)
          let (dy, dx) = position.quotientAndRemainder(dividingBy: patch)
          guard y * patch + dy < height else { continue }
          body(
            sample * sampleStride + (channel * height + y * patch + dy) * width + dx,
            layout.offset(sample: sample, block: block, y: y, x: 0) + lane, (width - dx + patch - 1) / patch)
        }
      }
    }
  }
}

/// Copies one number per channel, `[channels]`, into sixteens, `[blocks][16]`, in the order of the channels.
public func packChannels(_ plain: UnsafePointer<Float>, _ order: ChannelOrder, _ packed: UnsafeMutablePointer<Float>) {
  for block in 0..<order.blocks {
    for lane in 0..<BlockedLayout.lanes {
      packed[block * BlockedLayout.lanes + lane] = order.channel(block: block, lane: lane).map { plain[$0] } ?? 0
    }
  }
}

/// Copies peepholes `[3, hidden]` into `[hidden block][3][16]`.
public func packPeepholes(_ plain: UnsafePointer<Float>, hidden: Int, _ packed: UnsafeMutablePointer<Float>) {
  let order = ChannelOrder.plain(channels: hidden)
  for block in 0..<order.blocks {
    for gate in 0..<3 {
      for lane in 0..<BlockedLayout.lanes {
        let channel = order.channel(block: block, lane: lane)
        packed[(block * 3 + gate) * BlockedLayout.lanes + lane] = channel.map { plain[gate * hidden + $0] } ?? 0
      }
    }
  }
}
