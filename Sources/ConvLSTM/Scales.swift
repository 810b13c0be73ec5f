/// What makes an encoder–forecaster multi-scale (Shi et al. 2017): in front of each encoder layer a convolution with a
/// stride, and behind the forecaster layer of the same scale a transposed one with the same stride, which comes back.
///
/// A leaky rectifier of slope 0.2 follows each of them. Zeros are padded so that n·stride pixels become n, and n pixels
/// n·stride. All lists are in the order of the encoder's layers.
public struct Scales: Sendable, Equatable, Codable {
  /// What leaky rectifiers multiply negative numbers with (HKO-7).
  static let slope: Float = 0.2

  /// How many times fewer rows and columns each encoder layer has than what it reads. Empty in a network of one scale.
  public var stride: [Int]
  /// The side of the strided convolutions' kernels.
  public var downKernel: [Int]
  /// Channels that the strided convolutions make.
  public var downChannels: [Int]
  /// The side of the transposed convolutions' kernels.
  public var upKernel: [Int]
  /// Channels that the transposed convolutions make.
  public var upChannels: [Int]
  /// The side of the kernel of the last convolution in front of the head, which keeps the channels; with a leaky rectifier,
  /// too.
  public var outputKernel: Int

  enum CodingKeys: String, CodingKey {
    case stride
    case downKernel = "down_kernel"
    case downChannels = "down_channels"
    case upKernel = "up_kernel"
    case upChannels = "up_channels"
    case outputKernel = "output_kernel"
  }

  /// Describes scales.
  ///
  /// What is left out follows from the strides and the layers' hidden channels as in HKO-7: kernels that reach one pixel
  /// over a stride's on each side (those of strided convolutions being odd), eight channels at the finest scale, and
  /// otherwise as many as the layer that reads them has.
  public init(
    stride: [Int] = [], hidden: [Int] = [], downKernel: [Int] = [], downChannels: [Int] = [], upKernel: [Int] = [],
    upChannels: [Int] = [], outputKernel: Int = 3
  ) {
    self.stride = stride
    self.downKernel = downKernel.isEmpty ? stride.map { $0 % 2 == 1 ? $0 + 2 : $0 + 1 } : downKernel
    self.downChannels = downChannels.isEmpty && !stride.isEmpty ? [8] + hidden.dropFirst() : downChannels
    self.upKernel = upKernel.isEmpty ? stride.map { $0 + 2 } : upKernel
    self.upChannels = upChannels.isEmpty && !stride.isEmpty ? [8] + hidden.dropLast() : upChannels
    self.outputKernel = outputKernel
  }

  /// The same with what was left out.
  public func filled(hidden: [Int]) -> Scales {
    Scales(
      stride: stride, hidden: hidden, downKernel: downKernel, downChannels: downChannels, upKernel: upKernel,
      upChannels: upChannels, outputKernel: outputKernel)
  }

  /// Whether all layers are of one scale, without any convolution between them.
  public var isEmpty: Bool { stride.isEmpty }

  /// Pixels on a side at the finest scale for one at the coarsest.
  var product: Int { stride.reduce(1, *) }

  func validate(layers: Int) throws(ConvLSTMError) {
    let lists = [
      ("strides", stride), ("kernels of strided convolutions", downKernel),
      ("numbers of channels of strided convolutions", downChannels),
      ("kernels of transposed convolutions", upKernel), ("numbers of channels of transposed convolutions", upChannels),
    ]
    for (what, list) in lists where list.count != (stride.isEmpty ? 0 : layers) {
      throw ConvLSTMError("\(list.count) \(what) for \(layers) layers; give one for each layer")
    }
    for (index, stride) in stride.enumerated() {
      guard (1...64).contains(stride) else {
        throw ConvLSTMError("stride \(index) is \(stride); it must be 1 to 64")
      }
      for channels in [downChannels[index], upChannels[index]] where !(1...65_536).contains(channels) {
        throw ConvLSTMError("scale \(index) has \(channels) channels; it needs 1 to 65536")
      }
      let (down, up) = (downKernel[index], upKernel[index])
      guard (stride...999).contains(down), stride > 1 || down % 2 == 1 else {
        throw ConvLSTMError(
          "strided convolution \(index) has a kernel of \(down) and stride \(stride); the kernel must be at least the "
            + "stride, below 1000, and odd where the stride is 1")
      }
      guard (stride...999).contains(up), (up - stride) % 2 == 0 else {
        throw ConvLSTMError(
          "transposed convolution \(index) has a kernel of \(up) and stride \(stride); the kernel must be the stride or "
            + "larger by an even number, and below 1000")
      }
    }
    guard stride.isEmpty || (outputKernel % 2 == 1 && (1...999).contains(outputKernel)) else {
      throw ConvLSTMError("the output's kernel is \(outputKernel); it must be odd, 1 to 999")
    }
    // Beyond it no frame is large enough, and no number of padded pixels small.
    guard stride.reduce(1.0, { $0 * Double($1) }) <= 4096 else {
      throw ConvLSTMError("the strides multiply to more than 4096")
    }
  }
}
