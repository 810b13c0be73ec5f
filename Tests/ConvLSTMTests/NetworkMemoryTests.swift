import ConvLSTM
import Testing

@Suite struct NetworkMemoryTests {
  private func tape(input: KernelSize, state: KernelSize, hidden: [Int] = [64, 64]) throws -> Double {
    let configuration = try EncoderForecasterConfiguration(
      patch: 1, hidden: hidden, inputKernel: [input], stateKernel: [state])
    return NetworkMemory(configuration, inputFrames: 3, leadFrames: 2, height: 400, width: 300).tape(batch: 1)
  }

  /// Convolutions of input and state by kernels of two sizes put a step's gates into memory between them, unless both are
  /// direct sums: four gates of a float for each hidden channel and pixel, margins included.
  @Test func kernelsOfTwoSizesTakeMemoryForTheGates() throws {
    let gates = 4.0 * 4 * 64 * 404 * 304
    // Large buffers take whole pages of 2 MB.
    func agree(_ bytes: Double, _ expected: Double) -> Bool { abs(bytes - expected) <= Double(2 << 20) }
    #expect(try agree(tape(input: 5, state: 3) - tape(input: 5, state: 5), gates))
    #expect(try agree(tape(input: 3, state: 5) - tape(input: 5, state: 5), gates))
    #expect(try tape(input: 9, state: 1) == tape(input: 9, state: 9))
    // A larger layer after a smaller one takes a buffer of its own.
    let rising = try tape(input: 5, state: 3, hidden: [32, 64]) - tape(input: 5, state: 5, hidden: [32, 64])
    #expect(agree(rising, 1.5 * gates))
  }
}
