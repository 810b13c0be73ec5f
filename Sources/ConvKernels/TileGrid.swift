/// The tiles of 4×4 output pixels of a batch of images, numbered image by image and row by row.
struct TileGrid {
  let layout: BlockedLayout
  let rows: Int
  let columns: Int

  init(_ layout: BlockedLayout) {
    self.layout = layout
    rows = (layout.height + 3) / 4
    columns = (layout.width + 3) / 4
  }

  /// Tiles of one image.
  var perImage: Int { rows * columns }
  /// Tiles of the batch.
  var count: Int { layout.batch * perImage }

  /// One tile's place.
  struct Tile {
    let sample: Int
    let y: Int
    let x: Int
  }

  /// Tile `index` of the batch.
  func tile(_ index: Int) -> Tile {
    let (sample, inImage) = index.quotientAndRemainder(dividingBy: perImage)
    let (row, column) = inImage.quotientAndRemainder(dividingBy: columns)
    return Tile(sample: sample, y: 4 * row, x: 4 * column)
  }

  /// How many of a tile's rows and columns lie within the image.
  func inside(_ tile: Tile) -> (rows: Int, columns: Int) {
    (min(4, layout.height - tile.y), min(4, layout.width - tile.x))
  }
}
