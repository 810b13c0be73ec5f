import Tensor

/// Eulerian persistence: nothing moves and nothing changes. What every forecast has to beat first.
public enum Persistence {
  /// The name of the method in reports.
  public static let name = "persistence"

  /// The field, `[h, w]`, that is expected at every lead time.
  public static func forecast(_ rainRate: Tensor, last: Int) -> Tensor { rainRate.part(last) }
}
