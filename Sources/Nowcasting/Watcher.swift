import ConvKernels
import Foundation
import RadarIO
import Tensor

/// Waits for radar frames in a folder and makes the forecast from each, for as long as it is let.
///
/// What the forecasts are depends on the frames that are there and not on how they came: a frame that comes late or is
/// corrected has the forecasts made again that use it. Nothing is kept from one forecast to the next but frames that were
/// read: the encoder starts from zero at the first of its input frames, and another frame is the first one each time.
public final class Watcher {
  private let options: WatchOptions
  private let pool: WorkerPool
  private let lock: FolderLock
  private let frames: WatchedFrames
  private let journal: WatchJournal
  private var maker: ForecastMaker
  private var events: FolderEvents?

  /// The times whose forecast may have to be made, and when their frame was whole, if that is known.
  private var due: [Double: Double?] = [:]
  /// Forecasts that failed, and when to try again.
  private var retries: [Double: (attempts: Int, moment: Double)] = [:]
  /// The hashes of the input files of the forecasts made last.
  private var made: [Double: [String]] = [:]
  private var preferredGrid: Int?
  private var stepSeconds: Double?
  private var nextLook = 0.0
  private var newest: (time: Double, moment: Double)?
  private var isStale = false
  private var isFolderGone = false
  private var refusedModel: FileSignature?
  private var lastFailure: (any Error)?

  /// Takes the folders in hand.
  ///
  /// - Throws: `RadarError` `notFound` when the watched folder is not there; ``NowcastError`` `usage` when forecasts would go
  ///   into it, `cannotCreate` when their folder cannot be made or written to, or another watch writes there.
  public init(
    _ options: WatchOptions, maker: ForecastMaker, pool: WorkerPool, report: @escaping @Sendable (WatchLine) -> Void
  ) throws {
    try options.check()
    guard let lock = FolderLock(options.output) else {
      throw NowcastError(
        .cannotCreate, "another watch writes its forecasts into this folder; end it, or name another folder.",
        path: options.output)
    }
    self.lock = lock
    AtomicOutput.removeLeftovers(in: options.output)
    (self.options, self.maker, self.pool) = (options, maker, pool)
    frames = WatchedFrames(
      archive: FrameArchive(options: maker.readOptions), settleSeconds: options.settleSeconds)
    events = options.usesEvents && !options.isOnce ? FolderEvents() : nil
    var status = WatchStatus(folder: options.folder, method: maker.settings.method)
    (status.modelFile, status.modelSha256) = (maker.model?.file.path, maker.model?.file.sha256)
    journal = WatchJournal(status, folder: options.output, report: report)
  }

  deinit { events?.stop() }

  /// How a watch ended.
  public struct Outcome: Sendable {
    /// Whether the newest frame is too old (with ``WatchOptions/isOnce`` and ``WatchOptions/staleAfter``).
    public let isStale: Bool
    /// What went wrong with the last forecast that could not be made.
    public let failure: (any Error)?
  }

  /// Watches until a stop is asked for (``Interruption``), or with ``WatchOptions/isOnce`` until all that is there is done.
  ///
  /// - Throws: `RadarError` `internalError` alone.
  public func run() throws -> Outcome {
    let begin = Watcher.now
    journal.limitEnd(seconds: 0.5)
    let how = options.isOnce ? "once" : events == nil ? "every \(options.pollSeconds.short) s" : "by file events"
    journal.tell(WatchLine(.start, "watching \(options.folder) \(how), forecasts by \(makerText) to \(options.output)"))
    try start()
    while !Interruption.isRequested {
      if Interruption.takeReload() { renewModel(isAsked: true) }
      look()
      try read()
      let now = Watcher.now
      if let time = nextDue(now) {
        make(time, completion: due[time] ?? nil)
        continue
      }
      watchAge(now)
      // What still grows after so long is for the next time.
      let isPatient = now - begin < 10 + 5 * options.settleSeconds
      if options.isOnce, frames.secondsToWait(now: now) == nil || !isPatient { break }
      wait(now)
    }
    let isOld = options.isOnce && isNewestOld
    journal.end(Interruption.isRequested ? WatchJournal.stopped : "all that is there is done")
    return Outcome(isStale: isOld, failure: lastFailure)
  }

  /// A clock that nobody sets, in seconds.
  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  private var makerText: String {
    maker.model.map { "\($0.file.path) (SHA-256 \($0.file.sha256.prefix(12))…)" } ?? maker.settings.method.rawValue
  }

  // MARK: Frames

