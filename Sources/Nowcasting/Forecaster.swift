import Advection
import ConvKernels
import ConvLSTM
import Foundation
import RadarIO
import Tensor

/// Makes forecasts with a trained model.
public final class Forecaster {
  /// The model's description.
  public let configuration: ModelConfiguration
  private let network: EncoderForecaster
  private let pool: WorkerPool
  /// The memory of the last forecast, used again while sizes stay the same.
  private var tape: EncoderForecasterTape?

  /// Takes a model.
  public init(_ model: Model, pool: WorkerPool) throws {
    configuration = model.configuration
    network = try model.network(pool: pool)
    self.pool = pool
  }

  /// In what frames are not of the kind the model was trained on, as a sentence; `nil` where they are.
  public func misfit(of sequence: FrameSequence) -> String? {
    var differences: [(what: String, model: String, frames: String)] = []
    if sequence.count > 1, !configuration.timeSteps.contains(sequence.stepSeconds) {
      let trained = configuration.timeStepText(\.short)
      differences.append(("time step", "\(trained) s", "\(sequence.stepSeconds.short) s"))
    }
    if let trained = configuration.gridSpacingText(\.short), let spacings = configuration.gridSpacings,
      let spacing = sequence.grid.spacingMetres, !spacings.contains(spacing)
    {
      differences.append(("grid spacing", "\(trained) m", "\(spacing.short) m"))
    }
    guard !differences.isEmpty else { return nil }
    let trained = differences.map { "a \($0.what) of \($0.model)" }.joined(separator: " and ")
    return
      "the model was trained on \(trained), the frames have \(differences.map(\.frames).joined(separator: " and "))."
  }

  /// Checks that frames are of the kind the model was trained on.
  ///
  /// - Throws: ``NowcastError`` `unusable` when time step or grid spacing differ, unless `force` is set.
  public func requireFit(_ sequence: FrameSequence, force: Bool) throws {
    guard !force, let misfit = misfit(of: sequence) else { return }
    throw NowcastError(
      .unusable, "\(misfit) Use a model for such frames, or --force to forecast all the same.",
      path: sequence.source.files.first)
  }

  /// The seconds from frame to frame, without the seconds by which the clocks of radars are off: sequences of 299 s and of
  /// 301 s have the same lead times.
  func nominalStep(_ seconds: Double) -> Double {
    let step = configuration.timeStepSeconds
    return abs(seconds - step) <= 0.02 * step ? step : seconds
  }

  /// Checks that there are enough frames.
  ///
  /// - Throws: ``NowcastError`` `unusable`.
  public func requireEnoughFrames(_ sequence: FrameSequence) throws {
    guard sequence.count >= configuration.inputFrames else {
      throw NowcastError(
        .unusable,
        "the model needs \(configuration.inputFrames) frames in a row, but the last ones without a gap are only \(sequence.count).",
        path: sequence.source.files.first)
    }
  }

  /// Checks that a forecast of frames of that size fits into the machine's memory.
  ///
  /// - Throws: ``NowcastError`` `usage`.
  public func requireMemory(_ grid: Grid, leadFrames: Int) throws {
    let bytes = NetworkMemory(
      network.configuration, inputFrames: configuration.inputFrames, leadFrames: leadFrames, height: grid.height,
      width: grid.width
    ).forecast(batch: 1)
    try MemoryNeed.require(
      bytes, for: "a forecast of \(grid.height) × \(grid.width) pixels",
      remedy: "use a model with fewer channels or a larger patch")
  }

