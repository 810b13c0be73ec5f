import Advection
import Tensor

/// Which crops of which windows make the batches of a training run.
///
/// Everything follows from the seed, the epoch and the position in it, so a run that was stopped goes on as if it had not
/// been, without any state to save.
struct Sampler: Sendable {
  /// A crop of a window, as it is or turned and mirrored, its rain as it is or stronger or weaker.
  struct Sample: Sendable, Equatable {
    let window: TrainingData.Window
    let y: Int
    let x: Int
    var orientation = Orientation()
    /// What its rain rates are multiplied by.
    var intensity: Float = 1
  }

  /// One of the eight ways to lay a square on itself.
  struct Orientation: Sendable, Equatable {
    var flipsRows = false
    var flipsColumns = false
    /// Rows become columns, after the flips.
    var transposes = false
  }

  /// Input `[b, t, 1, h, w]`, filled where missing, and target `[b, t, 1, h, w]` with NaN where missing.
  struct Batch: Sendable {
    let input: Tensor
    let target: Tensor
    /// `[b, t, c, h, w]` as ``SPROGGuidance`` has it, where the network reads it.
    let guidance: Tensor?
    let samples: [Sample]
  }

  let data: TrainingData
  let batchSize: Int
  /// Batches in an update.
  let accumulation: Int
  let seed: UInt64
  /// Whether crops are turned and mirrored at random: rain may move anywhere, and a few hours show few directions.
  let augments: Bool
  /// How crops are chosen by rain; `nil` takes them as they come.
  let wetness: Wetness?
  /// The coordinates of the crops: in Lagrangian ones a crop is a part of the field at its window's reference time.
  let coordinates: Coordinates
  /// What the network is told beside the frames.
  let guidance: Guidance
  /// How much stronger or weaker rain is made; `nil` leaves it.
  let intensity: IntensityScaling?
  /// The size of the crops: as wanted, or that of the smallest frame if it is smaller.
  let height: Int
  let width: Int
  private let orders = WindowOrders()

  init(
    _ data: TrainingData, crop: Int, batchSize: Int, accumulation: Int = 1, seed: UInt64, augments: Bool = false,
    wetness: Wetness? = nil, intensity: IntensityScaling? = nil, coordinates: Coordinates = .eulerian,
    guidance: Guidance = .none
  ) {
    self.wetness = wetness
    self.intensity = intensity
    self.coordinates = coordinates
    self.guidance = guidance
    self.data = data
    self.accumulation = accumulation
    self.augments = augments
    self.batchSize = batchSize
    self.seed = seed
    let used = Set((data.training + data.validation).map(\.sequence))
    height = used.reduce(crop) { min($0, data.frames[$1].height) }
    width = used.reduce(crop) { min($0, data.frames[$1].width) }
  }

  /// Updates in an epoch: as many as it takes to see the area of all windows once, at most 500.
  var stepsPerEpoch: Int {
    let crops = data.training.reduce(0) { sum, window in
      let frames = data.frames[window.sequence]
      return sum + ((frames.height + height - 1) / height) * ((frames.width + width - 1) / width)
    }
    return min(max(crops / (batchSize * accumulation), 1), 500)
  }

  /// The bytes of the frames of some crops.
  func batchBytes(samples: Int) -> Double {
    4 * Double(samples * (data.inputFrames + data.leadFrames) * height * width)
  }

  /// Batches in an epoch.
  var batchesPerEpoch: Int { stepsPerEpoch * accumulation }

  /// A batch of an epoch, or a rank's share of it.
  ///
  /// - Throws: `RadarError` when a file cannot be read any more, as all that look at frames do.
  func batch(epoch: Int, number: Int, share: BatchShare = .whole) throws -> Batch {
    let samples = try share.positions(batchSize).map { try sample(epoch: epoch, position: number * batchSize + $0) }
    return try batch(samples)
  }

  /// The crop at a position in an epoch.
  private func sample(epoch: Int, position: Int) throws -> Sample {
    if let wetness { return try sample(epoch: epoch, position: position, by: wetness) }
    return try uniformSample(epoch: epoch, position: position)
  }

  /// Every window comes once before any comes again.
  private func uniformSample(epoch: Int, position: Int) throws -> Sample {
    let windows = data.training
    let (pass, place) = position.quotientAndRemainder(dividingBy: windows.count)
    let window = windows[
      orders.window(place, epoch: epoch, pass: pass, count: windows.count) { source(epoch, pass, salt: 1) }]
    var random = source(epoch, position, salt: 2)
    // Some tries to meet the radar's coverage; a crop without any target would teach nothing.
    var sample = draw(window, using: &random)
    for _ in 0..<8 where try !hasEnough(targets(sample).valid) { sample = draw(window, using: &random) }
    return sample
  }

