import Advection
import ConvLSTM
import Foundation

/// What a model file says about the model, beside its weights: the JSON text under the metadata key `nowcast`.
public struct ModelConfiguration: Sendable, Equatable, Codable {
  /// The layers.
  public struct Architecture: Sendable, Equatable, Codable {
    /// Pixels on a side that are folded into channels.
    public var patch: Int
    /// Hidden channels of the encoder's layers.
    public var hidden: [Int]
    /// The side of each layer's input kernel.
    public var inputKernel: [Int]
    /// The side of each layer's state kernel.
    public var stateKernel: [Int]
    /// Whether gates see the cell state.
    public var peephole: Bool
    /// The order of the forecaster's layers.
    public var forecasterOrder: EncoderForecasterConfiguration.ForecasterOrder
    /// Strided convolutions between the layers; empty, and absent in the file, for layers of one scale.
    public var scales: Scales

    enum CodingKeys: String, CodingKey {
      case patch, hidden, peephole, scales
      case inputKernel = "input_kernel"
      case stateKernel = "state_kernel"
      case forecasterOrder = "forecaster_order"
    }

    /// Describes an architecture; a list of one kernel stands for all layers.
    public init(
      patch: Int = 2, hidden: [Int] = [64, 64], inputKernel: [Int] = [3], stateKernel: [Int] = [3],
      peephole: Bool = true, forecasterOrder: EncoderForecasterConfiguration.ForecasterOrder = .same,
      scales: Scales = Scales()
    ) {
      self.patch = patch
      self.hidden = hidden
      self.inputKernel = inputKernel.count == 1 ? [Int](repeating: inputKernel[0], count: hidden.count) : inputKernel
      self.stateKernel = stateKernel.count == 1 ? [Int](repeating: stateKernel[0], count: hidden.count) : stateKernel
      self.peephole = peephole
      self.forecasterOrder = forecasterOrder
      self.scales = scales
    }

    /// Reads the layers of a file.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      patch = try values.decode(Int.self, forKey: .patch)
      hidden = try values.decode([Int].self, forKey: .hidden)
      inputKernel = try values.decode([Int].self, forKey: .inputKernel)
      stateKernel = try values.decode([Int].self, forKey: .stateKernel)
      peephole = try values.decode(Bool.self, forKey: .peephole)
      forecasterOrder = try values.decode(
        EncoderForecasterConfiguration.ForecasterOrder.self, forKey: .forecasterOrder)
      scales = try values.decodeIfPresent(Scales.self, forKey: .scales) ?? Scales()
    }

