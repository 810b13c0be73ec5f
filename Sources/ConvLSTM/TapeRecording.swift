/// What a forward pass keeps for a backward pass.
public enum TapeRecording: Sendable, CaseIterable {
  /// Nothing: no backward pass can follow.
  case nothing
  /// Hidden and cell states, two numbers for each hidden channel, pixel and step. The backward pass computes the gates of
  /// a step again, which takes as long as a forward pass.
  case states
  /// States and gates, six numbers for each hidden channel, pixel and step.
  case all
}