  /// Windows and crops are drawn until one is taken.
  private func sample(epoch: Int, position: Int, by wetness: Wetness) throws -> Sample {
    var random = source(epoch, position, salt: 3)
    func draw() -> Sample {
      let window = data.training[random.index(below: data.training.count)]
      return self.draw(window, using: &random)
    }
    var sample = draw()
    for _ in 1..<Wetness.draws {
      let (valid, wet) = try targets(sample, wetFrom: wetness.threshold)
      let chance = hasEnough(valid) ? wetness.chance(wetShare: Double(wet) / Double(valid)) : 0
      if Double(random.uniform()) < chance { break }
      sample = draw()
    }
    return sample
  }

  private func hasEnough(_ valid: Int) -> Bool { valid * 10 >= data.leadFrames * height * width }

  /// For people, what choosing by rain does, from the first crops; `nil` without it.
  func wetnessNote() throws -> String? {
    guard let wetness else { return nil }
    func share(_ sample: (Int) throws -> Sample) throws -> String {
      var (valid, wet) = (0, 0)
      for position in 0..<min(64, batchesPerEpoch * batchSize) {
        let counts = try targets(sample(position), wetFrom: wetness.threshold)
        (valid, wet) = (valid + counts.valid, wet + counts.wet)
      }
      return String(format: "%.1f %%", 100 * Double(wet) / Double(max(valid, 1)))
    }
    let chosen = try share { try self.sample(epoch: 0, position: $0) }
    let plain = try share { try uniformSample(epoch: 0, position: $0) }
    return
      "wet crops are taken rather than dry ones (--sampling wet): \(chosen) of their pixels have \(Wetness.rainRate) mm/h "
      + "or more, and \(plain) as they come; validation takes them as they come"
  }

  private func draw(_ window: TrainingData.Window, using random: inout RandomSource) -> Sample {
    let frames = data.frames[window.sequence]
    var sample = Sample(
      window: window, y: random.index(below: frames.height - height + 1),
      x: random.index(below: frames.width - width + 1))
    if augments {
      let bits = random.next()
      // Only a square can be turned by a quarter.
      sample.orientation = Orientation(
        flipsRows: bits >> 63 == 1, flipsColumns: bits >> 62 & 1 == 1,
        transposes: height == width && bits >> 61 & 1 == 1)
    }
    if let intensity { sample.intensity = intensity.factor(using: &random) }
    return sample
  }

  private func source(_ a: Int, _ b: Int, salt: UInt64) -> RandomSource {
    // Three numbers in one: each is spread over all bits before the next one is added.
    var mix = RandomSource(seed: seed &+ salt << 56)
    mix = RandomSource(seed: mix.next() &+ UInt64(a))
    return RandomSource(seed: mix.next() &+ UInt64(b))
  }

  /// The crops on which the held-out windows are scored: the same ones every time, spread over windows and area.
  func validationSamples(most: Int) throws -> [Sample] {
    var samples: [Sample] = []
    for window in data.validation {
      let frames = data.frames[window.sequence]
      for y in Self.cover(frames.height, by: height) {
        for x in Self.cover(frames.width, by: width) { samples.append(Sample(window: window, y: y, x: x)) }
      }
    }
    samples = try samples.filter { try targets($0).valid > 0 }
    return samples.count > most ? (0..<most).map { samples[$0 * samples.count / most] } : samples
  }

  /// Where crops of a size begin so that together, overlapping evenly, they cover a frame.
  private static func cover(_ length: Int, by size: Int) -> [Int] {
    let count = (length + size - 1) / size
    guard count > 1 else { return [0] }
    return (0..<count).map { $0 * (length - size) / (count - 1) }
  }

  /// The measured pixels of a crop's lead frames, and how many of them are wet. In Lagrangian coordinates, too, those of the
  /// frames themselves: near enough to choose crops by, and without following every pixel of each crop that is not taken.
  func targets(_ sample: Sample, wetFrom threshold: Float = .infinity) throws -> (valid: Int, wet: Int) {
    let start = sample.window.start + data.inputFrames
    var (valid, wet) = (0, 0)
    try forEachRow(sample, start..<start + data.leadFrames, true) { row, _, _ in
      for value in row where value == value {
        valid += 1
        if value >= threshold { wet += 1 }
      }
    }
    return (valid, wet)
  }

