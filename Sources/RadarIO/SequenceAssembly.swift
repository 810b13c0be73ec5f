/// Joins the frames of many files, in the order of time, to sequences without gaps.
struct SequenceAssembly {
  let reader: FrameReader
  /// The most missing frames in a row that are interpolated.
  var maxGap: Int
  /// The seconds from frame to frame, where the times of these few frames do not have to tell them.
  var knownStep: Double?
  /// Whether forecasts alone are as they should be.
  var expectsForecasts = false

  private var files: [RadarFile] { reader.files }

  /// One frame: of a file, or between the two frames of files that stand around it.
  private struct Frame {
    var time: Double
    var place: Place

    enum Place {
      case file(Int, Int)
      case between
    }
  }

  /// Frames in the order of time at one step.
  private struct Run {
    var frames: ArraySlice<Frame>
    var step: Double
  }

  /// Joins files that may be in any order.
  ///
  /// - Parameter failed: told about sequences that cannot be used; when `nil`, they end the whole.
  /// - Throws: ``RadarError`` `unusable` for amounts of unknown interval.
  func sequences(failed: ((RadarError) -> Void)? = nil) throws -> (sequences: [FrameSequence], warnings: [String]) {
    var sequences: [FrameSequence] = []
    var warnings = forecastWarning() + disorderWarning()
    for members in byGrid() {
      var frames =
        members.flatMap { file in
          files[file].times.times.enumerated().map { Frame(time: $1, place: .file(file, $0)) }
        }
      sortAndThin(&frames, &warnings)
      let usualStep = knownStep ?? SequenceAssembly.usualDifference(of: frames.map(\.time))
      bridge(&frames, step: usualStep)
      for run in SequenceAssembly.runs(times: frames.map(\.time), knownStep: knownStep) {
        do {
          sequences.append(
            try sequence(Run(frames: frames[run.range], step: run.step), usualStep: usualStep, &warnings))
        } catch let error as RadarError {
          guard let failed else { throw error }
          failed(error)
        }
      }
    }
    sequences.sort { $0.times[0] < $1.times[0] }
    nameApart(&sequences)
    return (sequences, warnings)
  }

  /// A forecast that lies among radar frames continues them and looks like more of them.
  private func forecastWarning() -> [String] {
    let forecasts = files.filter { file in
      guard let reference = file.referenceTime, let last = file.times.times.last else { return false }
      return last > reference
    }
    guard let first = forecasts.first, !expectsForecasts || forecasts.count < files.count else { return [] }
    let others = forecasts.count > 1 ? " (and \(forecasts.count - 1) more)" : ""
    return [
      "\(first.path)\(others): holds a forecast, by its reference time; its frames are taken as if they were measured."
    ]
  }

  // MARK: Grids

