import Tensor

/// Where the rain moves: one vector for each pixel, in pixels per frame.
public struct MotionField: Sendable, Equatable {
  /// The number of rows.
  public let height: Int
  /// The number of columns.
  public let width: Int
  /// The motion of each pixel, row by row: `x` along the columns, `y` along the rows.
  public let vectors: [SIMD2<Float>]

  /// Takes the vectors, row by row.
  ///
  /// - Precondition: there are `height * width` of them, and all are finite.
  public init(height: Int, width: Int, vectors: [SIMD2<Float>]) {
    precondition(vectors.count == height * width, "\(vectors.count) vectors for \(height) × \(width) pixels")
    precondition(vectors.allSatisfy { $0.x.isFinite && $0.y.isFinite }, "a motion is finite")
    self.height = height
    self.width = width
    self.vectors = vectors
  }

  /// The motion of one pixel.
  public subscript(row: Int, column: Int) -> SIMD2<Float> { vectors[row * width + column] }
}