  /// The frames that follow frame `last` of a sequence.
  ///
  /// A pixel that none of the input frames measured is missing in the forecast. In Lagrangian coordinates one is, too, whose
  /// rain would come from there or from outside.
  ///
  /// - Parameters:
  ///   - rainRate: `[t, h, w]` in mm/h, NaN where missing.
  ///   - last: the last input frame; there must be enough in front of it.
  ///   - stepSeconds: from frame to frame; `nil` for those of the model.
  /// - Returns: `[leadFrames, h, w]` in mm/h; of a model of probabilities as
  ///   ``RainDistribution/matched(to:pool:)`` has it, from the last frame.
  public func forecast(_ rainRate: Tensor, last: Int, leadFrames: Int, stepSeconds: Double? = nil) -> Tensor {
    prognosis(
      rainRate, last: last, leadFrames: leadFrames, stepSeconds: stepSeconds, wantsDistribution: false
    ).rainRate
  }

  /// The same with the probabilities that it follows from, where the model forecasts those and they are wanted: to carry them
  /// along takes a fifth of the time.
  public func prognosis(
    _ rainRate: Tensor, last: Int, leadFrames: Int, stepSeconds: Double? = nil, wantsDistribution: Bool = true
  ) -> (rainRate: Tensor, distribution: RainDistribution?) {
    let step = nominalStep(stepSeconds ?? configuration.timeStepSeconds)
    let frames = rainRate.parts(last + 1 - configuration.inputFrames..<last + 1)
    let motion = configuration.coordinates == .eulerian ? nil : motion(of: frames)
    let output = output(frames, along: motion, leadFrames: leadFrames, stepSeconds: step)
    func carried(_ fields: Tensor, by carry: (Tensor, MotionField) -> Tensor) -> Tensor {
      guard let motion else { return fields }
      var result = carry(fields, motion)
      // Rain that leaves the radars' coverage is nobody's to check.
      result.removeUnmeasured(in: frames)
      return result
    }
    func extrapolated(_ fields: Tensor, _ motion: MotionField) -> Tensor {
      SemiLagrangian.extrapolate(each: fields, along: motion, pool: pool)
    }
    guard let thresholds = configuration.exceedanceThresholds else {
      let shape = [leadFrames] + rainRate.shape.suffix(2)
      let fields = carried(output, by: extrapolated).reshaped(shape)
      return (configuration.normalisation.rainRate(fields), nil)
    }
    // Areas are those of the last frame before anything moves in or out, as S-PROG has them.
    let still = RainDistribution(thresholds: thresholds, probabilities: output)
    let rates = carried(still.matched(to: rainRate.part(last), pool: pool)) {
      SemiLagrangian.extrapolate(eachRainRate: $0, along: $1, pool: pool)
    }
    guard wantsDistribution else { return (rates, nil) }
    guard motion != nil else { return (rates, still) }
    return (
      rates,
      RainDistribution(thresholds: thresholds, probabilities: carried(still.exceedance, by: extrapolated))
    )
  }

  /// What the network says, `[leadFrames, c, h, w]`, NaN where missing, where the last frame has it in Lagrangian coordinates.
  private func output(
    _ frames: Tensor, along motion: MotionField?, leadFrames: Int, stepSeconds: Double
  ) -> Tensor {
    let (height, width) = (frames.shape[1], frames.shape[2])
    var input = configuration.normalisation.normalised(frames)
    if let motion { input = input.lagrangian(along: motion) }
    let pixels = height * width
    var isMeasured = [Bool](repeating: false, count: pixels)
    input.withUnsafeMutableBufferPointer { values in
      for index in values.indices where !values[index].isNaN { isMeasured[index % pixels] = true }
      if motion == nil { for index in values.indices where values[index].isNaN { values[index] = 0 } }
    }
    input = input.reshaped([1, configuration.inputFrames, 1, height, width])
    if motion != nil { input.fillFromLastFrame() }
    var guidance: Tensor?
    if configuration.guidance == .sprog, let motion {
      let fields = SPROGGuidance.fields(frames, along: motion, leadFrames: leadFrames, pool: pool)
      guidance = SPROGGuidance.channels(fields.reshaped([1] + fields.shape), stepSeconds: [stepSeconds])
    }
    let tape = tape(height: height, width: width, leadFrames: leadFrames)
    var result = network.forward(tape, input, guidance: guidance)
    if configuration.averagesFlips {
      for (rows, columns) in [(true, false), (false, true), (true, true)] {
        let other = network.forward(
          tape, input.flipped(rows: rows, columns: columns),
          guidance: guidance?.flipped(rows: rows, columns: columns))
        result.add(other.flipped(rows: rows, columns: columns))
      }
      result.scale(by: 0.25)
    }
    result = result.reshaped(Array(result.shape.dropFirst()))
    result.withUnsafeMutableBufferPointer { values in
      for index in values.indices where !isMeasured[index % pixels] { values[index] = .nan }
    }
    return result
  }

