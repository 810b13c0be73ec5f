/// Sums of weight gradients in the transformed domain, to which steps are added one by one: they are transformed back once
/// in the end and not for each of them, which for few pixels would take as long as the sums.
public final class WeightGradientSums {
  private var buffer: AlignedBuffer?
  private var isEmpty = true
  private var parts: [WeightGradientSums] = []

  /// Sums over no steps; the memory is taken when it is needed.
  public init() {}

  /// The sums, zero at first.
  func begin(count: Int) -> UnsafeMutablePointer<Float> {
    if let buffer, buffer.count == count {
      if isEmpty { buffer.clear() }
      isEmpty = false
      return buffer.pointer
    }
    precondition(isEmpty, "sums of another size")
    let new = AlignedBuffer(count: count)
    (buffer, isEmpty) = (new, false)
    return new.pointer
  }

  /// The sums, if there are any, which begin anew afterwards.
  func end() -> UnsafePointer<Float>? {
    guard let buffer, !isEmpty else { return nil }
    isEmpty = true
    return UnsafePointer(buffer.pointer)
  }

  /// The sums of one of several convolutions that have not one kernel in common.
  func part(_ index: Int) -> WeightGradientSums {
    while parts.count <= index { parts.append(WeightGradientSums()) }
    return parts[index]
  }
}

/// Adds the gradients that ``accumulateWeightGradients(_:outputGradients:sums:pool:)`` left in `sums` to those of the same
/// parts.
public func addWeightGradientSums(_ parts: [WeightGradientPart], _ sums: WeightGradientSums, pool: WorkerPool) {
  if let winograd = WinogradWeightGradient(parts, pool: pool) {
    if let sums = sums.end() { winograd.transformBack(sums, pool) }
  } else if parts.count > 1 {
    for (index, part) in parts.enumerated() { addWeightGradientSums([part], sums.part(index), pool: pool) }
  }
}