  /// Takes what is there already: headers of all files, and of the newest frames those without a forecast to be made.
  private func start() throws {
    look()
    for path in frames.whole(now: Watcher.now) {
      guard !Interruption.isRequested else { return }
      _ = try frames.take(path, isStart: true)
    }
    tellFailures()
    var times: [Double] = []
    for time in frames.times where time != times.last { times.append(time) }
    let chosen = times.suffix(options.catchUp ?? .max)
    for time in chosen { due[time] = .some(nil) }
    if let time = times.last { newest = (time, Watcher.now) }
    let skipped = times.dropLast(chosen.count).filter { !FileManager.default.fileExists(atPath: output(of: $0)) }
    if let first = skipped.first, let last = skipped.last {
      var line = WatchLine(
        .skipped,
        "\(skipped.count) \(skipped.count == 1 ? "frame" : "frames") of before the start, \(TimeAxis.text(first)) to "
          + "\(TimeAxis.text(last)), get no forecast; --catch-up all makes them.")
      line.missing = skipped.count <= 100 ? skipped.map(TimeAxis.text) : nil
      journal.tell(line)
    }
    report(isDue: true)
  }

  /// Looks at the folder when it is time to.
  private func look() {
    let begin = Watcher.now
    guard begin >= nextLook else { return }
    do {
      let listing = try FolderListing(of: options.folder)
      if isFolderGone {
        isFolderGone = false
        journal.tell(WatchLine(.folder, "\(options.folder) is back"))
      }
      if events?.watch(listing.folders) == false {
        journal.tell(
          WatchLine(
            .warning, "the system gives no more file events; \(options.folder) is looked at now and then instead"))
        events?.stop()
        events = nil
      }
      frames.look(at: listing, now: begin)
    } catch {
      if !isFolderGone { journal.tell(WatchLine(.folder, "\(error) Waiting for it to come back.")) }
      isFolderGone = true
    }
    // A folder of very many files is not looked at all the time.
    let end = Watcher.now
    nextLook = end + max(options.pollSeconds, 20 * (end - begin))
    renewModel(isAsked: false)
    report(isDue: false)
  }

  /// Reads the files that became whole.
  private func read() throws {
    for path in frames.whole(now: Watcher.now) {
      guard !Interruption.isRequested else { return }
      guard let time = try frames.take(path, isStart: false) else { continue }
      let completion = frames.entries[path]?.completion
      for affected in [time] + frames.times(after: time, most: maker.inputFrames + maker.settings.maxGap) {
        due[affected] = .some(completion)
        retries[affected] = nil
      }
      if time > newest?.time ?? -.infinity {
        newest = (time, Watcher.now)
        if isStale {
          isStale = false
          report(isDue: true)
          journal.tell(WatchLine(.folder, "frames come again"))
        }
      }
    }
    tellFailures()
  }

  private func tellFailures() {
    for error in frames.failuresToTell(now: Watcher.now) { journal.tell(WatchLine(.file, error.description)) }
  }

  /// The newest time whose turn it is.
  private func nextDue(_ now: Double) -> Double? {
    due.keys.filter { retries[$0].map { options.isOnce ? false : $0.moment <= now } ?? true }.max()
  }

  private func wait(_ now: Double) {
    var seconds = min(0.2, max(0, nextLook - now))
    if let settling = frames.secondsToWait(now: now) {
      // Without events only another look tells whether a file has changed meanwhile.
      nextLook = min(nextLook, now + max(settling, 0.05))
      seconds = min(seconds, max(settling, 0.05))
    }
    guard events != nil else {
      usleep(UInt32(seconds * 1_000_000))
      return
    }
    if let news = events?.wait(seconds: seconds) {
      if news.isIncomplete { nextLook = 0 }
      frames.look(at: news.complete, now: Watcher.now)
    }
  }

  // MARK: Forecasts

  private func output(of time: Double) -> String {
    options.output + "/forecast-\(OutputFolder.name(of: time)).nc"
  }

  /// Makes the forecast from a time, if it is to be made.
  private func make(_ time: Double, completion: Double?) {
    let begin = Watcher.now
    var line = WatchLine(.cycle)
    line.referenceTime = TimeAxis.text(time)
    line.method = maker.settings.method.rawValue
    (line.model, line.modelSHA256) = (maker.model?.file.path, maker.model?.file.sha256)
    do {
      let status = try attempt(time, &line)
      (due[time], retries[time]) = (nil, nil)
      let end = Watcher.now
      ProcessMemory.giveBack()
      if status == .made || status == .remade {
        line.workSeconds = end - begin
        line.latencySeconds = completion.map { end - $0 }
      }
      finish(line, status)
    } catch let error as WatchInterference {
      // The files are not what they were; another look tells what they are now, and in a moment they may be whole again.
      if case .damaged(let error) = error, let path = error.path { frames.reject(path, error, now: begin) }
      let attempts = (retries[time]?.attempts ?? 0) + 1
      retries[time] = (attempts, Watcher.now + 0.1 * Double(attempts))
      if attempts > 20 || !frames.hasFrame(of: time) { (due[time], retries[time]) = (nil, nil) }
      nextLook = 0
    } catch {
      let attempts = (retries[time]?.attempts ?? 0) + 1
      retries[time] = (attempts, Watcher.now + min(pow(2, Double(attempts)), 60))
      line.message = "\(error)"
      lastFailure = error
      // What does not fit will not fit later; a full disk may be emptied.
      if !Watcher.isPassing(error) { (due[time], retries[time]) = (nil, nil) }
      // A disk that stays full is told when it fills, and not all the time.
      if attempts == 1 || attempts % 20 == 0 { finish(line, .failed) }
    }
  }

