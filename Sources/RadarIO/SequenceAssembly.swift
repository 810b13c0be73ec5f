import Tensor

/// Joins the frames of many files, in the order of time, to sequences without gaps.
struct SequenceAssembly {
  var relation: ReflectivityRelation

  /// One frame of one file.
  private struct Frame {
    var time: Double
    var file: Int
    var index: Int
  }

  /// Frames in the order of time at one step.
  private struct Run {
    var frames: ArraySlice<Frame>
    var step: Double
  }

  /// Joins files that may be in any order.
  ///
  /// - Throws: ``RadarError`` `unusable` for times that do not ascend, that appear twice, or amounts of unknown interval.
  func sequences(of files: [RadarFile]) throws -> RadarReading {
    for file in files { try checkAscending(file) }
    var reading = RadarReading(sequences: [], warnings: files.flatMap(\.warnings) + forecastWarning(files))
    for members in byGrid(files) {
      let frames =
        members.flatMap { file in
          files[file].times.times.enumerated().map { Frame(time: $1, file: file, index: $0) }
        }.sorted { ($0.time, $0.file) < ($1.time, $1.file) }
      try checkDuplicates(frames, files)
      let usualStep = SequenceAssembly.usualDifference(of: frames.map(\.time))
      for run in SequenceAssembly.runs(times: frames.map(\.time)) {
        let slice = Run(frames: frames[run.range], step: run.step)
        reading.sequences.append(try sequence(slice, files, usualStep: usualStep, &reading.warnings))
      }
    }
    reading.sequences.sort { $0.times[0] < $1.times[0] }
    nameApart(&reading.sequences)
    return reading
  }

  /// A forecast that lies among radar frames continues them and looks like more of them.
  private func forecastWarning(_ files: [RadarFile]) -> [String] {
    let forecasts = files.filter { file in
      guard let reference = file.referenceTime, let last = file.times.times.last else { return false }
      return last > reference
    }
    guard let first = forecasts.first else { return [] }
    let others = forecasts.count > 1 ? " (and \(forecasts.count - 1) more)" : ""
    return [
      "\(first.path)\(others): holds a forecast, by its reference time; its frames are taken as if they were measured."
    ]
  }

  // MARK: Grids

  private func byGrid(_ files: [RadarFile]) -> [[Int]] {
    var groups: [[Int]] = []
    for index in files.indices {
      if let group = groups.firstIndex(where: { files[$0[0]].grid.matches(files[index].grid) }) {
        groups[group].append(index)
      } else {
        groups.append([index])
      }
    }
    return groups
  }

  // MARK: Times

  private func checkAscending(_ file: RadarFile) throws {
    let times = file.times.times
    for (before, after) in zip(times, times.dropFirst()) where after <= before {
      throw RadarError(
        .unusable,
        after == before
          ? "the time \(TimeAxis.text(after)) appears twice in it. Each frame needs a time of its own."
          : "its times do not ascend: \(TimeAxis.text(before)) is followed by \(TimeAxis.text(after)). Sort its frames by "
            + "time.", path: file.path)
    }
  }

  private func checkDuplicates(_ frames: [Frame], _ files: [RadarFile]) throws {
    for (a, b) in zip(frames, frames.dropFirst()) where b.time - a.time < 1e-3 {
      throw RadarError(
        .unusable,
        "the time \(TimeAxis.text(b.time)) is also in \(files[a.file].path). Each time may be there once: leave out one of "
          + "the files.", path: files[b.file].path)
    }
  }

  /// How far a difference may be from the step and still count as regular: 5 %, at most 30 s.
  static func tolerance(step: Double) -> Double { min(0.05 * step, 30) }

  /// The most common difference of ascending times, within tolerance, the smaller if two are equally common; 0 when
  /// there is none.
  static func usualDifference(of times: some RandomAccessCollection<Double>) -> Double {
    let differences = zip(times, times.dropFirst()).map { $1 - $0 }.sorted()
    var best = 0..<0
    var end = 0
    for start in differences.indices {
      end = max(end, start)
      while end < differences.count, differences[end] - differences[start] <= tolerance(step: differences[start]) {
        end += 1
      }
      if end - start > best.count { best = start..<end }
    }
    return best.isEmpty ? 0 : differences[best.lowerBound + (best.count - 1) / 2]
  }

  /// Splits ascending times into runs of one step each: first at the most common step; what is left between may have a
  /// step of its own if at least three frames agree on it.
  static func runs(times: [Double]) -> [(range: Range<Int>, step: Double)] {
    runs(times: times[...], isRest: false)
  }

