import Advection
import ConvKernels
import ConvLSTM
import Foundation
import Tensor

/// S-PROG's forecast in the form in which a network's head reads it.
///
/// A field is in tens of decibels above what is dry (−15 dB): 0 where it is dry, 0.5 at 0.1 mm/h, 1.5 at 1 mm/h, 2.5 at
/// 10 mm/h. The head reads it twice, as it is and fading with the lead time: how sure one may be of it changes.
enum SPROGGuidance {
  /// Channels of guidance for each lead time.
  static let channels = 2

  /// dB of one unit.
  private static let unit: Float = 10
  /// What is dry, in dB.
  private static let dry: Float = -15
  /// What is left of the fading channel with each lead frame.
  private static let decay: Float = 0.75
  /// By how much the logit of a probability rises with one unit when training begins.
  private static let firstSlope: Float = 2.5
  /// Fields are kept in 255 steps, each a fifth of a decibel, from −10 dB below what is dry.
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
  /// - Parameter fields: `[…, leadFrames, h, w]`.
  /// - Returns: `[…, leadFrames, channels, h, w]`.
  static func channels(_ fields: Tensor) -> Tensor {
    let (leadFrames, pixels) = (fields.shape[fields.rank - 3], fields.shape.suffix(2).reduce(1, *))
    var shape = fields.shape
    shape.insert(channels, at: shape.count - 2)
    var result = Tensor(uninitialized: shape)
    result.withUnsafeMutableBufferPointer { target in
      fields.withUnsafeBufferPointer { source in
        for image in 0..<(pixels > 0 ? source.count / pixels : 0) {
          var share: Float = 1
          for _ in 0...image % leadFrames { share *= decay }
          for pixel in 0..<pixels {
            let value = source[image * pixels + pixel]
            target[2 * image * pixels + pixel] = value
            target[(2 * image + 1) * pixels + pixel] = share * value
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
  /// field, and is 0 where that reaches the threshold.
  ///
  /// - Parameters:
  ///   - parameters: of a network with guidance.
  ///   - thresholds: in mm/h, of its output's channels.
  ///   - patch: the pixels on a side that are folded.
  static func begin(_ parameters: inout ParameterSet, thresholds: [Float], patch: Int) {
    guard var weight = parameters["head.weight"], var bias = parameters["head.bias"] else {
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
        bias[row] = -firstSlope * field
      }
    }
    (parameters["head.weight"], parameters["head.bias"]) = (weight, bias)
  }

  /// A field in a quarter of the memory.
  static func packed(_ fields: Tensor) -> [UInt8] {
    fields.withUnsafeBufferPointer { $0.map { UInt8(min(max(($0 - lowest) / step + 0.5, 0), 255)) } }
  }

  /// A value of ``packed(_:)``.
  static func unpacked(_ value: UInt8) -> Float { lowest + step * Float(value) }
}