  private static func isPassing(_ error: any Error) -> Bool {
    switch error {
    case let error as RadarError: [.writeFailed, .cannotCreate].contains(error.code)
    case let error as NowcastError: [.writeFailed, .cannotCreate].contains(error.code)
    default: false
    }
  }

  /// Makes and writes a forecast, and tells about it in `line`.
  private func attempt(_ time: Double, _ line: inout WatchLine) throws -> WatchLine.Status {
    let paths = try reading { try frames.files(upTo: time, count: usefulFiles, preferredGrid: preferredGrid) }
    let read = try reading { try frames.archive.reading(of: paths) }
    guard let sequence = read.sequences.last, let last = sequence.times.last, abs(last - time) < 1e-3 else {
      throw WatchInterference.changed
    }
    if sequence.stepSeconds > 0 { stepSeconds = sequence.stepSeconds }
    let range = maker.inputRange(sequence)
    let inputs = sequence.files(of: range)
    line.inputs = inputs
    line.missing = missing(sequence, range)
    guard sequence.count >= maker.fewestFrames else {
      line.message = "\(maker.fewestFrames) frames in a row are needed, and there are \(sequence.count)"
      return .waiting
    }
    let target = output(of: time)
    let hashes = try reading { try inputs.map(frames.hash) }
    let earlier = made[time] ?? Watcher.hashes(ofForecast: target)
    made[time] = earlier
    // Where older frames were tidied away, the forecast that knew them is the better one.
    if let earlier, earlier == hashes || earlier.count > hashes.count { return .unchanged }
    let forecast = try reading {
      try maker.forecast(from: sequence, program: options.program, history: options.history) {
        FileIdentity(path: $0, sha256: try frames.hash(of: $0))
      }
    }
    guard frames.areUnchanged(inputs) else { throw WatchInterference.changed }
    try journal.protect {
      try maker.settings.writer(overwrite: true).write(forecast.file, to: target)
    }
    for warning in forecast.warnings + read.valueWarnings { journal.tell(WatchLine(.warning, warning)) }
    made[time] = hashes
    while made.count > 200, let oldest = made.keys.min() { made[oldest] = nil }
    preferredGrid = inputs.last.flatMap { frames.entries[$0]?.grid }
    line.output = target
    describe(forecast, &line)
    // Frames of the next forecasts stay, all others can be read again.
    frames.archive.keep(only: Set(paths), frames: usefulFiles)
    return earlier == nil ? .made : .remade
  }

  /// Files that a forecast may have something to do with, and some more: they tell the usual step.
  private var usefulFiles: Int { maker.inputFrames + maker.settings.maxGap + 4 }