  /// The frames of some crops.
  func batch(_ samples: [Sample]) throws -> Batch {
    // An interpolated frame may be an input, but nothing to learn.
    func frames(_ offset: Int, _ count: Int, missing: Float, measuredOnly: Bool) throws -> Tensor {
      var result = Tensor(shape: [samples.count, count, 1, height, width], repeating: missing)
      try result.withUnsafeMutableBufferPointer { target in
        for (index, sample) in samples.enumerated() {
          let start = sample.window.start + offset
          let rows = coordinates == .eulerian ? forEachRow : forEachLagrangianRow
          try rows(sample, start..<start + count, measuredOnly) { row, t, y in
            let (first, step) = self.place(ofRow: y, sample.orientation)
            var place = (index * count + t) * height * width + first
            for value in row {
              target[place] = value == value ? value : missing
              place += step
            }
          }
          let size = count * height * width
          intensity?.multiply(
            UnsafeMutableBufferPointer(rebasing: target[index * size..<(index + 1) * size]), by: sample.intensity)
        }
      }
      return result
    }
    var input = try frames(0, data.inputFrames, missing: coordinates == .eulerian ? 0 : .nan, measuredOnly: false)
    if coordinates == .lagrangian { input.fillFromLastFrame() }
    return Batch(
      input: input,
      target: try frames(data.inputFrames, data.leadFrames, missing: .nan, measuredOnly: true),
      guidance: guidance == .none ? nil : try guidance(samples), samples: samples)
  }

  /// Where a row of a crop begins in the image as it is laid, and the way from pixel to pixel.
  private func place(ofRow y: Int, _ orientation: Orientation) -> (first: Int, step: Int) {
    let targetY = orientation.flipsRows ? height - 1 - y : y
    let first = orientation.transposes ? targetY : targetY * width
    let step = orientation.transposes ? width : 1
    return orientation.flipsColumns ? (first + (width - 1) * step, -step) : (first, step)
  }

  /// The guidance of some crops, `[b, t, c, h, w]`.
  private func guidance(_ samples: [Sample]) throws -> Tensor {
    var fields = Tensor(uninitialized: [samples.count, data.leadFrames, height, width])
    let size = data.leadFrames * height * width
    try fields.withUnsafeMutableBufferPointer { target in
      for (index, sample) in samples.enumerated() {
        let frames = data.frames[sample.window.sequence]
        let known = try data.prognoses.fields(
          at: sample.window.start + data.inputFrames - 1, of: sample.window.sequence)
        known.withUnsafeBufferPointer { known in
          for image in 0..<data.leadFrames {
            for y in 0..<height {
              let (first, step) = place(ofRow: y, sample.orientation)
              var place = (index * data.leadFrames + image) * height * width + first
              let start = (image * frames.height + sample.y + y) * frames.width + sample.x
              for value in known[start..<start + width] {
                target[place] = SPROGGuidance.unpacked(value)
                place += step
              }
            }
          }
        }
        SPROGGuidance.scale(
          UnsafeMutableBufferPointer(rebasing: target[index * size..<(index + 1) * size]), by: sample.intensity)
      }
    }
    return SPROGGuidance.channels(
      fields, stepSeconds: samples.map { data.sequences[$0.window.sequence].stepSeconds })
  }

  /// Calls `body` with each row of a crop's frames: its pixels, the number of its frame in `range`, and its own number.
  private func forEachRow(
    _ sample: Sample, _ range: Range<Int>, _ measuredOnly: Bool, _ body: (UnsafeBufferPointer<Float>, Int, Int) -> Void
  ) throws {
    let frames = data.frames[sample.window.sequence]
    for (t, frame) in range.enumerated() where !measuredOnly || frames.isMeasured(frame) {
      try frames.frame(frame).withUnsafeBufferPointer { values in
        for y in 0..<height {
          let start = (sample.y + y) * frames.width + sample.x
          body(UnsafeBufferPointer(rebasing: values[start..<start + width]), t, y)
        }
      }
    }
  }

  /// As ``forEachRow``, in Lagrangian coordinates; the range lies before or after the window's reference time, or ends
  /// there.
  private func forEachLagrangianRow(
    _ sample: Sample, _ range: Range<Int>, _ measuredOnly: Bool, _ body: (UnsafeBufferPointer<Float>, Int, Int) -> Void
  ) throws {
    let frames = data.frames[sample.window.sequence]
    let reference = sample.window.start + data.inputFrames - 1
    let motion = try data.motions.motion(at: reference, of: sample.window.sequence)
    let side: LagrangianFrames.Side = range.lowerBound > reference ? .future : .past
    // From the reference time away.
    let steps =
      side == .future ? Array(reference + 1..<range.upperBound) : Array((range.lowerBound..<reference).reversed())
    let moved = LagrangianFrames.frames(
      try steps.map { !measuredOnly || frames.isMeasured($0) ? try frames.frame($0) : nil }, side, along: motion,
      rows: sample.y..<sample.y + height, columns: sample.x..<sample.x + width)
    moved.withUnsafeBufferPointer { values in
      for (place, frame) in steps.enumerated() where range.contains(frame) {
        for y in 0..<height {
          let start = (place * height + y) * width
          body(UnsafeBufferPointer(rebasing: values[start..<start + width]), frame - range.lowerBound, y)
        }
      }
    }
    if range.contains(reference) {
      try forEachRow(sample, reference..<reference + 1, measuredOnly) { row, _, y in
        body(row, reference - range.lowerBound, y)
      }
    }
  }
}
