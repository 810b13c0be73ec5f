/// A sum whose result does not depend on the order of its terms: a whole number of units of 10⁻¹².
///
/// Each term is rounded to a unit when it is added, and integers add up to the same in any order. So reports of single
/// days, merged in any order and grouping, have the very sums of one run over all days. 128 bits hold sums up to
/// 1.7·10²⁶, which is more than the squared rain of all radars of the world in a thousand years.
public struct ExactSum: Sendable, Hashable {
  /// The sum in units of 10⁻¹².
  var units: Int128

  private static let unitsInOne: Int128 = 1_000_000_000_000

  /// Takes a number, rounded to a unit.
  ///
  /// - Precondition: it is finite, and its magnitude below 10²⁶.
  public init(_ value: Double) { units = Int128((value * 1e12).rounded(.toNearestOrEven)) }

  /// Takes a whole number as it is.
  public init(_ value: Int) { units = Int128(value) * ExactSum.unitsInOne }

  init(units: Int128) { self.units = units }

  /// No terms.
  public static let zero = ExactSum(units: 0)

  /// The sum as the nearest `Double`.
  public var value: Double {
    // The parts are exact, so this rounds the whole numbers that most sums are not at all.
    let (whole, rest) = units.quotientAndRemainder(dividingBy: ExactSum.unitsInOne)
    return Double(whole) + Double(rest) / 1e12
  }

  /// Adds another sum.
  public static func += (a: inout ExactSum, b: ExactSum) { a.units += b.units }

  /// A sum taken several times.
  public static func * (a: ExactSum, times: Int) -> ExactSum { ExactSum(units: a.units * Int128(times)) }
}

extension ExactSum: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A literal number.
  public init(floatLiteral value: Double) { self.init(value) }
  /// A literal whole number.
  public init(integerLiteral value: Int) { self.init(value) }
}

extension ExactSum: CustomStringConvertible, LosslessStringConvertible {
  /// The sum as a decimal number, all of its digits: `-12.25`.
  public var description: String {
    let (whole, rest) = units.magnitude.quotientAndRemainder(dividingBy: ExactSum.unitsInOne.magnitude)
    let sign = units < 0 ? "-" : ""
    guard rest != 0 else { return "\(sign)\(whole)" }
    var digits = String(rest)
    digits = String(repeating: "0", count: 12 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(sign)\(whole).\(digits)"
  }

  /// Reads what ``description`` writes; `nil` for anything else.
  public init?(_ description: String) {
    let isNegative = description.hasPrefix("-")
    let parts = description.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count),
      parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
      let whole = Int128(parts[0])
    else { return nil }
    var rest: Int128 = 0
    if parts.count == 2 {
      guard parts[1].count <= 12, let digits = Int128(parts[1]) else { return nil }
      rest = (parts[1].count..<12).reduce(digits) { value, _ in value * 10 }
    }
    let (product, overflow) = whole.multipliedReportingOverflow(by: ExactSum.unitsInOne)
    let (sum, overflowAgain) = product.addingReportingOverflow(rest)
    guard !overflow, !overflowAgain else { return nil }
    units = isNegative ? -sum : sum
  }
}

extension ExactSum: Codable {
  /// Reads the text of a decimal number.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let sum = ExactSum(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no decimal number")
    }
    self = sum
  }

  /// Writes a text, because a number of JSON would lose digits in most programs.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
