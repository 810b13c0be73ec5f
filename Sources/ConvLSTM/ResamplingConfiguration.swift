import ConvKernels

/// A convolution with a stride, or its transpose, and how it is made an ordinary one.
///
/// A convolution of stride s is one of stride 1 over the image whose s×s neighbours are folded into channels, and a
/// transposed one is one of stride 1 whose output channels are unfolded to s×s neighbours. So both have the fast kernels.
/// The folded kernel has taps that the true one lacks; they are zero.
struct ResamplingConfiguration: Sendable, Equatable {
  enum Direction: Sendable {
    /// Strided: n·s pixels become n.
    case down
    /// Transposed: n pixels become n·s.
    case up
  }

  let direction: Direction
  let inputChannels: Int
  let outputChannels: Int
  /// The side of the kernel.
  let kernel: Int
  let stride: Int
  /// Whether the input comes folded already, as frames do, then with a patch that was folded together with the stride.
  var foldedPatch: Int?

  /// Whether images are folded, or unfolded, here.
  var needsFolding: Bool { stride > 1 && foldedPatch == nil }

  /// Zeros around the input (down), or around the output that are cut off (up).
  var padding: Int { (kernel - stride + 1) / 2 }

  /// `[out, in, k, k]`, or `[in, out, k, k]` for a transposed convolution, as PyTorch has them.
  var weightShape: [Int] {
    direction == .down
      ? [outputChannels, inputChannels, kernel, kernel] : [inputChannels, outputChannels, kernel, kernel]
  }

  /// Inputs that meet in one output, but for the border.
  var fanIn: Double {
    let taps = Double(kernel * kernel)
    return Double(inputChannels) * (direction == .down ? taps : taps / Double(stride * stride))
  }

  // The folded convolution

  /// Where tap `k` of a row or column of the kernel goes: which of the s neighbours, and how many folded pixels away.
  ///
  /// Down, output Y reads pixel s·Y + k − p = s·(Y + offset) + neighbour. Up, output s·Y + neighbour reads pixel Y + offset
  /// where k = neighbour + p − s·offset.
  private func tap(_ k: Int) -> (neighbour: Int, offset: Int) {
    let position = k - padding
    let offset = position >= 0 ? position / stride : -((stride - 1 - position) / stride)
    return (position - offset * stride, direction == .down ? offset : -offset)
  }

  /// The side of the folded kernel, odd.
  var foldedKernel: Int { 2 * (0..<kernel).reduce(0) { max($0, abs(tap($1).offset)) } + 1 }

  /// Channels of folded images.
  var foldedCount: Int { stride * stride * (direction == .down ? inputChannels : outputChannels) }

  /// The channels that the folded convolution reads.
  var input: ChannelOrder { .plain(channels: direction == .down ? foldedCount : inputChannels) }
  /// The channels that it writes.
  var output: ChannelOrder { .plain(channels: direction == .down ? outputChannels : foldedCount) }

  /// Floats of the folded kernel's plain weights, `[out, in, k, k]`.
  var foldedWeights: Int { input.channels * output.channels * foldedKernel * foldedKernel }

  /// The folded channel of a channel of one of the neighbours.
  func foldedChannel(_ channel: Int, dy: Int, dx: Int) -> Int {
    let channels = direction == .down ? inputChannels : outputChannels
    guard let patch = foldedPatch, patch > 1 else { return (dy * stride + dx) * channels + channel }
    // Folded twice at once: channel (py·patch + px)·c + plain of neighbour (dy, dx).
    let plain = channels / (patch * patch)
    let (place, remainder) = channel.quotientAndRemainder(dividingBy: plain)
    let (py, px) = place.quotientAndRemainder(dividingBy: patch)
    return ((dy * patch + py) * stride * patch + dx * patch + px) * plain + remainder
  }

  /// Calls `body` with the place of every weight whose first index is `first` in the true and in the folded tensor.
  @inline(__always)
  func forEachWeight(first: Int, _ body: (_ weight: Int, _ folded: Int) -> Void) {
    let (side, reach) = (foldedKernel, foldedKernel / 2)
    let taps = (0..<kernel).map(tap)
    let second = weightShape[1]
    let inputs = input.channels
    for other in 0..<second {
      for (ky, y) in taps.enumerated() {
        for (kx, x) in taps.enumerated() {
          let (o, i) =
            direction == .down
            ? (first, foldedChannel(other, dy: y.neighbour, dx: x.neighbour))
            : (foldedChannel(other, dy: y.neighbour, dx: x.neighbour), first)
          body(
            ((first * second + other) * kernel + ky) * kernel + kx,
            ((o * inputs + i) * side + y.offset + reach) * side + x.offset + reach)
        }
      }
    }
  }

  /// How the folded convolution and its data gradient are computed.
  func algorithms(height: Int, width: Int) -> (forward: ConvolutionAlgorithm, gradient: ConvolutionAlgorithm) {
    func fastest(_ channels: Int) -> ConvolutionAlgorithm {
      .fastest(
        kernelHeight: foldedKernel, kernelWidth: foldedKernel, inputChannels: channels, height: height, width: width)
    }
    return (fastest(input.channels), fastest(output.channels))
  }

  /// Appends weight and bias, with names that begin with `prefix`.
  func appendParameters(to layout: inout ParameterLayout, prefix: String) {
    layout.append(prefix + "weight", shape: weightShape)
    layout.append(prefix + "bias", shape: [outputChannels])
  }
}
