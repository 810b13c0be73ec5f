/// The sides of a convolution kernel, in pixels.
public struct KernelSize: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// Rows.
  public let height: Int
  /// Columns.
  public let width: Int

  /// A kernel of `height` × `width`.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// A square kernel.
  public init(integerLiteral side: Int) { self.init(side, side) }

  /// A square kernel.
  public init(_ side: Int) { self.init(side, side) }

  /// Half the longer side: the margin of zeros that the convolution needs.
  var halo: Int { max(height, width) / 2 }

  /// Throws unless both sides are odd and positive: only then does an output pixel have a middle to stand on.
  func validate(_ role: String) throws(ConvLSTMError) {
    guard height > 0, width > 0, height % 2 == 1, width % 2 == 1 else {
      throw ConvLSTMError("\(role) is \(height)×\(width); both sides of a kernel must be odd and positive")
    }
    guard height < 1000, width < 1000 else {
      throw ConvLSTMError("\(role) is \(height)×\(width); no side may be 1000 or more")
    }
  }
}
