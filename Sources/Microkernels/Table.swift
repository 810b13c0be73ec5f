import KernelInterface

/// The kernels as this module was compiled.
///
/// Nothing else of this module is public, and nothing generic: what is compiled for AVX-512 must not be shared with code
/// that runs on every processor.
public func kernelTable(name: String) -> KernelTable {
  #if WIDE_REGISTERS
    let blocksAtOnce = 2
  #else
    let blocksAtOnce = 1
  #endif
  return KernelTable(
    name: name, blocksAtOnce: blocksAtOnce, groupTiles: productGroupTiles, directRow: f32DirectRow,
    directWeightGradient: f32DirectWeightGradient4x16,
    winograd: [f32Winograd3x3Tile4(), f32Winograd3x3Tile6(), f32Winograd5x5()],
    products: f32Products, weightProducts: f32WeightProducts, gatesForward: LSTMGates.forward,
    gatesBackward: LSTMGates.backward, gateParameterGradients: LSTMGates.addParameterGradients,
    logistic: f32Logistic, logisticBackward: f32LogisticBackward, channelSums: f32ChannelSums,
    fmaLimit: { rounds, sink in fmaLimitOperations(rounds: rounds, &sink) })
}
