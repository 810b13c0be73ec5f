/// Where the floats of a batch of images lie in memory: `[b][channel block][y + 2·halo][x + 2·halo][16]`.
///
/// Sixteen channels of a pixel lie side by side, so that a vector holds channels and every pixel is reached alike. The
/// halo is a margin of zeros that stands for the zero padding of the convolution: no kernel tests for a border.
/// Unused lanes of the last block hold zeros.
public struct BlockedLayout: Sendable, Equatable {
  /// Channels side by side in memory.
  public static let lanes = 16
  /// Floats behind the last pixel which a kernel may read (and never use) when a tile reaches over the right border.
  public static let slack = 8 * lanes

  /// The number of images.
  public let batch: Int
  /// The number of blocks of 16 channels.
  public let blocks: Int
  /// The height of an image without its halo, in pixels.
  public let height: Int
  /// The width of an image without its halo, in pixels.
  public let width: Int
  /// The width of the margin of zeros on each side, in pixels.
  public let halo: Int

  /// A layout of `blocks` blocks of 16 channels.
  ///
  /// - Precondition: nothing is negative, and the memory it describes can be addressed.
  public init(batch: Int, blocks: Int, height: Int, width: Int, halo: Int) {
    precondition(batch >= 0 && blocks >= 0 && height >= 0 && width >= 0 && halo >= 0, "a layout of negative size")
    let sizes = [batch, blocks, height + 2 * halo, width + 2 * halo, Self.lanes * MemoryLayout<Float>.stride]
    let bytes = sizes.reduce((partialValue: 1, overflow: false)) { product, size in
      let (partialValue, overflow) = product.partialValue.multipliedReportingOverflow(by: size)
      return (partialValue, product.overflow || overflow)
    }
    precondition(!bytes.overflow && bytes.partialValue < 1 << 56, "a layout that no memory can hold")
    self.batch = batch
    self.blocks = blocks
    self.height = height
    self.width = width
    self.halo = halo
  }

  /// Floats from a pixel to the one below it.
  public var rowStride: Int { (width + 2 * halo) * Self.lanes }
  /// Floats from a pixel to the same pixel of the next channel block.
  public var blockStride: Int { (height + 2 * halo) * rowStride }
  /// Floats from an image to the next one.
  public var sampleStride: Int { blocks * blockStride }
  /// Floats that a buffer of this layout needs.
  public var count: Int { batch * sampleStride + Self.slack }

  /// The position of a pixel's first channel in a block. `y` and `x` may reach into the halo.
  @inline(__always)
  public func offset(sample: Int, block: Int, y: Int, x: Int) -> Int {
    sample * sampleStride + block * blockStride + (y + halo) * rowStride + (x + halo) * Self.lanes
  }

  /// Sets the halo of all images, and what lies behind the last one, to zero.
  public func clearHalo(_ buffer: UnsafeMutablePointer<Float>) {
    let (margin, row) = (halo * Self.lanes, halo * rowStride)
    for image in 0..<batch * blocks {
      let first = buffer + image * blockStride
      first.update(repeating: 0, count: row)
      for y in halo..<halo + height {
        (first + y * rowStride).update(repeating: 0, count: margin)
        (first + (y + 1) * rowStride - margin).update(repeating: 0, count: margin)
      }
      (first + blockStride - row).update(repeating: 0, count: row)
    }
    (buffer + batch * sampleStride).update(repeating: 0, count: Self.slack)
  }

  /// The same images with another number of channel blocks.
  public func with(blocks: Int, halo: Int) -> BlockedLayout {
    BlockedLayout(batch: batch, blocks: blocks, height: height, width: width, halo: halo)
  }

  /// Another number of images that lie alike.
  public func with(batch: Int) -> BlockedLayout {
    BlockedLayout(batch: batch, blocks: blocks, height: height, width: width, halo: halo)
  }
}

/// Which channel of a weight tensor stands in which lane of which block.
public enum ChannelOrder: Sendable, Equatable {
  /// Channel `16·block + lane`.
  case plain(channels: Int)
  /// The four gates of a ConvLSTM, given one after the other (input, forget, output, candidate; `hidden` channels each).
  ///
  /// In memory the four gates of sixteen hidden channels are neighbours: block `4·(hidden block) + gate`. So one task
  /// finds all it needs for the state of these channels.
  case gates(hidden: Int)

  /// The number of channels.
  public var channels: Int {
    switch self {
    case .plain(let channels): channels
    case .gates(let hidden): 4 * hidden
    }
  }

  /// The number of blocks of 16 lanes that hold the channels.
  public var blocks: Int {
    switch self {
    case .plain(let channels): (channels + BlockedLayout.lanes - 1) / BlockedLayout.lanes
    case .gates(let hidden): 4 * ((hidden + BlockedLayout.lanes - 1) / BlockedLayout.lanes)
    }
  }

  /// The channel in a lane of a block; `nil` for a lane that no channel uses.
  public func channel(block: Int, lane: Int) -> Int? {
    switch self {
    case .plain(let channels):
      let channel = block * BlockedLayout.lanes + lane
      return channel < channels ? channel : nil
    case .gates(let hidden):
      let channel = block / 4 * BlockedLayout.lanes + lane
      return channel < hidden ? block % 4 * hidden + channel : nil
    }
  }

  /// How many lanes, counted from the first, a kernel must visit in a block so as to meet every channel.
  func usedLanes(block: Int) -> Int {
    (0..<BlockedLayout.lanes).last { channel(block: block, lane: $0) != nil }.map { $0 + 1 } ?? 0
  }
}
