import Advection

/// What a network is told, beside the frames, of the rain at each lead time.
public enum Guidance: String, Sendable, Codable, CaseIterable {
  /// Nothing.
  case none
  /// What S-PROG forecasts, before it gives the field its distribution back: what of the rain is likely to be left, at every
  /// scale. The network begins with it and learns what it does not know.
  case sprog

  /// Whether there can be any for a network that sees so many frames in such coordinates.
  func suits(_ coordinates: Coordinates, inputFrames: Int) -> Bool {
    self == .none || (coordinates == .lagrangian && inputFrames >= SpectralPrognosis.frames)
  }
}
