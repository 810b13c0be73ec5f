/// The coordinates in which a network sees rain.
public enum Coordinates: String, Sendable, Codable, CaseIterable {
  /// Those of the frames: the network sees rain move, and has to learn how.
  case eulerian
  /// Those of the air: frames are moved along the motion of the rain to the reference time before they enter, and what is
  /// forecast is moved along it afterwards. The network has to learn only how rain changes.
  case lagrangian
}
