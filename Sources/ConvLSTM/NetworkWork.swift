/// The arithmetic of a network, counted as direct convolutions: one multiply-add is two operations. Fast algorithms do with
/// less, so that the rate in these operations may be above what the processor could do directly.
public struct NetworkWork: Sendable {
  /// Operations of one sample's forward and backward pass.
  public let trainingOperations: Double

  /// Counts the operations of a network.
  ///
  /// - Parameters:
  ///   - configuration: the network.
  ///   - inputFrames: frames of a sample that are read.
  ///   - leadFrames: frames that are forecast.
  ///   - height: the rows of a frame.
  ///   - width: its columns.
  public init(
    _ configuration: EncoderForecasterConfiguration, inputFrames: Int, leadFrames: Int, height: Int, width: Int
  ) {
    trainingOperations = configuration.parameterLayout.entries.reduce(0) { sum, entry in
      // Biases and peepholes are no convolutions.
      guard entry.name.hasSuffix("weight") else { return sum }
      let words = entry.name.split(separator: ".")
      let isEncoder = words[0] == "encoder"
      // Weights are used once for each pixel of the scale at which their layer computes; the head's, of the frame.
      let layer = words[1] == "layers" ? Int(words[2]) : nil
      let scale = isEncoder ? layer : layer.map(configuration.encoderLayer(ofForecasterLayer:))
      let pixels =
        Double(configuration.extent(height, layer: scale)) * Double(configuration.extent(width, layer: scale))
      // The encoder's first states are zero, and nothing is convolved with them.
      let isEncoderState = isEncoder && words.contains("state")
      let steps = isEncoder ? inputFrames - (isEncoderState ? 1 : 0) : leadFrames
      // Forward, the weights' gradients and the input's, which nobody needs for the frames themselves.
      let isFirst =
        isEncoder && layer == 0 && words.contains(configuration.scales.isEmpty ? "input" : "downsampling")
      return sum + 2 * Double(entry.shape.reduce(1, *)) * pixels * Double(steps) * (isFirst ? 2 : 3)
    }
  }
}
