/// Named configurations. Every field can be overridden.
public enum TrainingPreset: String, Sendable, CaseIterable {
  /// The network and the frames of the radar experiment of Shi et al. 2015: patch 2, two layers of 64 channels, 3×3; 5
  /// frames in, 15 out. Trained as everything else is by default.
  case shi2015Radar = "shi2015-radar"
  /// Moving MNIST in Shi et al. 2015: one layer of 256 channels, 5×5. As all of these: patch 4, 10 frames in, 10 out, the
  /// cross-entropy, RMSProp with rate 0.001 and decay 0.9, early stopping (the paper does not say after how long).
  case shi2015MNIST1 = "shi2015-mnist-1"
  /// The same with two layers of 128 channels.
  case shi2015MNIST2 = "shi2015-mnist-2"
  /// The same with three layers of 128, 64 and 64 channels: the best of the paper.
  case shi2015MNIST3 = "shi2015-mnist-3"
  /// The same with two layers of 128 channels, 9×9 for their inputs and 1×1 for their states.
  case shi2015MNIST9x9x2 = "shi2015-mnist-9x9-2"
  /// The same with three layers of 128, 64 and 64 channels, 9×9 for their inputs and 1×1 for their states.
  case shi2015MNIST9x9x3 = "shi2015-mnist-9x9-3"
  /// Our own, for a laptop, a quarter of the work of `shi2015-radar`: patch 4, two layers of 32 channels, 3×3.
  case small

  /// The preset's options.
  public var options: TrainingOptions {
    switch self {
    case .shi2015Radar:
      var options = TrainingOptions()
      options.leadFrames = 15
      return options
    case .shi2015MNIST1: return Self.movingMNIST([256])
    case .shi2015MNIST2: return Self.movingMNIST([128, 128])
    case .shi2015MNIST3: return Self.movingMNIST([128, 64, 64])
    case .shi2015MNIST9x9x2: return Self.movingMNIST([128, 128], inputKernel: 9, stateKernel: 1)
    case .shi2015MNIST9x9x3: return Self.movingMNIST([128, 64, 64], inputKernel: 9, stateKernel: 1)
    case .small:
      var options = TrainingOptions()
      options.architecture = ModelConfiguration.Architecture(patch: 4, hidden: [32, 32])
      return options
    }
  }

  private static func movingMNIST(_ hidden: [Int], inputKernel: Int = 5, stateKernel: Int = 5) -> TrainingOptions {
    var options = TrainingOptions()
    options.architecture = ModelConfiguration.Architecture(
      patch: 4, hidden: hidden, inputKernel: [inputKernel], stateKernel: [stateKernel])
    (options.inputFrames, options.leadFrames, options.crop, options.batchSize) = (10, 10, 64, 16)
    (options.loss, options.optimizer, options.learningRate, options.rmsDecay) = (.crossEntropy, .rmsprop, 1e-3, 0.9)
    options.earlyStopping = 10
    return options
  }
}
