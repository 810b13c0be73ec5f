extension Checkpoint {
  /// Where the run in `folder` stands, if it was started with the same options on the same data.
  ///
  /// - Throws: ``NowcastError`` `notFound` without a checkpoint, `unusable` for one that is damaged or of another run.
  init(
    resuming folder: RunFolder, _ data: TrainingData, _ fresh: ModelConfiguration, _ options: TrainingOptions
  ) throws {
    try folder.requireCheckpoint()
    try self.init(contentsOf: folder.checkpointFile)
    try requireSame(fresh, options, path: folder.checkpointFile)
    guard position.dataFingerprint == data.fingerprint else {
      throw NowcastError(
        .unusable, "the run was started on other frames than those given now; --resume needs the same ones.",
        path: folder.checkpointFile)
    }
  }

  /// How many and how long may change when a run is taken up, and whether gates are computed again, which rounding alone
  /// shows; what is computed may not.
  private func requireSame(_ fresh: ModelConfiguration, _ options: TrainingOptions, path: String) throws {
    var earlier = position.options
    (earlier.epochs, earlier.maxSteps, earlier.maxSeconds) = (options.epochs, options.maxSteps, options.maxSeconds)
    (earlier.recompute, earlier.earlyStopping) = (options.recompute, options.earlyStopping)
    var model = model.configuration
    (model.stepsTrained, model.validation, model.version) = (fresh.stepsTrained, fresh.validation, fresh.version)
    guard earlier == options, model == fresh else {
      let differences = TrainingSetting.all.compactMap { setting -> String? in
        let (was, now) = (setting.get(earlier), setting.get(options))
        let matters = setting.applies(to: earlier) || setting.applies(to: options)
        return matters && was != now ? "\(setting.name) was \(was.json) and is \(now.json)" : nil
      }
      let what = differences.isEmpty ? "" : " (\(differences.joined(separator: "; ")))"
      throw NowcastError(
        .unusable,
        "the run was started with other options\(what); --resume needs the same ones (all but --epochs, --max-steps, "
          + "--max-seconds, --early-stopping and --recompute), such as --config with the run's config.json.", path: path
      )
    }
  }
}
