import ConvKernels
import Tensor

// Between a tape's channel blocks and plain tensors.

extension LayerTape {
  private func images(channels: Int, steps: Int = 1) -> PlainImages {
    PlainImages(
      channels: channels, height: cellLayout.height, width: cellLayout.width,
      sampleStride: steps * channels * cellLayout.height * cellLayout.width)
  }

  private func read(_ tensor: Tensor, into buffer: AlignedBuffer, _ layout: BlockedLayout) {
    tensor.withUnsafeBufferPointer { plain in
      if let base = plain.baseAddress {
        images(channels: tensor.shape[1]).copy(base, toBlocks: buffer.pointer, layout)
      }
    }
  }

  private func tensor(of buffer: AlignedBuffer, _ layout: BlockedLayout, channels: Int) -> Tensor {
    var result = Tensor(shape: [layout.batch, channels, layout.height, layout.width])
    result.withUnsafeMutableBufferPointer { plain in
      if let base = plain.baseAddress {
        images(channels: channels).copy(fromBlocks: buffer.pointer, layout, to: base)
      }
    }
    return result
  }

  /// Starts from given states, `[b, hidden, h, w]`.
  func setInitialState(_ state: ConvLSTMState) {
    read(state.hidden, into: hidden(0), hiddenLayout)
    read(state.cell, into: cell(0), cellLayout)
  }

  /// The states after the last step.
  func lastState(channels: Int) -> ConvLSTMState {
    ConvLSTMState(
      hidden: tensor(of: hidden(steps), hiddenLayout, channels: channels),
      cell: tensor(of: cell(steps), cellLayout, channels: channels))
  }

  /// Copies the hidden state after `t` steps to step `step` of a tensor `[b, t, hidden, h, w]`.
  func copyHidden(_ t: Int, to tensor: inout Tensor, step: Int, channels: Int) {
    tensor.withUnsafeMutableBufferPointer { plain in
      guard let base = plain.baseAddress else { return }
      images(channels: channels, steps: steps).copy(
        fromBlocks: hidden(t).pointer, hiddenLayout,
        to: base + step * channels * cellLayout.height * cellLayout.width)
    }
  }

  /// Starts a backward pass from the gradients with respect to the last states.
  func setLastStateGradient(_ gradient: ConvLSTMState) {
    read(gradient.hidden, into: hiddenGradient, cellLayout)
    read(gradient.cell, into: cellGradient, cellLayout)
  }

  /// Adds step `step` of the gradient with respect to the outputs, `[b, t, hidden, h, w]`.
  func addHiddenGradient(_ gradient: Tensor, step: Int) {
    let channels = gradient.shape[2]
    gradient.withUnsafeBufferPointer { plain in
      guard let base = plain.baseAddress else { return }
      images(channels: channels, steps: steps).add(
        base + step * channels * cellLayout.height * cellLayout.width, toBlocks: hiddenGradient.pointer, cellLayout)
    }
  }

  /// The gradients with respect to the state in front of the step that the backward pass has reached.
  func gradientState(channels: Int) -> ConvLSTMState {
    ConvLSTMState(
      hidden: tensor(of: hiddenGradient, cellLayout, channels: channels),
      cell: tensor(of: cellGradient, cellLayout, channels: channels))
  }
}
