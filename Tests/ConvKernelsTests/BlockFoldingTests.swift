import ConvKernels
import Testing

@Suite struct BlockFoldingTests {
  /// Folding blocks gives what folding the plain image gives, and unfolding brings the blocks back.
  @Test(arguments: [(1, 5), (3, 2), (8, 5), (16, 3), (20, 2), (7, 1)])
  func agreesWithPlainImages(channels: Int, stride: Int) {
    let (batch, rows, columns) = (2, 5, 7)
    let plain = (0..<batch * channels * rows * columns * stride * stride).map { Float($0 % 8191 + 1) }
    let pool = WorkerPool(threadCount: 2)
    func blocked(channels: Int, scale: Int, halo: Int) -> BlockedLayout {
      BlockedLayout(
        batch: batch, blocks: ChannelOrder.plain(channels: channels).blocks, height: rows * scale,
        width: columns * scale, halo: halo)
    }
    let fine = blocked(channels: channels, scale: stride, halo: 2)
    let folded = blocked(channels: channels * stride * stride, scale: 1, halo: 1)
    func copied(patch: Int, to layout: BlockedLayout) -> AlignedBuffer {
      let buffer = AlignedBuffer(count: layout.count)
      PlainImages(channels: channels, height: rows * stride, width: columns * stride, patch: patch)
        .copy(plain, toBlocks: buffer.pointer, layout, pool: pool)
      return buffer
    }
    func floats(_ buffer: AlignedBuffer) -> [Float] { (0..<buffer.count).map { buffer.pointer[$0] } }
    let (images, expected) = (copied(patch: 1, to: fine), copied(patch: stride, to: folded))

    let folding = BlockFolding(channels: channels, stride: stride, fine: fine, folded: folded)
    let result = AlignedBuffer(count: folded.count)
    folding.fold(images.pointer, to: result.pointer, pool: pool)
    #expect(floats(result) == floats(expected))
    let back = AlignedBuffer(count: fine.count)
    folding.unfold(result.pointer, to: back.pointer, pool: pool)
    #expect(floats(back) == floats(images))
    folding.addUnfolded(result.pointer, to: back.pointer, pool: pool)
    #expect(floats(back) == floats(images).map { 2 * $0 })
  }

  /// Against the definition, halo and the kink at zero included.
  @Test func leakyReLU() {
    let layout = BlockedLayout(batch: 2, blocks: 2, height: 3, width: 5, halo: 1)
    let bare = layout.with(blocks: 2, halo: 0)
    let pool = WorkerPool(threadCount: 2)
    let (values, gradient) = (AlignedBuffer(count: layout.count), AlignedBuffer(count: bare.count))
    func forEach(_ body: (_ value: Int, _ gradient: Int) -> Void) {
      for sample in 0..<2 {
        for block in 0..<2 {
          for y in 0..<3 {
            for x in 0..<5 * 16 {
              body(
                layout.offset(sample: sample, block: block, y: y, x: 0) + x,
                bare.offset(sample: sample, block: block, y: y, x: 0) + x)
            }
          }
        }
      }
    }
    forEach { value, slope in
      values.pointer[value] = Float(value % 7) - 3
      gradient.pointer[slope] = 10
    }
    let before = (0..<values.count).map { values.pointer[$0] }
    leakyReLUForward(values.pointer, layout, slope: 0.2, pool: pool)
    leakyReLUBackward(values.pointer, layout, gradient: gradient.pointer, bare, slope: 0.2, pool: pool)
    for index in before.indices { #expect(values.pointer[index] == (before[index] < 0 ? 0.2 : 1) * before[index]) }
    forEach { #expect(gradient.pointer[$1] == (before[$0] > 0 ? 10 : 10 * Float(0.2))) }
  }
}
