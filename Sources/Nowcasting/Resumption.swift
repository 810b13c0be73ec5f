import Foundation

/// A run that is taken up: where it stands, and what there is to say about that.
struct Resumption {
  let checkpoint: Checkpoint
  /// Why it is not the last checkpoint, for people; `nil` when it is.
  let note: String?
  private let folder: RunFolder
  /// Whether there is a file in the place of the last checkpoint that cannot be used.
  private let isDamaged: Bool

  /// Finds the last whole checkpoint of a folder.
  ///
  /// - Returns: `nil` where nothing was saved yet.
  /// - Throws: ``NowcastError`` `notFound` where there is no run, `unusable` when neither the last checkpoint nor the one
  ///   before it is whole.
  init?(_ folder: RunFolder) throws {
    try folder.requireRun()
    guard folder.hasCheckpoint else { return nil }
    self.folder = folder
    isDamaged = FileManager.default.fileExists(atPath: folder.checkpointFile)
    let failure: NowcastError
    do {
      checkpoint = try Checkpoint(contentsOf: folder.checkpointFile)
      note = nil
      return
    } catch let error as NowcastError where error.code == .unusable || !isDamaged {
      failure = error
    }
    guard FileManager.default.fileExists(atPath: folder.previousCheckpointFile) else { throw failure }
    do {
      checkpoint = try Checkpoint(contentsOf: folder.previousCheckpointFile)
    } catch {
      throw NowcastError(
        .unusable,
        "\(failure.message) The one before it cannot be used either. Start again with --overwrite; the best model so far "
          + "is kept until there is another.", path: failure.path)
    }
    let reason =
      isDamaged
      ? "\(failure.message) It is kept as \(folder.damagedCheckpointFile)" : "the last checkpoint is missing"
    note =
      "\(folder.checkpointFile): \(reason); training goes on from the one before it, of step \(checkpoint.position.step)"
  }

  /// Puts the checkpoint that is used into its place, where it was the previous one. Nothing is lost: were the previous
  /// one left where it is, the next checkpoint would put the damaged one in its stead.
  ///
  /// - Throws: ``NowcastError`` `cannotCreate`.
  func takeUp() throws {
    guard note != nil else { return }
    let moves = [
      isDamaged ? (folder.checkpointFile, folder.damagedCheckpointFile) : nil,
      (folder.previousCheckpointFile, folder.checkpointFile),
    ]
    for case (let from, let to)? in moves where rename(from, to) != 0 {
      throw NowcastError(
        .cannotCreate, "the file cannot be renamed to \(to) (\(String(cString: strerror(errno)))).", path: from)
    }
  }

  /// Checks that the run was started with the same options on the same data.
  ///
  /// How many and how long may change when a run is taken up, and whether gates are computed again, which rounding alone
  /// shows; what is computed may not.
  ///
  /// - Throws: ``NowcastError`` `unusable`, with the settings or files that differ.
  func requireSame(_ options: TrainingOptions, _ data: TrainingData, _ fresh: ModelConfiguration) throws {
    let position = checkpoint.position
    var earlier = position.options
    (earlier.epochs, earlier.maxSteps, earlier.maxSeconds) = (options.epochs, options.maxSteps, options.maxSeconds)
    (earlier.recompute, earlier.earlyStopping) = (options.recompute, options.earlyStopping)
    guard earlier == options else {
      let differences = TrainingSetting.all.compactMap { setting -> String? in
        let (was, now) = (setting.get(earlier), setting.get(options))
        let matters = setting.applies(to: earlier) || setting.applies(to: options)
        return matters && was != now ? "\(setting.name) was \(was.json) and is \(now.json)" : nil
      }
      throw unusable(
        "the run was started with other options (\(differences.joined(separator: "; "))); --resume needs the same ones "
          + "(all but --epochs, --max-steps, --max-seconds, --early-stopping and --recompute), such as --config with the "
          + "run's config.json.")
    }
    if let difference = data.difference(from: position.data) {
      throw unusable(
        "the data is not that on which the run was started: \(difference). --resume needs the same; start a new run for "
          + "other data.")
    }
    var model = checkpoint.model.configuration
    (model.stepsTrained, model.validation, model.version) = (fresh.stepsTrained, fresh.validation, fresh.version)
    guard model == fresh else {
      throw unusable("the run was started by a version of nowcast that understood its options in another way.")
    }
  }

  private func unusable(_ message: String) -> NowcastError {
    NowcastError(.unusable, message, path: folder.checkpointFile)
  }
}
