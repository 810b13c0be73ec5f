import Foundation
import Testing

@testable import nowcast

/// What is seen of a long work on a terminal.
@Suite struct DisplayTests {
  private func terminal(_ columns: Int, unicode: Bool = true) -> Terminal {
    Terminal(columns: columns, isUnicode: unicode)
  }

  @Test func barsAreAsWideAsTheyShould() {
    for unicode in [true, false] {
      for width in 8...40 {
        for share in [-1, 0, 0.01, 0.5, 0.97, 1, 2] {
          #expect(terminal(80, unicode: unicode).bar(share, width: width).count == width)
        }
      }
    }
    #expect(terminal(80).bar(0.55, width: 10) == "━━━━━╸┄┄┄┄")
    #expect(terminal(80, unicode: false).bar(0.5, width: 10) == "[####....]")
    #expect(terminal(80, unicode: false).bar(1, width: 10) == "[########]")
  }

  @Test func fieldsAreWrappedBeforeTheEdge() {
    let fields = ["loss 0.01234 (mean 0.01301)", "val 0.01400", "12.3 windows/s", "140 GFLOP/s", "876 MB"]
    #expect(
      terminal(80).wrapped(fields) == [
        "loss 0.01234 (mean 0.01301)  val 0.01400  12.3 windows/s  140 GFLOP/s  876 MB"
      ])
    for columns in 30...100 {
      let lines = terminal(columns).wrapped(fields)
      #expect(lines.allSatisfy { $0.count < columns })
      #expect(lines.joined(separator: "  ") == fields.joined(separator: "  "))
    }
  }
}
