import KernelInterface

/// How a convolution is computed. Both ways give the same sums up to rounding. Largest errors relative to the largest
/// result, for 1 to 200 channels: direct 4e-6, Winograd's algorithm 5e-6 for 3×3 and 2e-5 for 5×5 (`ConvolutionTests`).
public enum ConvolutionAlgorithm: Sendable, CaseIterable {
  /// The sum as it is defined. Any kernel.
  case direct
  /// Winograd's algorithm in tiles of 4×4 pixels: 4 times fewer products for 3×3, 6.25 times fewer for 5×5.
  case winograd

  /// The faster one. The one place that decides.
  ///
  /// The image's size does not matter: an image smaller than a tile costs one tile, which even for 2×2 pixels is no more
  /// than the direct sum.
  ///
  /// - Parameter inputChannels: those of all inputs that are summed up; the transforms of the output are done once for all.
  public static func fastest(
    kernelHeight: Int, kernelWidth: Int, inputChannels: Int
  ) -> ConvolutionAlgorithm {
    switch (kernelHeight, kernelWidth) {
    // Measured: with fewer input channels there are too few products to pay for the output's transform. The number of
    // output channels makes no difference: fewer than sixteen cost either way as much as sixteen.
    case (3, 3): inputChannels >= 6 ? .winograd : .direct
    case (5, 5): inputChannels >= 4 ? .winograd : .direct
    default: .direct
    }
  }

  /// Numbers that a pair of channels' weights become: taps, or points of the transform.
  func elements(kernelHeight: Int, kernelWidth: Int) -> Int {
    self == .direct ? kernelHeight * kernelWidth : (kernelHeight + 3) * (kernelWidth + 3)
  }

  /// Whether it can do that kernel.
  public func handles(kernelHeight: Int, kernelWidth: Int) -> Bool {
    self == .direct || (kernelHeight == kernelWidth && (kernelHeight == 3 || kernelHeight == 5))
  }
}

extension KernelTable {
  /// The transforms for a kernel that ``ConvolutionAlgorithm/winograd`` handles.
  func winograd(kernel: Int) -> WinogradKernels { kernel == 3 ? winograd3 : winograd5 }
}
