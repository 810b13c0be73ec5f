// Between plain tensors `[b, c, h, w]` and channel blocks.

/// Copies a plain batch `[b, c, h, w]` into channel blocks; unused lanes and the halo are left as they are (zero).
///
/// `channels` may be fewer than the blocks' lanes.
public func copyToBlocks(
  _ plain: UnsafePointer<Float>, channels: Int, _ blocked: UnsafeMutablePointer<Float>, _ layout: BlockedLayout
) {
  forEachRow(channels, layout) { plainOffset, blockedOffset in
    for x in 0..<layout.width { blocked[blockedOffset + x * BlockedLayout.lanes] = plain[plainOffset + x] }
  }
}

/// Copies channel blocks into a plain batch `[b, c, h, w]`.
public func copyFromBlocks(
  _ blocked: UnsafePointer<Float>, _ layout: BlockedLayout, _ plain: UnsafeMutablePointer<Float>, channels: Int
) {
  forEachRow(channels, layout) { plainOffset, blockedOffset in
    for x in 0..<layout.width { plain[plainOffset + x] = blocked[blockedOffset + x * BlockedLayout.lanes] }
  }
}

/// Adds a plain batch `[b, c, h, w]` to channel blocks.
public func addToBlocks(
  _ plain: UnsafePointer<Float>, channels: Int, _ blocked: UnsafeMutablePointer<Float>, _ layout: BlockedLayout
) {
  forEachRow(channels, layout) { plainOffset, blockedOffset in
    for x in 0..<layout.width { blocked[blockedOffset + x * BlockedLayout.lanes] += plain[plainOffset + x] }
  }
}

@inline(__always)
private func forEachRow(_ channels: Int, _ layout: BlockedLayout, _ body: (Int, Int) -> Void) {
  precondition(channels <= layout.blocks * BlockedLayout.lanes, "more channels than the blocks hold")
  for sample in 0..<layout.batch {
    for channel in 0..<channels {
      for y in 0..<layout.height {
        let (block, lane) = channel.quotientAndRemainder(dividingBy: BlockedLayout.lanes)
        body(
          ((sample * channels + channel) * layout.height + y) * layout.width,
          layout.offset(sample: sample, block: block, y: y, x: 0) + lane)
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
