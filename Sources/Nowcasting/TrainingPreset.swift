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
  /// The ConvLSTM of three scales for HKO-7 (Shi et al. 2017), as Hzzone/Precipitation-Nowcasting has it: strides 5, 3, 2
  /// and 64, 192, 192 channels, without peepholes, the forecaster reversed; 5 frames of 480 × 480 in, 20 out. Trained as
  /// sxjscience/HKO-7 trains its networks: balanced loss, batches of 4, Adam with β₁ = 0.5 and rate 0.0001, times 0.7
  /// every 20,000 updates.
  case hko7
  /// Our own, the one that forecasts best, and the standard: probabilities of exceedance in Lagrangian coordinates, patch 4, two layers of 48
  /// channels, 3×3; 4 frames in, an hour out. 1500 updates of wet crops that are turned, mirrored, and three times as strong
  /// or weak at most, from the starter model on. `Scripts/leave-one-out.py` is about it.
  case lagrangian
  /// Our own, for a laptop, a quarter of the work of `shi2015-radar`: patch 4, two layers of 32 channels, 3×3.
  case small

  /// The preset of a run that says nothing about its network.
  public static let standard = lagrangian

  /// The preset of a run: the one that is named, or the standard one if nothing describes a network.
  ///
  /// - Parameter initial: the weights that the run begins with.
  public static func chosen(
    file: TrainingConfiguration?, commandLine: TrainingConfiguration, initial: InitialWeights?
  ) -> TrainingPreset? {
    if let named = commandLine.preset ?? file?.preset { return named }
    let isDescribed = initial != nil || commandLine.describesNetwork || file?.describesNetwork == true
    return isDescribed ? nil : standard
  }

  /// The preset's options.
  public var options: TrainingOptions {
    var options = overridableOptions
    options.architecture.scales = options.architecture.scales.filled(hidden: options.architecture.hidden)
    return options
  }

  /// The options where what follows from others is still open.
  var overridableOptions: TrainingOptions {
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
    case .hko7: return Self.hko7Options
    case .lagrangian:
      var options = TrainingOptions()
      options.architecture = ModelConfiguration.Architecture(patch: 4, hidden: [48, 48])
      (options.coordinates, options.guidance, options.loss) = (.lagrangian, .sprog, .exceedance)
      options.inputFrames = 4
      // A few hours show few kinds of rain: these are many more.
      (options.sampling, options.augments, options.averagesFlips, options.intensityScaling) = (.wet, true, true, 3)
      (options.learningRate, options.schedule, options.warmupSteps) = (2e-3, .cosine, 20)
      (options.weightAverage, options.maxSteps) = (0.99, 1500)
      options.beginning = .starter
      return options
    case .small:
      var options = TrainingOptions()
      options.architecture = ModelConfiguration.Architecture(patch: 4, hidden: [32, 32])
      return options
    }
  }

  private static var hko7Options: TrainingOptions {
    var options = TrainingOptions()
    options.architecture = ModelConfiguration.Architecture(
      patch: 1, hidden: [64, 192, 192], peephole: false, forecasterOrder: .reversed)
    options.architecture.scales.stride = [5, 3, 2]
    (options.inputFrames, options.leadFrames, options.crop, options.batchSize) = (5, 20, 480, 4)
    (options.loss, options.learningRate, options.beta1) = (.balanced, 1e-4, 0.5)
    (options.schedule, options.decaySteps, options.decayFactor) = (.step, 20_000, 0.7)
    // There 50 for a loss that is 1e-5 times the sum over 480 × 480 pixels; here it is the mean.
    options.clipNorm = 21.7
    return options
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