  /// Tells errors of input files from all others.
  private func reading<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as RadarError where error.code == .unusable || error.code == .notFound {
      throw error.path.map { frames.entries[$0] != nil } == true
        ? WatchInterference.damaged(error) : WatchInterference.changed
    } catch let error as NowcastError where error.code == .notFound {
      throw WatchInterference.changed
    }
  }

  private func missing(_ sequence: FrameSequence, _ range: Range<Int>) -> [String] {
    guard let last = sequence.times.last, let step = maker.modelStepSeconds ?? stepSeconds else { return [] }
    let there = range.filter { !sequence.bridged.contains($0) }.map { sequence.times[$0] }
    return (0..<maker.inputFrames).reversed().map { last - Double($0) * step }
      .filter { time in !there.contains { abs($0 - time) <= step / 2 } }.map(TimeAxis.text)
  }

  private static func hashes(ofForecast path: String) -> [String]? {
    guard FileSignature(path: path) != nil else { return nil }
    // What says nothing, or was damaged, is replaced.
    return (try? ForecastRecipe(FileAttributes(contentsOf: path)))?.inputs.map(\.sha256)
  }

  private func describe(_ forecast: ForecastMaker.Forecast, _ line: inout WatchLine) {
    var statistics = RainStatistics()
    statistics.add(forecast.file.rainRate)
    (line.rainShare, line.largestRainRate) = (statistics.wetShare, statistics.largest)
    line.rainArea = forecast.file.grid.spacingMetres.map {
      Double(statistics.wetPixels) / Double(forecast.file.times.count) * $0 * $0 / 1e6
    }
  }

  // MARK: The model

  /// Takes a model that was put in the place of the one in use.
  ///
  /// - Parameter isAsked: whether to read the file whether or not it looks like another one.
  private func renewModel(isAsked: Bool) {
    guard let model = maker.model, let signature = FileSignature(path: model.file.path),
      isAsked || (signature != model.signature && signature != refusedModel)
    else { return }
    do {
      let new = try IdentifiedModel(contentsOf: model.file.path)
      let next = try ForecastMaker(settings: maker.settings, model: new, pool: pool)
      if let time = frames.newestTime, new.file != model.file { try check(next, at: time) }
      maker = next
      // For a moment there was room for both.
      AlignedBuffer.giveBackUnused()
      refusedModel = nil
      guard new.file != model.file else {
        if isAsked { journal.tell(WatchLine(.model, "\(model.file.path) is the model that is in use")) }
        return
      }
      frames.archive = FrameArchive(options: next.readOptions)
      journal.tell(WatchLine(.model, "forecasts are made by \(makerText) from now on"))
      journal.update(now: Watcher.now, isDue: true) { $0.modelSha256 = new.file.sha256 }
    } catch {
      // It may be half written; when it changes again, it is looked at again.
      refusedModel = signature
      journal.tell(WatchLine(.warning, "the new model is not taken, the one before stays in use: \(error)"))
    }
  }

  /// Checks that a model can make forecasts of the frames there are, as far as there are enough of them.
  private func check(_ next: ForecastMaker, at time: Double) throws {
    let paths = try frames.files(upTo: time, count: usefulFiles + next.inputFrames, preferredGrid: preferredGrid)
    let archive = FrameArchive(options: next.readOptions)
    guard let sequence = try? archive.reading(of: paths).sequences.last, sequence.count >= next.fewestFrames else {
      return
    }
    try next.check(sequence)
  }

  // MARK: What is told

  private func finish(_ line: WatchLine, _ status: WatchLine.Status) {
    var line = line
    line.status = status
    journal.tell(line)
    let isMade = status == .made || status == .remade
    journal.update(now: Watcher.now, isDue: isMade || status == .failed) { state in
      if isMade {
        state.forecastsMade += 1
        state.state = isStale ? .stale : .ok
        state.lastForecast = .init(
          referenceTime: line.referenceTime ?? "", output: line.output ?? "", latencySeconds: line.latencySeconds)
      }
      if status == .failed {
        state.forecastsFailed += 1
        state.state = .failing
        state.lastError = line.message
      }
      fill(&state)
    }
  }

  private func report(isDue: Bool) {
    journal.update(now: Watcher.now, isDue: isDue, fill)
  }

  private func fill(_ state: inout WatchStatus) {
    if isFolderGone { state.state = .folderMissing } else if isStale { state.state = .stale }
    let isPast = state.state == .folderMissing && !isFolderGone || state.state == .stale && !isStale
    if isPast { state.state = state.lastForecast == nil ? .starting : .ok }
    state.newestFrame = newest.map { TimeAxis.text($0.time) }
    state.newestFrameAgeSeconds = newest.map { (Date().timeIntervalSince1970 - $0.time).rounded() }
    state.secondsSinceNewFrame = newest.map { ((Watcher.now - $0.moment) * 10).rounded() / 10 }
    state.forecastsDue = due.count
    state.unusableFiles = frames.unusableCount
  }

  /// Notices that no frame has come for long.
  private func watchAge(_ now: Double) {
    guard let staleAfter = options.staleAfter, let newest, !isStale, !options.isOnce else { return }
    let limit = Double(staleAfter) * (stepSeconds ?? maker.modelStepSeconds ?? 300)
    guard now - newest.moment > limit else { return }
    isStale = true
    // Who reads the line finds the status as it says.
    report(isDue: true)
    journal.tell(
      WatchLine(
        .stale,
        "no new frame for \(Int(now - newest.moment)) s, more than \(staleAfter) steps; the newest is of "
          + "\(TimeAxis.text(newest.time))"))
  }

  /// Whether the newest frame is older than it may be by the machine's clock.
  private var isNewestOld: Bool {
    guard let staleAfter = options.staleAfter else { return false }
    guard let newest else { return true }
    let limit = Double(staleAfter) * (stepSeconds ?? maker.modelStepSeconds ?? 300)
    return Date().timeIntervalSince1970 - newest.time > limit
  }
}

/// Why a forecast is not made now, though nothing is wrong with it.
private enum WatchInterference: Error {
  /// A file of the folder changed or went meanwhile.
  case changed
  /// A file of the folder is damaged.
  case damaged(RadarError)
}
