/// The tiles of output pixels of a batch of images, numbered image by image and row by row.
struct TileGrid {
  let layout: BlockedLayout
  /// Rows and columns of a tile.
  let side: Int
  let rows: Int
  let columns: Int

  init(_ layout: BlockedLayout, side: Int) {
    self.layout = layout
    self.side = side
    rows = (layout.height + side - 1) / side
    columns = (layout.width + side - 1) / side
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
    return Tile(sample: sample, y: side * row, x: side * column)
  }

  /// How many of a tile's rows and columns lie within the image.
  func inside(_ tile: Tile) -> (rows: Int, columns: Int) {
    (min(side, layout.height - tile.y), min(side, layout.width - tile.x))
  }
}
