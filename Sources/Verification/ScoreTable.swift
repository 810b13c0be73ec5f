import Tensor

/// The scores of several methods on the same pixels, for every lead time.
public struct ScoreTable: Sendable, Equatable, Codable {
  /// The scores of one method.
  public struct Method: Sendable, Equatable, Codable {
    /// The name of the method, such as `persistence`.
    public let name: String
    /// The scores for each lead time, the shortest first.
    public fileprivate(set) var leads: [FieldScores]
  }

  /// The methods compared.
  public private(set) var methods: [Method]
  /// The number of lead times.
  public let leadCount: Int

  /// Makes an empty table.
  ///
  /// - Parameters:
  ///   - methods: The names of the methods, in the order in which their forecasts will be added.
  ///   - leadCount: The number of lead times.
  ///   - thresholds: In mm/h.
  ///   - windows: The widths of the neighbourhoods of the fractions skill score in pixels; none by default.
  public init(methods: [String], leadCount: Int, thresholds: [Float], windows: [Int] = []) {
    let empty = FieldScores(thresholds: thresholds, windows: windows)
    self.leadCount = leadCount
    self.methods = methods.map { Method(name: $0, leads: Array(repeating: empty, count: leadCount)) }
  }

  /// Adds what all methods forecast for one lead time of one start time.
  ///
  /// A pixel that is missing in the observation or in any of the forecasts counts for none of the methods.
  ///
  /// - Parameters:
  ///   - lead: The position of the lead time, from 0.
  ///   - observation: `[h, w]`, mm/h, NaN where missing.
  ///   - forecasts: One field for each method, in the order of ``methods``; shape and units as the observation's.
  /// - Precondition: one forecast for each method, all of one shape.
  public mutating func add(lead: Int, observation: Tensor, forecasts: [Tensor]) {
    precondition(forecasts.count == methods.count, "\(forecasts.count) forecasts of \(methods.count) methods")
    precondition(lead >= 0 && lead < leadCount, "lead time \(lead) is outside of the table's \(leadCount)")
    let mask = PixelMask(observation: observation, forecasts: forecasts)
    for (index, forecast) in forecasts.enumerated() {
      methods[index].leads[lead].add(forecast: forecast, observation: observation, mask: mask)
    }
  }

  /// The scores of a method and a lead time; `nil` when there is no such method.
  public func scores(of method: String, lead: Int) -> FieldScores? {
    methods.first { $0.name == method }?.leads[lead]
  }

  /// Adds the scores of other start times.
  ///
  /// - Precondition: methods, lead times, thresholds and windows are the same.
  public mutating func merge(_ other: ScoreTable) {
    precondition(methods.map(\.name) == other.methods.map(\.name), "tables of different methods")
    precondition(leadCount == other.leadCount, "tables of different lead times")
    for index in methods.indices {
      for lead in 0..<leadCount { methods[index].leads[lead].merge(other.methods[index].leads[lead]) }
    }
  }
}
