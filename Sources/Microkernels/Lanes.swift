import CCPUInfo

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

/// `a·b + c`, rounded once.
@inline(__always)
func fma(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { cpu_vector_fma(a, b, c) }

/// `a·b + c`, rounded once, with one factor for all lanes.
@inline(__always)
func fma(_ a: Lanes, _ b: Float, _ c: Lanes) -> Lanes { cpu_vector_fma(a, Lanes(repeating: b), c) }
