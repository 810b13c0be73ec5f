/// Memory for the complex numbers of a plane, `[h, w]`, in double precision.
///
/// Columns lie in blocks of eight, row by row, as ``FourierTransform`` takes them. `@unchecked Sendable`: who writes which
/// part is settled by the owner.
public final class ComplexPlane: @unchecked Sendable {
  /// The number of rows.
  public let height: Int
  /// The number of columns.
  public let width: Int
  /// The blocks of columns; in the last one, lanes beyond the width are zero or of no meaning.
  @usableFromInline let blocks: UnsafeMutablePointer<FourierTransform.Complex>
  @usableFromInline static let lanes = FourierTransform.Lanes.scalarCount
  private let count: Int

  /// Zeros.
  ///
  /// - Precondition: sizes are not negative.
  public init(height: Int, width: Int) {
    precondition(height >= 0 && width >= 0, "a plane of \(height) × \(width)")
    (self.height, self.width) = (height, width)
    count = (width + Self.lanes - 1) / Self.lanes * height
    blocks = .allocate(capacity: count)
    blocks.initialize(repeating: .init(re: .zero, im: .zero), count: count)
  }

  deinit { blocks.deallocate() }

  /// The number at a place: its real part as `x`, its imaginary one as `y`. Nothing checks bounds.
  @inlinable
  public subscript(row: Int, column: Int) -> SIMD2<Double> {
    get {
      let value = blocks + (column / Self.lanes * height + row)
      return SIMD2(value.pointee.re[column % Self.lanes], value.pointee.im[column % Self.lanes])
    }
    set {
      let value = blocks + (column / Self.lanes * height + row)
      value.pointee.re[column % Self.lanes] = newValue.x
      value.pointee.im[column % Self.lanes] = newValue.y
    }
  }
}
