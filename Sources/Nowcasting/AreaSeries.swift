import Foundation
import RadarIO
import Tensor

/// Rain over areas, such as catchments, at every time of some frames.
public struct AreaSeries: Sendable {
  /// Rain over one area: of a frame in mm/h, or of a window in mm.
  public struct Summary: Sendable, Equatable {
    /// The mean of what was measured, each pixel by how much of it lies in the area; `nil` where nothing was.
    public var mean: Double?
    /// The largest value of a pixel that the area touches.
    public var largest: Float?
    /// The share of the area that was measured, from 0 to 1.
    public var covered: Double
  }

  /// One area at one time.
  public struct Row: Sendable {
    /// The valid time in seconds since 1970.
    public var time: Double
    /// The lead time in seconds; `nil` for what is no forecast.
    public var lead: Double?
    /// The position of the area.
    public var area: Int
    /// The rain rate.
    public var rate: Summary
    /// The amount of each window that ends at the time; `nil` where there is no whole one.
    public var amounts: [Summary?]
  }

  /// The names of the areas.
  public let names: [String]
  /// The lengths of the windows in minutes.
  public let windows: [Int]
  /// All areas of the first time, then of the next.
  public let rows: [Row]

  /// Reads frames and sums up the rain over areas.
  ///
  /// - Parameters:
  ///   - covers: the areas on the grid of the frames.
  ///   - sequences: frames of that grid.
  ///   - sums: windows over the same sequences.
  /// - Throws: `RadarError` when a file cannot be read any more.
  public init(_ covers: [AreaCover], sequences: [FrameSequence], sums: [RainSums] = []) throws {
    names = covers.map(\.name)
    windows = sums.map(\.minutes)
    var rows: [Row] = []
    for (index, sequence) in sequences.enumerated() {
      for frame in 0..<sequence.count {
        let rates = try sequence.rainRate(at: frame)
        let amounts = try sums.map { sums in
          try sums.window(endingAt: frame, of: index).map { try sums.amounts(of: $0) }
        }
        let lead = sequence.referenceTime.flatMap { sequence.times[frame] > $0 ? sequence.times[frame] - $0 : nil }
        for (area, cover) in covers.enumerated() {
          rows.append(
            Row(
              time: sequence.times[frame], lead: lead, area: area, rate: AreaSeries.summary(cover, rates),
              amounts: amounts.map { $0.map { AreaSeries.summary(cover, $0) } }))
        }
      }
    }
    self.rows = rows
  }

  private static func summary(_ cover: AreaCover, _ field: Tensor) -> Summary {
    let (mean, largest, covered) = field.withUnsafeBufferPointer { cover.summary(of: $0) }
    return Summary(mean: mean, largest: largest, covered: covered)
  }

  // MARK: Texts

  /// A line for each area and time, under a header; empty where nothing was measured or there is no whole window.
  public var csv: String {
    let heads =
      ["mean_mm_h", "max_mm_h", "covered"]
      + windows.flatMap { ["mean_\($0)min_mm", "max_\($0)min_mm", "covered_\($0)min"] }
    var lines = [(["time", "lead_minutes", "catchment"] + heads).joined(separator: ",")]
    let names = names.map(AreaSeries.quoted)
    for row in rows {
      var fields = [TimeAxis.text(row.time), row.lead.map { String(format: "%.6g", $0 / 60) } ?? "", names[row.area]]
      for summary in [row.rate] + row.amounts {
        fields.append(summary?.mean.map { String(format: "%.4f", $0) } ?? "")
        fields.append(summary?.largest.map { String(format: "%.4f", Double($0)) } ?? "")
        fields.append(summary.map { String(format: "%.4f", $0.covered) } ?? "")
      }
      lines.append(fields.joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A field of a CSV file (RFC 4180).
  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { "\",".contains($0) || $0.isNewline }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  /// The areas of the largest means, at most `most` of them, for people.
  public func table(most: Int = 10) -> String {
    let best = names.indices.map { area -> (area: Int, mean: Row?, largest: Row?, covered: Double) in
      let own = rows.filter { $0.area == area }
      let measured = own.filter { $0.rate.mean != nil }
      return (
        area, measured.max { ($0.rate.mean ?? 0) < ($1.rate.mean ?? 0) },
        measured.max { ($0.rate.largest ?? 0) < ($1.rate.largest ?? 0) }, own.map(\.rate.covered).min() ?? 0
      )
    }.sorted { ($1.mean?.rate.mean ?? -1, $0.area) < ($0.mean?.rate.mean ?? -1, $1.area) }
    func words(_ value: Double?, _ row: Row?) -> String {
      guard let value, let row else { return "not measured" }
      return String(format: "%.1f mm/h  ", value) + TimeAxis.text(row.time)
    }
    let shown = best.prefix(most).map { entry in
      [
        names[entry.area], words(entry.mean?.rate.mean, entry.mean),
        words(entry.largest?.rate.largest.map(Double.init), entry.largest),
        String(format: "%.0f %%", (100 * entry.covered + 1e-6).rounded(.down)),
      ]
    }
    let table = [["catchment", "largest mean", "largest pixel", "covered at least"]] + shown
    let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    var lines = table.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "   ")
        .replacing(#/ +$/#, with: "")
    }
    if names.count > most { lines.append("… and \(names.count - most) more") }
    return lines.joined(separator: "\n")
  }
}
