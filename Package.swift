// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors everywhere.
let common: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// The arithmetic targets are always optimised (debug tests would otherwise take hours), and on x86-64 they are
// compiled for AVX2 + FMA: without these flags Swift lowers every fused multiply-add to a call of fmaf().
// The command checks the processor before it calls any of them.
//
// The microkernels are compiled a second time for AVX-512, from the same sources (Sources/MicrokernelsAVX512 holds
// symbolic links). There a vector of sixteen floats is one register, and there are 32 of them, which calls for larger
// register tiles (WIDE_REGISTERS). As whole modules, also in debug builds: the kernels' inner functions must be inlined.
#if arch(x86_64)
  let arithmetic: [SwiftSetting] = common + [.unsafeFlags(["-O", "-Xcc", "-march=x86-64-v3"])]
  let wideTargets: [Target] = [
    .target(
      name: "MicrokernelsAVX512", dependencies: ["CCPUInfo", "KernelInterface"],
      swiftSettings: common + [
        .unsafeFlags(["-O", "-wmo", "-disable-batch-mode", "-num-threads", "1", "-Xcc", "-march=x86-64-v4"]),
        .define("WIDE_REGISTERS"),
      ])
  ]
  let wideDependencies: [Target.Dependency] = ["MicrokernelsAVX512"]
  let wideDefines: [SwiftSetting] = [.define("AVX512_KERNELS")]
#else
  let arithmetic: [SwiftSetting] = common + [.unsafeFlags(["-O"])]
  let wideTargets: [Target] = []
  let wideDependencies: [Target.Dependency] = []
  let wideDefines: [SwiftSetting] = []
#endif

let package = Package(
  name: "nowcast",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "nowcast", targets: ["nowcast"]),
    .library(name: "ConvLSTM", targets: ["ConvLSTM"]),
    .library(name: "Tensor", targets: ["Tensor"]),
    .library(name: "RadarIO", targets: ["RadarIO"]),
    .library(name: "Verification", targets: ["Verification"]),
  ],
  traits: [.trait(name: "MPI", description: "Training and evaluation by several processes, on one machine or many.")],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CNetCDF", pkgConfig: "netcdf",
      providers: [.apt(["libnetcdf-dev"]), .brew(["netcdf"])]),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5",
      providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CPROJ", pkgConfig: "proj",
      providers: [.apt(["libproj-dev"]), .brew(["proj"])]),
    .systemLibrary(
      name: "CUDUNITS", pkgConfig: "udunits",
      providers: [.apt(["libudunits2-dev"]), .brew(["udunits"])]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .target(name: "CRadarShim", dependencies: ["CHDF5", "CNetCDF", "CUDUNITS"]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng",
      providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CMPI", pkgConfig: "ompi-c",
      providers: [.apt(["libopenmpi-dev"]), .brew(["open-mpi"])]),
    .target(name: "CCPUInfo"),
    .target(name: "CStarterModel", exclude: ["starter.safetensors"]),

    .target(name: "AlignedMemory", swiftSettings: arithmetic),
    .target(name: "Tensor", dependencies: ["AlignedMemory"], swiftSettings: arithmetic),
    .target(name: "KernelInterface", swiftSettings: common),
    .target(
      name: "Microkernels", dependencies: ["CCPUInfo", "KernelInterface"],
      swiftSettings: arithmetic + [.unsafeFlags(["-wmo", "-disable-batch-mode", "-num-threads", "1"])]),
    .target(
      name: "ConvKernels",
      dependencies: ["AlignedMemory", "CCPUInfo", "KernelInterface", "Microkernels"] + wideDependencies,
      swiftSettings: arithmetic + wideDefines),
    .target(name: "ConvLSTM", dependencies: ["Tensor", "ConvKernels"], swiftSettings: arithmetic),
    .target(
      name: "RadarIO", dependencies: ["CNetCDF", "CPROJ", "CSQLite", "CUDUNITS", "CRadarShim", "Tensor"],
      swiftSettings: common),
    .target(name: "Quicklook", dependencies: ["CPNG", "RadarIO", "Tensor"], swiftSettings: common),
    .target(name: "Report", swiftSettings: common),
    .target(name: "Fourier", swiftSettings: arithmetic),
    .target(name: "Advection", dependencies: ["ConvKernels", "Fourier", "Tensor"], swiftSettings: arithmetic),
    .target(name: "Verification", dependencies: ["Fourier", "Tensor"], swiftSettings: arithmetic),
    .target(
      name: "Nowcasting",
      dependencies: [
        "Advection", "CCPUInfo", "CStarterModel", "Tensor", "ConvKernels", "ConvLSTM", "Quicklook", "RadarIO", "Report",
        "Verification",
        .target(name: "CMPI", condition: .when(traits: ["MPI"])),
      ],
      swiftSettings: common),
    .executableTarget(
      name: "nowcast",
      dependencies: [
        "Nowcasting", "Quicklook", "RadarIO", "ConvLSTM", "ConvKernels", "CCPUInfo", "Tensor", "Verification",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: common),

    // The convolutions that are checked and timed.
    .target(name: "ConvolutionCases", dependencies: ["ConvKernels", "Tensor"], swiftSettings: arithmetic),

    // Tools for developers: how near the convolution comes to the processor's limit, and the time of whole networks.
    .executableTarget(
      name: "KernelBenchmark", dependencies: ["ConvKernels", "ConvolutionCases"], swiftSettings: arithmetic),
    .executableTarget(
      name: "NetworkBenchmark", dependencies: ["ConvKernels", "ConvLSTM", "Tensor"], swiftSettings: arithmetic),
    // Damaged files through the whole reader, for Scripts/fuzz.
    .executableTarget(name: "FuzzReader", dependencies: ["Nowcasting", "RadarIO", "Tensor"], swiftSettings: common),

    .testTarget(name: "TensorTests", dependencies: ["Tensor"], swiftSettings: common),
    .testTarget(
      name: "ConvKernelsTests", dependencies: ["ConvKernels", "ConvolutionCases", "Microkernels", "Tensor"],
      swiftSettings: common),
    .testTarget(
      name: "ConvLSTMTests", dependencies: ["ConvLSTM", "ConvKernels", "Tensor", "Nowcasting"],
      swiftSettings: common),
    .testTarget(
      name: "RadarIOTests", dependencies: ["RadarIO", "Tensor", "CNetCDF", "CRadarShim"], swiftSettings: common),
    .testTarget(
      name: "QuicklookTests", dependencies: ["Quicklook", "CPNG", "RadarIO", "Tensor"], swiftSettings: common),
    .testTarget(name: "ReportTests", dependencies: ["Report"], swiftSettings: common),
    .testTarget(
      name: "AdvectionTests", dependencies: ["Advection", "ConvKernels", "Fourier", "Tensor"], swiftSettings: common),
    .testTarget(name: "VerificationTests", dependencies: ["Verification", "Tensor"], swiftSettings: common),
    .testTarget(
      name: "NowcastingTests",
      dependencies: ["FuzzReader", "Nowcasting", "RadarIO", "ConvLSTM", "Tensor", "Verification"],
      swiftSettings: common),
    .testTarget(
      name: "CommandTests", dependencies: ["nowcast", "ConvKernels", "Nowcasting", "RadarIO", "Tensor", "CNetCDF"],
      swiftSettings: common),
  ] + wideTargets
)