  /// The motion of the input frames, as in training.
  private func motion(of frames: Tensor) -> MotionField {
    let count = frames.shape[0]
    return OpticalFlow().motion(of: frames.parts(count - min(count, OpticalFlow.standardFrames)..<count), pool: pool)
  }

  private func tape(height: Int, width: Int, leadFrames: Int) -> EncoderForecasterTape {
    if let tape, tape.inputShape.suffix(2) == [height, width], tape.outputShape[1] == leadFrames { return tape }
    let new = network.makeTape(
      batch: 1, inputFrames: configuration.inputFrames, leadFrames: leadFrames, height: height, width: width,
      recording: .nothing)
    tape = new
    return new
  }
}

extension Tensor {
  /// Fills what is missing in frames `[b, t, c, h, w]` in Lagrangian coordinates with what the last one has there, and with 0
  /// where that is missing, too: nothing would look like rain that has just begun.
  mutating func fillFromLastFrame() {
    let (samples, frames, size) = (shape[0], shape[1], shape.suffix(3).reduce(1, *))
    withUnsafeMutableBufferPointer { values in
      for sample in 0..<samples {
        let last = (sample * frames + frames - 1) * size
        for pixel in 0..<size where values[last + pixel].isNaN { values[last + pixel] = 0 }
        for index in sample * frames * size..<last where values[index].isNaN {
          values[index] = values[last + (index - sample * frames * size) % size]
        }
      }
    }
  }

  /// Images `[…, h, w]`, mirrored.
  fileprivate func flipped(rows: Bool, columns: Bool) -> Tensor {
    let (height, width) = (shape[rank - 2], shape[rank - 1])
    var result = Tensor(uninitialized: shape)
    result.withUnsafeMutableBufferPointer { target in
      withUnsafeBufferPointer { source in
        for row in 0..<source.count / width {
          let (image, y) = row.quotientAndRemainder(dividingBy: height)
          let from = (image * height + (rows ? height - 1 - y : y)) * width
          for x in 0..<width { target[row * width + x] = source[from + (columns ? width - 1 - x : x)] }
        }
      }
    }
    return result
  }

  fileprivate mutating func add(_ other: Tensor) {
    withUnsafeMutableBufferPointer { values in
      other.withUnsafeBufferPointer { for index in values.indices { values[index] += $0[index] } }
    }
  }

  fileprivate mutating func scale(by factor: Float) {
    withUnsafeMutableBufferPointer { for index in $0.indices { $0[index] *= factor } }
  }

  /// Frames `[t, h, w]` in Lagrangian coordinates at the time of the last one.
  fileprivate func lagrangian(along motion: MotionField) -> Tensor {
    let count = shape[0]
    let moved = LagrangianFrames.frames(
      (0..<count - 1).reversed().map(part), .past, along: motion, rows: 0..<shape[1], columns: 0..<shape[2])
    var result = self
    let pixels = shape[1] * shape[2]
    result.withUnsafeMutableBufferPointer { target in
      moved.withUnsafeBufferPointer { source in
        for frame in 0..<count - 1 {
          let place = (count - 2 - frame) * pixels
          for pixel in 0..<pixels { target[frame * pixels + pixel] = source[place + pixel] }
        }
      }
    }
    return result
  }
}
