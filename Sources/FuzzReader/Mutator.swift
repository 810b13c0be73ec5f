import Foundation
import Tensor

/// Makes damaged copies of one file: turned bits, cut ends, copied parts, numbers out of all proportion, and mutated
/// attributes and dimensions.
///
/// Checksums of the HDF5 format are mostly made right again, since else they would be all that is ever tested.
struct Mutator {
  private let original: [UInt8]
  private let checksums: [ChecksummedRegion]
  /// Where the names of attributes and dimensions end: their types, lengths and values follow.
  private let names: [Int]

  private static let words = [
    "units", "scale_factor", "add_offset", "_FillValue", "missing_value", "valid_range", "valid_min", "standard_name",
    "long_name", "coordinates", "bounds", "grid_mapping", "grid_mapping_name", "cell_methods", "calendar", "axis",
    "Conventions", "flag_values", "_Unsigned", "time", "crs", "lat", "lon", "DIMENSION_LIST", "REFERENCE_LIST", "CLASS",
    "NAME", "gain", "offset", "nodata", "undetect", "quantity", "projdef", "xsize", "ysize", "xscale", "yscale",
    "LL_lon", "UR_lat", "UL_lon", "date", "startdate", "enddate", "starttime", "object", "version",
    "calibration_formulas",
    "calibration_missing_data", "geo_parameter", "image_geo_parameter", "geo_pixel_size_x", "geo_column_offset",
    "product_datetime_end", "projection_proj4_params", "image_data", "data",
  ]

  private static let numbers: [UInt64] = [
    0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x1_0000_0000, 0x100_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFE,
    0xFFFF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0x7F80_0000, 0x7FC0_0000,
  ]

  init(_ data: Data) {
    let bytes = [UInt8](data)
    original = bytes
    checksums = ChecksummedRegion.all(in: bytes)
    names = Mutator.words.flatMap { word in
      let name = Array(word.utf8)
      return bytes.indices.dropLast(min(name.count, bytes.count)).filter {
        bytes[$0..<$0 + name.count].elementsEqual(name)
      }.map { $0 + name.count }
    }
  }

  /// A damaged copy.
  func mutant(using random: inout RandomSource) -> Data {
    var bytes = original
    for _ in 0...random.index(below: 4) { mutate(&bytes, &random) }
    if random.index(below: 4) > 0 { for region in checksums { region.mend(&bytes) } }
    // A cut comes last, or checksums of what is gone would be made right.
    if random.index(below: 8) == 0 { bytes.removeLast(random.index(below: bytes.count + 1)) }
    return Data(bytes)
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout RandomSource) {
    let place = random.index(below: bytes.count)
    switch random.index(below: 8) {
    case 0: for _ in 0...random.index(below: 8) { flip(&bytes, random.index(below: bytes.count), &random) }
    case 1: bytes[place] = [0, 0xFF, 0x7F, 0x80, UInt8(random.index(below: 256))][random.index(below: 5)]
    case 2: write(&bytes, at: place, &random)
    case 3: write(&bytes, at: place & ~3, &random)
    case 4: copy(&bytes, to: place, &random)
    default:
      // Attributes and dimensions: a byte, a number, or bits behind a name.
      guard !names.isEmpty else { return flip(&bytes, place, &random) }
      let near = min(names[random.index(below: names.count)] + random.index(below: 48), bytes.count - 1)
      switch random.index(below: 4) {
      case 0: flip(&bytes, near, &random)
      case 1: write(&bytes, at: near & ~3, &random)
      case 2: bytes[near] = UInt8(random.index(below: 256))
      default: bytes[near] = [0, 0xFF, bytes[near] &+ 1, bytes[near] &- 1][random.index(below: 4)]
      }
    }
  }

  private func flip(_ bytes: inout [UInt8], _ place: Int, _ random: inout RandomSource) {
    bytes[place] ^= 1 << UInt8(random.index(below: 8))
  }

  /// A number out of all proportion, of 2, 4 or 8 bytes, in either order.
  private func write(_ bytes: inout [UInt8], at place: Int, _ random: inout RandomSource) {
    let number = Mutator.numbers[random.index(below: Mutator.numbers.count)]
    let width = [2, 4, 8][random.index(below: 3)]
    let isBigEndian = random.index(below: 2) == 0
    for i in 0..<width where place + i < bytes.count {
      bytes[place + i] = UInt8(truncatingIfNeeded: number >> UInt64(8 * (isBigEndian ? width - 1 - i : i)))
    }
  }

  private func copy(_ bytes: inout [UInt8], to place: Int, _ random: inout RandomSource) {
    let source = random.index(below: bytes.count)
    let count = min(1 + random.index(below: 64), bytes.count - max(source, place))
    bytes.replaceSubrange(place..<place + count, with: Array(bytes[source..<source + count]))
  }
}
