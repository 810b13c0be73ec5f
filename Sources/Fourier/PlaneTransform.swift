/// Discrete Fourier transforms of planes of one size. Nothing is scaled. Several threads may use it at once.
public final class PlaneTransform: Sendable {
  private typealias Complex = FourierTransform.Complex

  /// The number of rows.
  public let height: Int
  /// The number of columns.
  public let width: Int
  private let rows: FourierTransform
  private let columns: FourierTransform

  /// Prepares transforms of planes `[height, width]`.
  ///
  /// - Precondition: sizes are positive.
  public init(height: Int, width: Int) {
    (self.height, self.width) = (height, width)
    rows = FourierTransform(length: width)
    columns = width == height ? rows : FourierTransform(length: height)
  }

  /// The transform of two fields, `[h, w]` row by row: the first is the real part, the second the imaginary one.
  public func transformed(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>) -> ComplexPlane {
    let plane = ComplexPlane(height: height, width: width)
    transform(plane) { row, count, column in
      var number = Complex(re: .zero, im: .zero)
      for lane in 0..<count {
        let place = (row + lane) * width + column
        number.re[lane] = Double(first[place])
        number.im[lane] = Double(second[place])
      }
      return number
    }
    return plane
  }

  /// Transforms a plane in place.
  public func transform(_ plane: ComplexPlane) {
    precondition(plane.height == height && plane.width == width, "a plane of another size")
    transform(plane) { row, count, column in
      var number = Complex(re: .zero, im: .zero)
      for lane in 0..<count {
        let value = plane[row + lane, column]
        number.re[lane] = value.x
        number.im[lane] = value.y
      }
      return number
    }
  }

  /// - Parameter load: the numbers of one column in some rows, from one on.
  @inline(__always)
  private func transform(_ plane: ComplexPlane, load: (_ row: Int, _ count: Int, _ column: Int) -> Complex) {
    let lanes = FourierTransform.Lanes.scalarCount
    let longest = max(width, height)
    let line = UnsafeMutablePointer<Complex>.allocate(capacity: longest + max(rows.workCount, columns.workCount))
    defer { line.deallocate() }
    let work = line + longest
    for top in stride(from: 0, to: height, by: lanes) {
      let count = min(lanes, height - top)
      for column in 0..<width { line[column] = load(top, count, column) }
      rows.run(line, work)
      for column in 0..<width {
        let (block, lane) = (plane.blocks + column / lanes * height, column % lanes)
        for row in 0..<count {
          block[top + row].re[lane] = line[column].re[row]
          block[top + row].im[lane] = line[column].im[row]
        }
      }
    }
    for block in 0..<(width + lanes - 1) / lanes { columns.run(plane.blocks + block * height, work) }
  }
}
