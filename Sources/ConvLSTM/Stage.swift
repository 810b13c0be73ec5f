/// A layer of an encoder or a forecaster, with the convolution to its scale in front of it, or from it behind.
struct Stage {
  let layer: Layer
  let before: Resampling?
  let after: Resampling?
}

/// The memory of a ``Stage``.
struct StageTape {
  let layer: LayerTape
  let before: ResamplingTape?
  let after: ResamplingTape?

  init(layer: LayerTape, before: ResamplingTape? = nil, after: ResamplingTape? = nil) {
    (self.layer, self.before, self.after) = (layer, before, after)
  }

  /// The first samples of another tape, in the same memory.
  init(_ other: StageTape, batch: Int) {
    layer = LayerTape(other.layer, batch: batch)
    before = other.before.map { ResamplingTape($0, batch: batch) }
    after = other.after.map { ResamplingTape($0, batch: batch) }
  }

  /// What the stage gives at step `t`.
  func output(_ t: Int) -> BlockedImage { after?.output(t) ?? layer.hiddenImage(t + 1) }

  /// What has the gradient with respect to it added.
  var outputGradient: BlockedImage { after?.outputGradient ?? layer.hiddenGradientImage }
}
