import Tensor
import Testing

@Suite struct TensorTests {
  @Test func elementsAreRowMajor() {
    let tensor = Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6])
    #expect(tensor[0, 2] == 3 && tensor[1, 0] == 4)
  }

  @Test func aCopyIsIndependent() {
    let original = Tensor(shape: [2, 2], repeating: 1)
    var copy = original
    copy[1, 1] = 7
    #expect(original[1, 1] == 1 && copy[1, 1] == 7)
  }

  @Test func partsShareUntilWritten() {
    let whole = Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6])
    var part = whole.part(1)
    #expect(part.shape == [2] && part.elements == [3, 4])
    part[0] = 9
    #expect(whole[1, 0] == 3 && part.elements == [9, 4])
    #expect(whole.parts(1..<3).elements == [3, 4, 5, 6])
  }

  @Test func exchangingTwoDimensions() {
    let tensor = Tensor(shape: [2, 3, 1], [1, 2, 3, 4, 5, 6])
    let swapped = tensor.swappingFirstTwoDimensions()
    #expect(swapped.shape == [3, 2, 1] && swapped.elements == [1, 4, 2, 5, 3, 6])
    #expect(swapped.swappingFirstTwoDimensions() == tensor)
  }

  @Test func anEmptyTensorHasNoElements() {
    #expect(Tensor(shape: [0, 4]).elements.isEmpty)
    #expect(Tensor(shape: []).count == 1)
  }

  @Test func storageIsAlignedToACacheLine() {
    for count in [1, 7, 1000] {
      Tensor(shape: [count]).withUnsafeBufferPointer { buffer in
        #expect(Int(bitPattern: buffer.baseAddress) % 64 == 0)
      }
    }
  }
}

@Suite struct RandomSourceTests {
  /// The published reference implementation's first outputs for the state 1, 2, 3, 4.
  @Test func followsTheReference() {
    var source = RandomSource(seed: 0)
    source.state = SIMD4(1, 2, 3, 4)
    #expect(
      (0..<5).map { _ in source.next() } == [
        11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
      ])
  }

  @Test func theSameSeedGivesTheSameNumbers() {
    var (a, b, c) = (RandomSource(seed: 5), RandomSource(seed: 5), RandomSource(seed: 6))
    let first = Tensor.normal(shape: [64], using: &a)
    #expect(first == Tensor.normal(shape: [64], using: &b))
    #expect(first != Tensor.normal(shape: [64], using: &c))
  }

  @Test func momentsAreThoseOfTheDistributions() {
    var source = RandomSource(seed: 1)
    let uniform = Tensor.uniform(shape: [100_000], low: -1, high: 3, using: &source).elements.map(Double.init)
    #expect(uniform.allSatisfy { $0 >= -1 && $0 < 3 })
    #expect(abs(uniform.reduce(0, +) / 1e5 - 1) < 0.02)
    let normal = Tensor.normal(shape: [100_000], using: &source).elements.map(Double.init)
    #expect(abs(normal.reduce(0, +) / 1e5) < 0.02)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 1e5 - 1) < 0.02)
  }
}
