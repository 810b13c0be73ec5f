import CCPUInfo
import KernelInterface
import Microkernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
#if AVX512_KERNELS
  import MicrokernelsAVX512
#endif

/// The instructions that the kernels use. Results of different sets differ in their last bits; with one set they are the
/// same for any number of threads.
public enum InstructionSet: String, Sendable, CaseIterable {
  /// AVX2 and FMA on x86-64, NEON on arm64.
  case baseline
  /// AVX-512, on x86-64 processors that have it.
  case avx512

  /// Whether this processor has it.
  public var isSupported: Bool {
    switch self {
    case .baseline: cpu_info_runs_kernels()
    case .avx512: cpu_info_has_avx512()
    }
  }

  /// The widest set that this processor has, unless the environment asks for the baseline:
  /// `NOWCAST_INSTRUCTION_SET=baseline`.
  public static let standard: InstructionSet = {
    if let name = getenv("NOWCAST_INSTRUCTION_SET"), let asked = InstructionSet(rawValue: String(cString: name)),
      asked.isSupported
    {
      return asked
    }
    return InstructionSet.avx512.isSupported ? .avx512 : .baseline
  }()

  /// Its kernels. The one place that knows processors.
  ///
  /// - Precondition: the processor has it.
  var kernels: KernelTable {
    precondition(isSupported, "this processor lacks the instructions of \(self)")
    switch self {
    case .avx512:
      #if AVX512_KERNELS
        return MicrokernelsAVX512.kernelTable(name: "AVX-512")
      #else
        preconditionFailure("no kernels were built for AVX-512")
      #endif
    case .baseline:
      #if arch(x86_64)
        return Microkernels.kernelTable(name: "AVX2")
      #else
        return Microkernels.kernelTable(name: "NEON")
      #endif
    }
  }
}
