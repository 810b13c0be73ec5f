import KernelInterface

/// How a convolution is computed. All ways give the same sums up to rounding. Largest errors relative to the largest
/// result, for 1 to 200 channels: direct 4e-6; Winograd's algorithm 5e-6 for 3×3 in tiles of 4×4, 2e-5 for 3×3 in tiles
/// of 6×6 and for 5×5 (`ConvolutionTests`).
public enum ConvolutionAlgorithm: Sendable, CaseIterable {
  /// The sum as it is defined. Any kernel.
  case direct
  /// Winograd's algorithm in tiles of 4×4 pixels: 4 times fewer products for 3×3, 6.25 times fewer for 5×5.
  case winograd4
  /// Winograd's algorithm in tiles of 6×6 pixels: 5.06 times fewer products for 3×3.
  case winograd6

  /// The fastest one. The one place that decides.
  ///
  /// - Parameters:
  ///   - inputChannels: those of all inputs that are summed up; the transforms of the output are done once for all.
  ///   - height: rows of the image; an image smaller than a tile costs a tile.
  ///   - width: its columns.
  public static func fastest(
    kernelHeight: Int, kernelWidth: Int, inputChannels: Int, height: Int, width: Int
  ) -> ConvolutionAlgorithm {
    switch (kernelHeight, kernelWidth) {
    // Measured: with fewer input channels there are too few products to pay for the output's transform. The number of
    // output channels makes no difference: fewer than sixteen cost either way as much as sixteen.
    case (3, 3) where inputChannels >= 6:
      // The one with fewer products, and where they are the same, the more accurate one.
      func products(_ tile: Int) -> Double {
        (Double(height) / Double(tile)).rounded(.up) * (Double(width) / Double(tile)).rounded(.up)
          * Double((tile + 2) * (tile + 2))
      }
      return products(6) < products(4) ? .winograd6 : .winograd4
    case (5, 5) where inputChannels >= 4: return .winograd4
    default: return .direct
    }
  }

  /// Rows and columns of a tile; `nil` for the direct sum.
  public var tile: Int? {
    switch self {
    case .direct: nil
    case .winograd4: 4
    case .winograd6: 6
    }
  }

  /// Numbers that a pair of channels' weights become: taps, or points of the transform.
  func elements(kernelHeight: Int, kernelWidth: Int) -> Int {
    guard let tile else { return kernelHeight * kernelWidth }
    return (kernelHeight + tile - 1) * (kernelWidth + tile - 1)
  }

  /// Whether it can do that kernel.
  public func handles(kernelHeight: Int, kernelWidth: Int) -> Bool {
    switch self {
    case .direct: true
    case .winograd4: kernelHeight == kernelWidth && (kernelHeight == 3 || kernelHeight == 5)
    case .winograd6: kernelHeight == 3 && kernelWidth == 3
    }
  }
}

extension KernelTable {
  /// The transforms for a kernel; `nil` for the direct sum.
  ///
  /// - Precondition: the algorithm can do that kernel.
  func winograd(_ algorithm: ConvolutionAlgorithm, kernel: Int) -> WinogradKernels? {
    guard let tile = algorithm.tile else { return nil }
    guard let transforms = winograd.first(where: { $0.kernel == kernel && $0.tile == tile }) else {
      preconditionFailure("no transforms of tiles of \(tile) for kernels of \(kernel)")
    }
    return transforms
  }
}
