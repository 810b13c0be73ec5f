import ConvKernels

/// The sizes of a convolution. One list of them drives the checks of the convolution and of both gradients, and
/// `KernelBenchmark --cases` takes their time.
@dynamicMemberLookup
public struct ConvolutionCase: Sendable, CustomStringConvertible {
  /// The convolution in double precision.
  public let reference: ReferenceConvolution

  /// A case with a square kernel, or with one of `kernel` rows and `kernelWidth` columns.
  public init(
    _ input: Int, _ output: Int, _ height: Int, _ width: Int, _ kernel: Int, by kernelWidth: Int? = nil, batch: Int = 1
  ) {
    reference = ReferenceConvolution(
      batch: batch, input: input, output: output, height: height, width: width, kernelHeight: kernel,
      kernelWidth: kernelWidth ?? kernel)
  }

  /// The sizes.
  public subscript(dynamicMember size: KeyPath<ReferenceConvolution, Int> & Sendable) -> Int {
    reference[keyPath: size]
  }

  /// The sizes in words.
  public var description: String {
    "[\(self.batch), \(self.input), \(self.height), \(self.width)] -> \(self.output) by \(self.kernelHeight)x\(self.kernelWidth)"
  }

  /// Multiplications and additions of the direct sum, those with the zero padding included.
  public var operations: Int {
    2 * self.batch * self.input * self.output * self.height * self.width * self.kernelHeight * self.kernelWidth
  }

  /// What `ConvolutionAlgorithm.fastest` chooses for it.
  public var chosenAlgorithm: ConvolutionAlgorithm {
    .fastest(
      kernelHeight: self.kernelHeight, kernelWidth: self.kernelWidth, inputChannels: self.input, height: self.height,
      width: self.width)
  }

  /// Every algorithm that can compute it.
  public var algorithms: [ConvolutionAlgorithm] {
    ConvolutionAlgorithm.allCases.filter { $0.handles(kernelHeight: self.kernelHeight, kernelWidth: self.kernelWidth) }
  }

  /// Small cases at every edge that the kernels have, and some as large as those of a network.
  public static let all: [ConvolutionCase] =
    // Every width up to two tiles, so that each way to cut a row into tiles is taken.
    (1...14).map { ConvolutionCase(3, 5, 4, $0, 3) }
    // Every kernel, on an image larger and on one smaller than itself.
    + [1, 3, 5, 7, 9].flatMap { [ConvolutionCase(4, 7, 11, 13, $0), ConvolutionCase(2, 3, 3, 2, $0)] }
    // Channel numbers around the lanes of a block.
    + [1, 15, 16, 17, 33, 64].map { ConvolutionCase($0, 16, 6, 9, 3) }
    + [1, 15, 16, 17, 33, 200].map { ConvolutionCase(18, $0, 5, 7, 3) }
    + [
      ConvolutionCase(6, 6, 8, 8, 3, by: 5), ConvolutionCase(6, 6, 8, 8, 7, by: 1),
      ConvolutionCase(5, 20, 9, 10, 5, batch: 3), ConvolutionCase(1, 1, 1, 1, 9), ConvolutionCase(8, 8, 40, 70, 3),
    ]
    // Winograd's tiles of 4×4 and 6×6: sizes around one, two and three of them in both directions.
    + [3, 5].flatMap { kernel in
      [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 18, 19].flatMap { size in
        [
          ConvolutionCase(9, 18, size, 6, kernel, batch: 2), ConvolutionCase(9, 18, 6, size, kernel, batch: 2),
        ]
      }
    }
    // Channels beyond one group of output blocks, and one chunk of input blocks.
    + [3, 5].flatMap { kernel in
      [(200, 150), (70, 3), (2, 145), (40, 64)].map { ConvolutionCase($0, $1, 9, 14, kernel) }
    }
    // Layers of a network: the first one's few channels, a state's, a folded image's.
    + [3, 5].flatMap { kernel in
      [
        ConvolutionCase(1, 128, 64, 64, kernel), ConvolutionCase(32, 128, 48, 48, kernel),
        ConvolutionCase(64, 256, 16, 16, kernel), ConvolutionCase(16, 64, 16, 16, kernel, batch: 4),
      ]
    }
    + [ConvolutionCase(32, 64, 32, 32, 1), ConvolutionCase(16, 64, 16, 16, 9)]
}
