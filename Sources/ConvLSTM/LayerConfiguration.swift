import ConvKernels

/// The sizes and options of one ConvLSTM layer.
public struct LayerConfiguration: Sendable, Equatable {
  /// Channels of the input; `nil` for a layer without input (the forecaster's first).
  public var inputChannels: Int?
  /// Channels of hidden and cell state.
  public var hiddenChannels: Int
  /// The kernel of the input's convolution.
  public var inputKernel: KernelSize
  /// The kernel of the hidden state's convolution.
  public var stateKernel: KernelSize
  /// Whether the gates have biases.
  public var bias: Bool
  /// Whether the gates see the cell state, with one weight per channel.
  public var peephole: Bool

  /// Describes a layer.
  public init(
    inputChannels: Int?, hiddenChannels: Int, inputKernel: KernelSize, stateKernel: KernelSize, bias: Bool = true,
    peephole: Bool = true
  ) {
    self.inputChannels = inputChannels
    self.hiddenChannels = hiddenChannels
    self.inputKernel = inputKernel
    self.stateKernel = stateKernel
    self.bias = bias
    self.peephole = peephole
  }

  func validate(_ name: String) throws(ConvLSTMError) {
    for (role, channels) in [("input", inputChannels ?? 1), ("hidden", hiddenChannels)] {
      guard (1...65_536).contains(channels) else {
        throw ConvLSTMError("\(name) has \(channels) \(role) channels; it needs 1 to 65536")
      }
    }
    if inputChannels != nil { try inputKernel.validate("\(name)'s input kernel") }
    try stateKernel.validate("\(name)'s state kernel")
  }

  /// The width of the margin of zeros that the layer's convolutions need.
  var halo: Int { max(inputChannels == nil ? 0 : inputKernel.halo, stateKernel.halo) }

  /// How the layer's convolutions are computed for images of one size.
  func algorithms(height: Int, width: Int) -> LayerAlgorithms {
    func fastest(_ kernel: KernelSize, _ channels: Int) -> ConvolutionAlgorithm {
      .fastest(
        kernelHeight: kernel.height, kernelWidth: kernel.width, inputChannels: channels, height: height, width: width)
    }
    let gates = 4 * hiddenChannels
    let areSummed = inputKernel == stateKernel
    return LayerAlgorithms(
      input: fastest(inputKernel, (inputChannels ?? 0) + (areSummed ? hiddenChannels : 0)),
      state: fastest(stateKernel, hiddenChannels + (areSummed ? inputChannels ?? 0 : 0)),
      inputGradient: fastest(inputKernel, gates), stateGradient: fastest(stateKernel, gates))
  }

  /// Inputs that meet in one gate: what the range of the first weights is drawn from.
  var fanIn: Int {
    (inputChannels ?? 0) * inputKernel.height * inputKernel.width
      + hiddenChannels * stateKernel.height * stateKernel.width
  }

  /// Appends the layer's parameters, with names that begin with `prefix`.
  func appendParameters(to layout: inout ParameterLayout, prefix: String) {
    let gates = 4 * hiddenChannels
    if let inputChannels {
      layout.append(prefix + "input.weight", shape: [gates, inputChannels, inputKernel.height, inputKernel.width])
    }
    layout.append(prefix + "state.weight", shape: [gates, hiddenChannels, stateKernel.height, stateKernel.width])
    if bias { layout.append(prefix + "bias", shape: [gates]) }
    if peephole { layout.append(prefix + "peephole", shape: [3, hiddenChannels]) }
  }
}

/// How a layer's convolutions are computed. Those of input and state are summed up in one pass when their kernels are of
/// one size, and are fast together; otherwise each has its own way.
struct LayerAlgorithms: Equatable {
  /// The input's convolution and its weight gradient.
  let input: ConvolutionAlgorithm
  /// The hidden state's convolution and its weight gradient.
  let state: ConvolutionAlgorithm
  /// The gradient with respect to the input.
  let inputGradient: ConvolutionAlgorithm
  /// The gradient with respect to the hidden state.
  let stateGradient: ConvolutionAlgorithm
}
