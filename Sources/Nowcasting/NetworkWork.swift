import ConvLSTM

/// The arithmetic of a network, counted as direct convolutions: one multiply-add is two operations. Fast algorithms do with
/// less, so that the rate in these operations may be above what the processor could do directly.
struct NetworkWork {
  /// Operations of one sample's forward and backward pass.
  let trainingOperations: Double

  /// - Parameters:
  ///   - height: the rows of a frame.
  ///   - width: its columns.
  init(_ network: EncoderForecasterConfiguration, inputFrames: Int, leadFrames: Int, height: Int, width: Int) {
    let patch = network.patch
    let pixels = Double((height + patch - 1) / patch) * Double((width + patch - 1) / patch)
    trainingOperations = network.parameterLayout.entries.reduce(0) { sum, entry in
      // Biases and peepholes are no convolutions.
      guard entry.name.hasSuffix("weight") else { return sum }
      let isEncoder = entry.name.hasPrefix("encoder.")
      // The encoder's first states are zero, and nothing is convolved with them.
      let isEncoderState = isEncoder && entry.name.hasSuffix("state.weight")
      let steps = isEncoder ? inputFrames - (isEncoderState ? 1 : 0) : leadFrames
      // Forward, the weights' gradients and the input's, which nobody needs for the frames themselves.
      let passes = entry.name == "encoder.layers.0.input.weight" ? 2.0 : 3
      return sum + 2 * Double(entry.shape.reduce(1, *)) * pixels * Double(steps) * passes
    }
  }
}
