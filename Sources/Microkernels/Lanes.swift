/// Sixteen channels of a pixel: one register of AVX-512, two of AVX2, four of NEON.
typealias Lanes = SIMD16<Float>

@inline(__always)
func lanes(_ pointer: UnsafePointer<Float>) -> UnsafePointer<Lanes> {
  UnsafeRawPointer(pointer).assumingMemoryBound(to: Lanes.self)
}

@inline(__always)
func lanes(_ pointer: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Lanes> {
  UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Lanes.self)
}
