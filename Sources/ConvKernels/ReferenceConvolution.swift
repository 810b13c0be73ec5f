/// The convolution and its gradients as they are defined, in double precision: what every kernel is held against.
///
/// All tensors are plain: images `[b, c, h, w]`, weights `[out, in, kh, kw]`. Slow on purpose.
public struct ReferenceConvolution: Sendable {
  /// Images.
  public let batch: Int
  /// Channels read.
  public let input: Int
  /// Channels written.
  public let output: Int
  /// Rows of an image.
  public let height: Int
  /// Columns of an image.
  public let width: Int
  /// Rows of the kernel, odd.
  public let kernelHeight: Int
  /// Columns of the kernel, odd.
  public let kernelWidth: Int

  /// Describes a convolution.
  public init(
    batch: Int, input: Int, output: Int, height: Int, width: Int, kernelHeight: Int, kernelWidth: Int
  ) {
    self.batch = batch
    self.input = input
    self.output = output
    self.height = height
    self.width = width
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
  }

  /// Calls `body` for each product of the convolution with the indices into output, input and weights.
  private func forEachProduct(_ body: (_ y: Int, _ x: Int, _ w: Int) -> Void) {
    for b in 0..<batch {
      for o in 0..<output {
        for i in 0..<input {
          for ky in 0..<kernelHeight {
            for kx in 0..<kernelWidth {
              let w = ((o * input + i) * kernelHeight + ky) * kernelWidth + kx
              for y in 0..<height {
                let sy = y + ky - kernelHeight / 2
                guard sy >= 0, sy < height else { continue }
                for x in 0..<width {
                  let sx = x + kx - kernelWidth / 2
                  guard sx >= 0, sx < width else { continue }
                  body(
                    ((b * output + o) * height + y) * width + x, ((b * input + i) * height + sy) * width + sx, w)
                }
              }
            }
          }
        }
      }
    }
  }

  /// The convolution of `x` `[b, in, h, w]`, as `[b, out, h, w]`.
  public func forward(_ x: [Float], weights: [Float], bias: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: batch * output * height * width)
    for index in result.indices { result[index] = Double(bias[index / (height * width) % output]) }
    forEachProduct { result[$0] += Double(x[$1]) * Double(weights[$2]) }
    return result
  }

  /// The gradient with respect to the input, `[b, in, h, w]`, from that with respect to the output.
  public func dataGradient(_ gradient: [Float], weights: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: batch * input * height * width)
    forEachProduct { result[$1] += Double(gradient[$0]) * Double(weights[$2]) }
    return result
  }

  /// The gradient with respect to the weights, `[out, in, kh, kw]`.
  public func weightGradient(_ x: [Float], outputGradient: [Float]) -> [Double] {
    var result = [Double](repeating: 0, count: output * input * kernelHeight * kernelWidth)
    forEachProduct { result[$2] += Double(outputGradient[$0]) * Double(x[$1]) }
    return result
  }
}