    /// Writes the layers.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(patch, forKey: .patch)
      try values.encode(hidden, forKey: .hidden)
      try values.encode(inputKernel, forKey: .inputKernel)
      try values.encode(stateKernel, forKey: .stateKernel)
      try values.encode(peephole, forKey: .peephole)
      try values.encode(forecasterOrder, forKey: .forecasterOrder)
      if !scales.isEmpty { try values.encode(scales, forKey: .scales) }
    }

    /// The network's configuration.
    ///
    /// - Throws: `ConvLSTMError` when the numbers make no network.
    ///
    /// - Parameters:
    ///   - outputChannels: those of a frame that is forecast.
    ///   - guidance: what it is told beside the frames.
    public func network(
      outputChannels: Int = 1, guidance: Guidance = .none
    ) throws(ConvLSTMError) -> EncoderForecasterConfiguration {
      try EncoderForecasterConfiguration(
        outputChannels: outputChannels, guidanceChannels: guidance == .none ? 0 : SPROGGuidance.channels, patch: patch,
        hidden: hidden, inputKernel: inputKernel.map { KernelSize($0) },
        stateKernel: stateKernel.map { KernelSize($0) }, peephole: peephole, forecasterOrder: forecasterOrder,
        scales: scales)
    }
  }

  /// What the model reached on the held-out part of its training data.
  public struct Validation: Sendable, Equatable, Codable {
    /// The loss it was trained with, in normalised units.
    public var loss: Double
    /// The loss of persistence (the last frame seen as the forecast) on the same pixels; absent where the loss says
    /// nothing about it.
    public var persistenceLoss: Double?
    /// The mean squared error, by which models trained with different losses compare.
    public var squaredError: Double?
    /// That of persistence.
    public var persistenceSquaredError: Double?

    enum CodingKeys: String, CodingKey {
      case loss
      case persistenceLoss = "persistence_loss"
      case squaredError = "mse"
      case persistenceSquaredError = "persistence_mse"
    }

    /// One or two measures for people, each beside persistence's: the loss and, where that is another, the squared error.
    public func text(_ kind: TrainingLoss) -> String {
      func measure(_ name: String, _ value: Double, _ persistence: Double?) -> String {
        String(format: "\(name) %.5f", value) + (persistence.map { String(format: " (persistence %.5f)", $0) } ?? "")
      }
      let text = measure("loss", loss, persistenceLoss)
      guard kind != .mse, let squaredError else { return text }
      return text + ", " + measure("mse", squaredError, persistenceSquaredError)
    }
  }

  /// The layers.
  public var architecture: Architecture
  /// Frames the model reads.
  public var inputFrames: Int
  /// Frames it was trained to forecast; it can be unfolded further.
  public var leadFrames: Int
  /// From rain rate to the network's numbers.
  public var normalisation: Normalisation
  /// The seconds from frame to frame.
  public var timeStepSeconds: Double
  /// The distance of neighbouring pixels in metres; absent where the training data did not tell.
  public var gridSpacingMetres: Double?
  /// The least and the largest time step in seconds, where it was trained on several.
  public var timeStepRange: [Double]?
  /// The least and the largest grid spacing in metres, where it was trained on several.
  public var gridSpacingRange: [Double]?
  /// The coordinates in which it sees rain; those of the frames where a file does not tell.
  public var coordinates: Coordinates
  /// What it is told beside the frames; nothing where a file does not tell.
  public var guidance = Guidance.none
  /// Whether a forecast is the mean of four: of the frames as they are, and mirrored in rows, in columns and in both. Rain knows
  /// no left and right; a network of few events does.
  public var averagesFlips = false
  /// The rain rates in mm/h whose probabilities it forecasts, a channel for each; absent where it forecasts rain rates.
  public var exceedanceThresholds: [Float]?
  /// The loss it was trained with.
  public var loss: TrainingLoss
  /// Where Huber's loss turns from squared to absolute, in normalised units; absent with others.
  public var huberDelta: Double?
  /// The seed of the training run.
  public var seed: UInt64
  /// Updates of the weights.
  public var stepsTrained = 0
  /// Scores on held-out data; absent where none was held out.
  public var validation: Validation?
  /// The version of the program that wrote the file.
  public var version = nowcastVersion

  enum CodingKeys: String, CodingKey {
    case architecture, normalisation, coordinates, guidance, loss, seed, validation, version
    case inputFrames = "input_frames"
    case leadFrames = "lead_frames"
    case averagesFlips = "average_flips"
    case exceedanceThresholds = "exceedance_thresholds"
    case huberDelta = "huber_delta"
    case timeStepSeconds = "time_step_seconds"
    case gridSpacingMetres = "grid_spacing_metres"
    case timeStepRange = "time_step_range_seconds"
    case gridSpacingRange = "grid_spacing_range_metres"
    case stepsTrained = "steps_trained"
  }

  /// Describes an untrained model.
  public init(
    architecture: Architecture, inputFrames: Int, leadFrames: Int, normalisation: Normalisation,
    timeStepSeconds: Double, gridSpacingMetres: Double?, coordinates: Coordinates = .eulerian,
    loss: TrainingLoss = .mse, huberDelta: Double? = nil, seed: UInt64
  ) {
    self.architecture = architecture
    self.inputFrames = inputFrames
    self.leadFrames = leadFrames
    self.normalisation = normalisation
    self.timeStepSeconds = timeStepSeconds
    self.gridSpacingMetres = gridSpacingMetres
    self.coordinates = coordinates
    self.loss = loss
    exceedanceThresholds = loss.forecastsRates ? nil : TrainingLoss.exceedanceThresholds
    self.huberDelta = huberDelta
    self.seed = seed
  }

  /// Reads a description; what earlier versions did not write has their meaning.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    architecture = try values.decode(Architecture.self, forKey: .architecture)
    inputFrames = try values.decode(Int.self, forKey: .inputFrames)
    leadFrames = try values.decode(Int.self, forKey: .leadFrames)
    normalisation = try values.decode(Normalisation.self, forKey: .normalisation)
    timeStepSeconds = try values.decode(Double.self, forKey: .timeStepSeconds)
    gridSpacingMetres = try values.decodeIfPresent(Double.self, forKey: .gridSpacingMetres)
    timeStepRange = try values.decodeIfPresent([Double].self, forKey: .timeStepRange)
    gridSpacingRange = try values.decodeIfPresent([Double].self, forKey: .gridSpacingRange)
    coordinates = try values.decodeIfPresent(Coordinates.self, forKey: .coordinates) ?? .eulerian
    guidance = try values.decodeIfPresent(Guidance.self, forKey: .guidance) ?? .none
    averagesFlips = try values.decodeIfPresent(Bool.self, forKey: .averagesFlips) ?? false
    exceedanceThresholds = try values.decodeIfPresent([Float].self, forKey: .exceedanceThresholds)
    loss = try values.decode(TrainingLoss.self, forKey: .loss)
    huberDelta = try values.decodeIfPresent(Double.self, forKey: .huberDelta)
    seed = try values.decode(UInt64.self, forKey: .seed)
    stepsTrained = try values.decode(Int.self, forKey: .stepsTrained)
    validation = try values.decodeIfPresent(Validation.self, forKey: .validation)
    version = try values.decode(String.self, forKey: .version)
  }

  /// The time steps in seconds that it serves, as far as the clocks of radars go.
  var timeSteps: ClosedRange<Double> { Self.range(timeStepRange, timeStepSeconds, tolerance: 0.02) }

  /// The grid spacings in metres that it serves; `nil` where its training data did not tell.
  var gridSpacings: ClosedRange<Double>? {
    gridSpacingMetres.map { Self.range(gridSpacingRange, $0, tolerance: 0.05) }
  }

  private static func range(_ range: [Double]?, _ value: Double, tolerance: Double) -> ClosedRange<Double> {
    let (least, most) = (range?.first ?? value, range?.last ?? value)
    return (1 - tolerance) * least...(1 + tolerance) * most
  }

  /// The time step that it was trained on, or the least and the largest one, for people.
  public func timeStepText(_ text: (Double) -> String) -> String { Self.text(timeStepRange, timeStepSeconds, text) }

  /// The same of the grid spacing; `nil` where its training data did not tell.
  public func gridSpacingText(_ text: (Double) -> String) -> String? {
    gridSpacingMetres.map { Self.text(gridSpacingRange, $0, text) }
  }

  private static func text(_ range: [Double]?, _ value: Double, _ text: (Double) -> String) -> String {
    guard let range, let least = range.first, let most = range.last, least < most else { return text(value) }
    return "\(text(least)) to \(text(most))"
  }

  /// The network's layers.
  ///
  /// - Throws: `ConvLSTMError` when the numbers make no network.
  public func network() throws(ConvLSTMError) -> EncoderForecasterConfiguration {
    try architecture.network(outputChannels: exceedanceThresholds?.count ?? 1, guidance: guidance)
  }

  /// Checks the numbers of a file that somebody else may have written.
  func validate(path: String?) throws {
    try normalisation.validate(path: path)
    guard (1...1000).contains(inputFrames), (1...1000).contains(leadFrames), timeStepSeconds.isFinite,
      timeStepSeconds > 0, gridSpacingMetres.map({ $0.isFinite && $0 > 0 }) ?? true
    else {
      throw NowcastError(
        .unusable, "the model's description has impossible frame numbers, time step or grid spacing.", path: path)
    }
    for range in [timeStepRange, gridSpacingRange].compactMap(\.self) {
      guard range.count == 2, range.allSatisfy({ $0.isFinite && $0 > 0 }), range[0] <= range[1] else {
        throw NowcastError(
          .unusable, "a range of the model's description must be two numbers, the smaller one first.", path: path)
      }
    }
    if let thresholds = exceedanceThresholds {
      guard !thresholds.isEmpty, thresholds.allSatisfy({ $0.isFinite && $0 > 0 }),
        zip(thresholds, thresholds.dropFirst()).allSatisfy(<)
      else {
        throw NowcastError(
          .unusable, "the thresholds of the model's description must be above 0 and rise.", path: path)
      }
    }
    guard coordinates == .eulerian || inputFrames >= 2 else {
      throw NowcastError(
        .unusable, "the model's description has Lagrangian coordinates and one input frame, which shows no motion.",
        path: path)
    }
    guard guidance.suits(coordinates, inputFrames: inputFrames) else {
      throw NowcastError(
        .unusable,
        "the model's description has guidance by S-PROG, which needs Lagrangian coordinates and "
          + "\(SpectralPrognosis.frames) input frames.", path: path)
    }
    guard architecture.inputKernel.count == architecture.hidden.count,
      architecture.stateKernel.count == architecture.hidden.count
    else {
      throw NowcastError(.unusable, "the model's description needs one kernel for each layer.", path: path)
    }
  }
}

/// The version of this program.
public let nowcastVersion = "0.1.0"
