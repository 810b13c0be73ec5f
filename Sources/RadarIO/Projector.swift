import CPROJ

/// PROJ, which computes map projections; this program does not itself.
final class Projector {
  private let context: OpaquePointer
  private let operation: OpaquePointer
  /// Whether coordinates are degrees, as the projection is none.
  let isAngular: Bool

  /// Prepares a projection; `nil` when PROJ refuses its parameters.
  init?(_ projection: Projection) {
    guard let context = proj_context_create() else { return nil }
    // PROJ writes to standard error otherwise, and a radar file is no reason to call anybody.
    proj_log_level(context, PJ_LOG_NONE)
    proj_context_set_enable_network(context, 0)
    guard let operation = proj_create(context, projection.text) else {
      proj_context_destroy(context)
      return nil
    }
    self.context = context
    self.operation = operation
    isAngular = projection.name == "longlat"
  }

  deinit {
    proj_destroy(operation)
    proj_context_destroy(context)
  }

  /// Coordinates in metres of a place in degrees (in degrees where the projection is none); `nil` where there are none.
  func project(longitude: Double, latitude: Double) -> (x: Double, y: Double)? {
    guard abs(latitude) <= 90, abs(longitude) <= 720 else { return nil }
    if isAngular { return (longitude, latitude) }
    let result = proj_trans(operation, PJ_FWD, proj_coord(longitude * .pi / 180, latitude * .pi / 180, 0, 0)).xy
    return result.x.isFinite && result.y.isFinite ? (result.x, result.y) : nil
  }

  /// The place in degrees of coordinates in metres; `NaN` where there is none.
  func place(x: Double, y: Double) -> (longitude: Double, latitude: Double) {
    let result = proj_trans(operation, PJ_INV, proj_coord(x, y, 0, 0)).lp
    guard result.lam.isFinite, result.phi.isFinite else { return (.nan, .nan) }
    return (result.lam * 180 / .pi, result.phi * 180 / .pi)
  }
}