  private static func runs(times: ArraySlice<Double>, isRest: Bool) -> [(range: Range<Int>, step: Double)] {
    guard times.count > 1 else { return times.isEmpty ? [] : [(times.indices, 0)] }
    let step = usualDifference(of: times)
    var pieces: [Range<Int>] = []
    var start = times.startIndex
    for i in times.indices.dropFirst() where abs(times[i] - times[i - 1] - step) > tolerance(step: step) {
      pieces.append(start..<i)
      start = i
    }
    pieces.append(start..<times.endIndex)
    // A step of a rest must be seen twice: two lone frames with a gap between are no sequence.
    if isRest, !pieces.contains(where: { $0.count > 2 }) { return times.indices.map { ($0..<$0 + 1, 0) } }
    var result: [(range: Range<Int>, step: Double)] = []
    var lone = times.startIndex..<times.startIndex
    func flush() {
      if !lone.isEmpty { result += pieces.count == 1 ? [(lone, 0)] : runs(times: times[lone], isRest: true) }
    }
    for piece in pieces {
      if piece.count == 1 {
        lone = (lone.isEmpty ? piece.lowerBound : lone.lowerBound)..<piece.upperBound
      } else {
        flush()
        lone = piece.upperBound..<piece.upperBound
        result.append((piece, usualDifference(of: times[piece])))
      }
    }
    flush()
    return result
  }

  // MARK: One sequence

  private func sequence(_ run: Run, _ files: [RadarFile], usualStep: Double, _ warnings: inout [String]) throws
    -> FrameSequence
  {
    let first = files[run.frames[run.frames.startIndex].file]
    let grid = first.grid
    let intervals = try run.frames.map { frame in
      try interval(of: frame, in: files[frame.file], step: run.step > 0 ? run.step : usualStep)
    }
    var tensor = Tensor(shape: [run.frames.count, grid.height, grid.width], repeating: .nan)
    let frameSize = grid.height * grid.width
    var tallies: [Int: Unpacking.Tally] = [:]
    var table = Unpacking.Table()
    var previous: RadarFile?
    tensor.withUnsafeMutableBufferPointer { pixels in
      for (position, frame) in run.frames.enumerated() {
        let file = files[frame.file]
        if let previous, !file.sharesTable(with: previous) { table = Unpacking.Table() }
        previous = file
        let target = UnsafeMutableBufferPointer(rebasing: pixels[position * frameSize..<(position + 1) * frameSize])
        tallies[frame.file, default: Unpacking.Tally()] += file.unpack(
          frame: frame.index, into: target, seconds: intervals[position], relation: relation, table: &table)
      }
    }
    warn(tallies, files, &warnings)
    let known = intervals.compactMap(\.self)
    return FrameSequence(
      grid: grid, times: run.frames.map(\.time), stepSeconds: run.step,
      intervalSeconds: known.count == intervals.count ? known : nil,
      referenceTime: run.frames.allSatisfy { files[$0.file].referenceTime == first.referenceTime }
        ? first.referenceTime : nil,
      rainRate: tensor, source: source(of: run, first: first, files))
  }

  /// The seconds a frame is over: what its file says, or for an amount else the step.
  private func interval(of frame: Frame, in file: RadarFile, step: Double) throws -> Double? {
    if let seconds = file.times.lengths?[frame.index] { return seconds }
    guard case .amount = file.quantity else { return nil }
    guard step > 0 else {
      throw RadarError(
        .unusable,
        "it is an amount (\(file.units)) of a single frame, and nothing says over which interval. Give more frames, or "
          + "time bounds in the file.", path: file.path, variable: file.variable)
    }
    return step
  }

  private func source(of run: Run, first: RadarFile, _ files: [RadarFile]) -> SourceDescription {
    var paths: [String] = []
    for frame in run.frames where paths.last != files[frame.file].path { paths.append(files[frame.file].path) }
    return SourceDescription(
      files: paths, variable: first.variable, units: first.units,
      conversion: first.quantity.words(units: first.units, relation: relation), title: first.title,
      institution: first.institution, history: first.history)
  }

  private func warn(_ tallies: [Int: Unpacking.Tally], _ files: [RadarFile], _ warnings: inout [String]) {
    func warn(_ kind: String, _ count: KeyPath<Unpacking.Tally, Int>) {
      let met = tallies.filter { $0.value[keyPath: count] > 0 }
      guard let first = met.keys.min() else { return }
      let number = met.values.reduce(0) { $0 + $1[keyPath: count] }
      let others = met.count > 1 ? " (and \(met.count - 1) more)" : ""
      warnings.append(
        "\(files[first].path)\(others): variable '\(files[first].variable)': \(number) \(kind) values are taken as missing."
      )
    }
    warn("negative", \.negative)
    warn("infinite", \.infinite)
  }

  private func nameApart(_ sequences: inout [FrameSequence]) {
    var counts: [String: Int] = [:]
    for index in sequences.indices {
      let name = sequences[index].name
      counts[name, default: 0] += 1
      if let count = counts[name], count > 1 { sequences[index].name = "\(name)-\(count)" }
    }
  }
}

extension RadarFile {
  /// Whether a table of values made for one file holds for the other.
  fileprivate func sharesTable(with other: RadarFile) -> Bool {
    packing == other.packing && quantity == other.quantity
  }
}
