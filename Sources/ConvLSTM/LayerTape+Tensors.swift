import ConvKernels
import Tensor

// Between a tape's channel blocks and plain tensors.

extension LayerTape {
  private func images(channels: Int, steps: Int = 1) -> PlainImages {
    PlainImages(
      channels: channels, height: cellLayout.height, width: cellLayout.width,
      sampleStride: steps * channels * cellLayout.height * cellLayout.width)
  }

  private func read(_ tensor: Tensor, into buffer: AlignedBuffer, _ layout: BlockedLayout, _ pool: WorkerPool) {
    tensor.withUnsafeBufferPointer { plain in
      if let base = plain.baseAddress {
        images(channels: tensor.shape[1]).copy(base, toBlocks: buffer.pointer, layout, pool: pool)
      }
    }
  }

  private func tensor(of buffer: AlignedBuffer, _ layout: BlockedLayout, channels: Int, _ pool: WorkerPool) -> Tensor {
    var result = Tensor(uninitialized: [layout.batch, channels, layout.height, layout.width])
    result.withUnsafeMutableBufferPointer { plain in
      if let base = plain.baseAddress {
        images(channels: channels).copy(fromBlocks: buffer.pointer, layout, to: base, pool: pool)
      }
    }
    return result
  }

  /// Starts from given states, `[b, hidden, h, w]`.
  func setInitialState(_ state: ConvLSTMState, pool: WorkerPool) {
    startFromWrittenState()
    read(state.hidden, into: hidden(0), hiddenLayout, pool)
    read(state.cell, into: cell(0), cellLayout, pool)
  }

  /// Copies the states after the last step to those of a larger batch, from `sample` on.
  func copyLastState(to state: inout ConvLSTMState, sample: Int, channels: Int, pool: WorkerPool) {
    func copy(_ buffer: AlignedBuffer, _ layout: BlockedLayout, to tensor: inout Tensor) {
      tensor.withUnsafeMutableBufferPointer { plain in
        guard let base = plain.baseAddress else { return }
        images(channels: channels).copy(
          fromBlocks: buffer.pointer, layout, to: base + sample * channels * layout.height * layout.width, pool: pool)
      }
    }
    copy(hidden(steps), hiddenLayout, to: &state.hidden)
    copy(cell(steps), cellLayout, to: &state.cell)
  }

  /// Copies the hidden state after `t` steps to step `step` of a tensor `[b, t, hidden, h, w]` of a larger batch, from
  /// `sample` on.
  func copyHidden(_ t: Int, to tensor: inout Tensor, sample: Int, step: Int, channels: Int, pool: WorkerPool) {
    tensor.withUnsafeMutableBufferPointer { plain in
      guard let base = plain.baseAddress else { return }
      images(channels: channels, steps: steps).copy(
        fromBlocks: hidden(t).pointer, hiddenLayout,
        to: base + (sample * steps + step) * channels * cellLayout.height * cellLayout.width, pool: pool)
    }
  }

  /// Starts a backward pass from the gradients with respect to the last states.
  func setLastStateGradient(_ gradient: ConvLSTMState, pool: WorkerPool) {
    read(gradient.hidden, into: hiddenGradient, cellLayout, pool)
    read(gradient.cell, into: cellGradient, cellLayout, pool)
  }

  /// Adds step `step` of the gradient with respect to the outputs, `[b, t, hidden, h, w]`.
  func addHiddenGradient(_ gradient: Tensor, step: Int, pool: WorkerPool) {
    let channels = gradient.shape[2]
    gradient.withUnsafeBufferPointer { plain in
      guard let base = plain.baseAddress else { return }
      images(channels: channels, steps: steps).add(
        base + step * channels * cellLayout.height * cellLayout.width, toBlocks: hiddenGradient.pointer, cellLayout,
        pool: pool)
    }
  }

  /// The gradients with respect to the state in front of the step that the backward pass has reached.
  func gradientState(channels: Int, pool: WorkerPool) -> ConvLSTMState {
    ConvLSTMState(
      hidden: tensor(of: hiddenGradient, cellLayout, channels: channels, pool),
      cell: tensor(of: cellGradient, cellLayout, channels: channels, pool))
  }
}
