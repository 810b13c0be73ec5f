import Tensor

/// What stands behind a pixel of a forecast: how well the input frames covered it.
///
/// A ConvLSTM sees the neighbourhood too; this is about the pixel's own place. Where several apply, what was not measured
/// goes before what was interpolated.
public enum PixelValidity: Int8, Sendable, CaseIterable {
  /// Every input frame measured there.
  case valid = 0
  /// No input frame measured there, and the forecast is missing.
  case outsideCoverage = 1
  /// Some input frames did not measure there; what they lack entered as no rain.
  case inputPartlyMissing = 2
  /// All input frames have a value there, and one at least was missing and interpolated between its neighbours.
  case inputInterpolated = 3

  /// The word of the attribute `flag_meanings`.
  var meaning: String {
    switch self {
    case .valid: "valid"
    case .outsideCoverage: "outside_coverage"
    case .inputPartlyMissing: "input_partly_missing"
    case .inputInterpolated: "input_interpolated"
    }
  }

  /// The validity of every pixel, row by row.
  ///
  /// - Parameters:
  ///   - frames: the input frames, `[t, h, w]`, `NaN` where missing.
  ///   - hasInterpolated: whether any of them was missing and interpolated.
  public static func plane(of frames: Tensor, hasInterpolated: Bool) -> [PixelValidity] {
    let pixels = frames.shape[1] * frames.shape[2]
    var missing = [Int](repeating: 0, count: pixels)
    frames.withUnsafeBufferPointer { values in
      for step in 0..<frames.shape[0] {
        for pixel in 0..<pixels where values[step * pixels + pixel].isNaN { missing[pixel] += 1 }
      }
    }
    return missing.map { count in
      switch count {
      case 0: hasInterpolated ? .inputInterpolated : .valid
      case frames.shape[0]: .outsideCoverage
      default: .inputPartlyMissing
      }
    }
  }
}

/// A variable of flags beside the rain rate, named by its `ancillary_variables`.
struct ValidityFlags {
  /// What the flags are over.
  enum Extent { case frames, pixels }

  var extent: Extent
  var values: [PixelValidity]
  var longName: String

  var attributes: [CFAttribute] {
    [
      CFAttribute("standard_name", "quality_flag"), CFAttribute("long_name", longName),
      CFAttribute(
        name: "flag_values", type: .byte, bytes: PixelValidity.allCases.map { UInt8(bitPattern: $0.rawValue) }),
      CFAttribute("flag_meanings", PixelValidity.allCases.map(\.meaning).joined(separator: " ")),
    ]
  }
}