  private func byGrid() -> [[Int]] {
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

  private func disorderWarning() -> [String] {
    let disordered = files.filter { file in zip(file.times.times, file.times.times.dropFirst()).contains { $1 < $0 } }
    guard let first = disordered.first else { return [] }
    let others = disordered.count > 1 ? " (and \(disordered.count - 1) more)" : ""
    return ["\(first.path)\(others): its times do not ascend; its frames are put in the order of time."]
  }

  /// Puts frames in the order of time, and keeps one of each time: that of the file named last, or the last of a file, as
  /// corrections come later than what they correct.
  private func sortAndThin(_ frames: inout [Frame], _ warnings: inout [String]) {
    func place(_ frame: Frame) -> (Int, Int) {
      if case .file(let file, let index) = frame.place { (file, index) } else { (0, 0) }
    }
    frames.sort { ($0.time, place($0).0, place($0).1) < ($1.time, place($1).0, place($1).1) }
    var kept: [Frame] = []
    var first: (time: Double, left: Int, taken: Int)?
    for frame in frames {
      if let last = kept.last, frame.time - last.time < 1e-3 {
        if first == nil { first = (frame.time, place(last).0, place(frame).0) }
        kept.removeLast()
      }
      kept.append(frame)
    }
    if let first {
      let number = frames.count - kept.count
      let other = first.left == first.taken ? "" : " and \(files[first.taken].path)"
      warnings.append(
        "\(files[first.left].path)\(other): \(number) \(number == 1 ? "frame is" : "frames are") left out whose time is there "
          + "again, the first at \(TimeAxis.text(first.time)); the frame that comes last is used.")
    }
    frames = kept
  }

  /// Puts frames between others where at most ``maxGap`` are missing in a row.
  private func bridge(_ frames: inout [Frame], step: Double) {
    guard maxGap > 0, step > 0, frames.count > 1 else { return }
    var result = [frames[0]]
    for (before, after) in zip(frames, frames.dropFirst()) {
      let steps = ((after.time - before.time) / step).rounded()
      if steps >= 2, steps <= Double(maxGap) + 1 {
        let own = (after.time - before.time) / steps
        if abs(own - step) <= SequenceAssembly.tolerance(step: step) {
          for missing in 1..<Int(steps) {
            result.append(Frame(time: before.time + Double(missing) * own, place: .between))
          }
        }
      }
      result.append(after)
    }
    frames = result
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
  static func runs(times: [Double], knownStep: Double? = nil) -> [(range: Range<Int>, step: Double)] {
    guard let knownStep else { return runs(times: times[...], isRest: false) }
    return pieces(times[...], step: knownStep).map { ($0, knownStep) }
  }

  /// The ranges of ascending times that follow each other at a step.
  private static func pieces(_ times: ArraySlice<Double>, step: Double) -> [Range<Int>] {
    guard !times.isEmpty else { return [] }
    var pieces: [Range<Int>] = []
    var start = times.startIndex
    for i in times.indices.dropFirst() where abs(times[i] - times[i - 1] - step) > tolerance(step: step) {
      pieces.append(start..<i)
      start = i
    }
    return pieces + [start..<times.endIndex]
  }

  private static func runs(times: ArraySlice<Double>, isRest: Bool) -> [(range: Range<Int>, step: Double)] {
    guard times.count > 1 else { return times.isEmpty ? [] : [(times.indices, 0)] }
    let step = usualDifference(of: times)
    let pieces = pieces(times, step: step)
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

  private func sequence(_ run: Run, usualStep: Double, _ warnings: inout [String]) throws -> FrameSequence {
    let members = Array(run.frames)
    let isMeasured = members.map { if case .file = $0.place { true } else { false } }
    let step = run.step > 0 ? run.step : usualStep
    var origins: [FrameOrigin] = []
    var intervals: [Double?] = []
    var statements: Set<String> = []
    for (position, member) in members.enumerated() {
      guard case .file(let file, let index) = member.place else {
        // Bridges have a measured frame on either side: gaps end where measured frames do.
        let before = isMeasured[..<position].lastIndex(of: true) ?? position
        let after = isMeasured[position...].firstIndex(of: true) ?? position
        let span = members[after].time - members[before].time
        origins.append(
          .between(before, after, weight: span > 0 ? Float((member.time - members[before].time) / span) : 0))
        intervals.append(intervals.last ?? nil)
        continue
      }
      let (seconds, statement) = try interval(of: index, in: files[file], step: step)
      if let statement { statements.insert(statement) }
      origins.append(.file(file, frame: index, seconds: seconds))
      intervals.append(seconds)
    }
    let known = intervals.compactMap(\.self)
    let referenceTimes = Set(paths(of: members).map { files[$0].referenceTime })
    var sequence = FrameSequence(
      grid: files[paths(of: members)[0]].grid, times: members.map(\.time), stepSeconds: run.step,
      frames: .files(reader, origins), source: source(of: members, statements))
    sequence.intervalSeconds = known.count == intervals.count ? known : nil
    sequence.referenceTime = referenceTimes.count == 1 ? referenceTimes.first ?? nil : nil
    sequence.bridged = isMeasured.indices.filter { !isMeasured[$0] }
    if let longest = known.max(), case .amount = files[paths(of: members)[0]].quantity, run.step > 0,
      longest > run.step + SequenceAssembly.tolerance(step: run.step)
    {
      warnings.append(
        "\(sequence.source.files[0]): variable '\(sequence.source.variable)': amounts of \(Int(longest)) s every "
          + "\(Int(run.step)) s overlap; each frame is the mean rain rate of its interval.")
    }
    return sequence
  }

  /// The seconds a frame is over: what its times or attributes say, or for an amount else the step; and a sentence where
  /// it is not its times that say it.
  private func interval(of frame: Int, in file: RadarFile, step: Double) throws -> (Double?, String?) {
    if let seconds = file.times.lengths?[frame] { return (seconds, nil) }
    guard case .amount = file.quantity else { return (nil, nil) }
    if let stated = file.statedInterval {
      return (stated.seconds, "the interval of its amounts is taken from \(stated.statement)")
    }
    guard step > 0 else {
      throw RadarError(
        .unusable,
        "it is an amount (\(file.units)) of a single frame, and nothing says over which interval. Give more frames, or "
          + "time bounds in the file.", path: file.path, variable: file.variable)
    }
    return (step, "the interval of its amounts is taken to be the step of its times")
  }

  /// The files of frames, each once, in the order of time.
  private func paths(of members: [Frame]) -> [Int] {
    var found: [Int] = []
    for member in members {
      if case .file(let file, _) = member.place, found.last != file { found.append(file) }
    }
    return found
  }

  private func source(of members: [Frame], _ statements: Set<String>) -> SourceDescription {
    let used = paths(of: members)
    let first = files[used[0]]
    var source = SourceDescription(
      files: used.map { files[$0].path }, variable: first.variable, units: first.units,
      conversion: first.quantity.words(units: first.units, relation: reader.relation),
      provenance: reader.provenance(of: used))
    source.reason = first.reason
    source.memberCount = first.memberCount
    var notes: [String] = []
    for note in used.flatMap({ files[$0].notes }) where !notes.contains(note) { notes.append(note) }
    source.notes = notes + statements.sorted()
    return source
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
