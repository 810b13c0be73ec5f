import Advection
import ConvKernels
import ConvLSTM
import Foundation
import Tensor

/// S-PROG's forecast in the form in which a network's head reads it.
///
/// A field is in tens of decibels above what is dry (−15 dB): 0 where it is dry, 0.5 at 0.1 mm/h, 1.5 at 1 mm/h, 2.5 at
/// 10 mm/h. The head reads it fading with the lead time, and beside it what is left of 1: details are S-PROG's as long as they
/// last, and what comes later is the network's. (Where the field did not fade, the network leant on it at all lead times and
/// learned less: see the page on Lagrangian coordinates.)
enum SPROGGuidance {
  /// Channels of guidance for each lead time.
  static let channels = 2

  /// dB of one unit.
  private static let unit: Float = 10
  /// What is dry, in dB.
  private static let dry: Float = -15
  /// What is left after five minutes.
  private static let decay = 0.75
  /// By how much the logit of a probability rises with one unit when training begins, at no lead time.
  private static let firstSlope: Float = 4
  /// Fields are kept in 255 steps, each a fifth of a decibel, from 10 dB below what is dry on.
  private static let (lowest, step): (Float, Float) = (-1, 0.02)

  /// The field of each lead frame, in Lagrangian coordinates.
  ///
  /// - Parameters:
  ///   - frames: `[t, h, w]` in mm/h, NaN where missing, at least as many as S-PROG takes; the last ones are used.
  ///   - motion: of the same size.
  /// - Returns: `[leadFrames, h, w]`, nowhere missing.
  static func fields(_ frames: Tensor, along motion: MotionField, leadFrames: Int, pool: WorkerPool) -> Tensor {
    let count = frames.shape[0]
    var fields = SpectralPrognosis().expectation(
      frames.parts(count - SpectralPrognosis.frames..<count), along: motion, steps: leadFrames, pool: pool)
    fields.withUnsafeMutableBufferPointer { values in
      for index in values.indices { values[index] = (values[index] - dry) / unit }
    }
    return fields
  }

  /// What the head reads, of fields in one channel.
  ///
  /// - Parameters:
  ///   - fields: `[b, leadFrames, h, w]`.
  ///   - stepSeconds: from frame to frame of each sample.
  /// - Returns: `[b, leadFrames, channels, h, w]`.
  static func channels(_ fields: Tensor, stepSeconds: [Double]) -> Tensor {
    let (leadFrames, pixels) = (fields.shape[1], fields.shape[2] * fields.shape[3])
    precondition(stepSeconds.count == fields.shape[0], "a step for each sample")
    var result = Tensor(uninitialized: [fields.shape[0], leadFrames, channels] + fields.shape.suffix(2))
    result.withUnsafeMutableBufferPointer { target in
      fields.withUnsafeBufferPointer { source in
        for image in 0..<fields.shape[0] * leadFrames {
          let (sample, lead) = image.quotientAndRemainder(dividingBy: leadFrames)
          let share = Float(pow(decay, Double(lead + 1) * stepSeconds[sample] / 300))
          for pixel in 0..<pixels {
            let value = source[image * pixels + pixel]
            target[2 * image * pixels + pixel] = share * value
            target[(2 * image + 1) * pixels + pixel] = share
          }
        }
      }
    }
    return result
  }

  /// Makes a field that of rain `factor` times as strong: what is wet in it rises by as many decibels, what is dry stays.
  static func scale(_ values: UnsafeMutableBufferPointer<Float>, by factor: Float) {
    guard factor != 1 else { return }
    let shift = Float(10 * log10(Double(factor))) / unit
    // Between wet and dry lies what S-PROG has smoothed: a share of either.
    for index in values.indices { values[index] += shift * min(max(values[index], 0), 1) }
  }

  /// Has a new network of exceedance probabilities begin with S-PROG's forecast: the logit of each probability rises with the
  /// field, and is 0 where that reaches the threshold, as far as it has not faded.
  ///
  /// - Parameters:
  ///   - parameters: of a network with guidance.
  ///   - thresholds: in mm/h, of its output's channels.
  ///   - patch: the pixels on a side that are folded.
  static func begin(_ parameters: inout ParameterSet, thresholds: [Float], patch: Int) {
    guard var weight = parameters["head.weight"], let bias = parameters["head.bias"] else {
      preconditionFailure("a network without a head")
    }
    // Channels of guidance come last; of folded ones all channels of a pixel lie together.
    let folded = patch * patch
    let first = weight.shape[1] - channels * folded
    for (index, threshold) in thresholds.enumerated() {
      let field = (Float(10 * log10(Double(threshold))) - dry) / unit
      for pixel in 0..<folded {
        let row = pixel * thresholds.count + index
        weight[row, first + pixel * channels, 0, 0] = firstSlope
        weight[row, first + pixel * channels + 1, 0, 0] = -firstSlope * field - bias[row]
      }
    }
    parameters["head.weight"] = weight
  }

  /// A field in a quarter of the memory.
  static func packed(_ fields: Tensor) -> [UInt8] {
    fields.withUnsafeBufferPointer { $0.map { UInt8(min(max(($0 - lowest) / step + 0.5, 0), 255)) } }
  }

  /// A value of ``packed(_:)``.
  static func unpacked(_ value: UInt8) -> Float { lowest + step * Float(value) }
}
