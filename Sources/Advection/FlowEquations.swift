import ConvKernels
import Tensor

/// The equations of the flow on a grid of square cells: how the brightness in each cell asks it to change.
///
/// For a small change d of the motion, the squared differences of two frames in a cell are dᵀA·d + 2bᵀd + a constant
/// (Lucas and Kanade 1981). Stored as sums over the pixels of a cell: A₁₁, A₁₂, A₂₂, b₁, b₂.
struct FlowEquations {
  /// The side of a cell in pixels: the lanes of a vector.
  static let cell = 8
  /// The difference of two frames, in dB, at which a pixel's weight has halved: growth and decay are no motion.
  static let halfWeightDifference: Float = 6
  /// Below this gradient, in dB per pixel, rain has too little structure to show a motion. Its square is added to A where it
  /// rains (Levenberg's damping): a change of brightness in an even field would otherwise be taken for a storm.
  static let leastGradient: Float = 0.1

  /// Cells from top to bottom.
  let height: Int
  /// Cells from left to right.
  let width: Int
  /// A₁₁, A₁₂, A₂₂, b₁, b₂ in the first five lanes, row by row.
  private(set) var sums: [SIMD8<Float>]

  /// The equations of no pixel yet, for images of a size.
  init(imageHeight: Int, imageWidth: Int) {
    height = (imageHeight + Self.cell - 1) / Self.cell
    width = (imageWidth + Self.cell - 1) / Self.cell
    sums = [SIMD8<Float>](repeating: .zero, count: height * width)
  }

  /// Forgets all pixels.
  mutating func clear() { for index in sums.indices { sums[index] = .zero } }

  /// Adds the pixels of two frames that follow each other, both smoothed, `[h, w]`.
  ///
  /// Both are moved half of the way to each other by the motion known so far, `flow`, one vector for each cell. What is
  /// missing, or comes from outside, has no weight.
  mutating func add(_ first: Tensor, _ second: Tensor, flow: [SIMD2<Float>], pool: WorkerPool) {
    precondition(first.shape == second.shape && flow.count == sums.count)
    let (cellRows, cellColumns) = (height, width)
    let (imageHeight, imageWidth) = (first.shape[0], first.shape[1])
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        flow.withUnsafeBufferPointer { flow in
          sums.withUnsafeMutableBufferPointer { sums in
            guard let first = first.baseAddress, let second = second.baseAddress, let flow = flow.baseAddress,
              let sums = sums.baseAddress
            else { return }
            let pair = FramePair(
              first: first, second: second, height: imageHeight, width: imageWidth, flow: flow,
              cellRows: cellRows, cellColumns: cellColumns)
            pool.run(tasks: cellRows) { row in pair.add(cellRow: row, to: sums + row * cellColumns) }
          }
        }
      }
    }
  }

  /// Smooths the sums by a Gaussian of a standard deviation of one cell, and divides them by the mean of A₁₁ + A₂₂ where
  /// there is any structure: the weight of smoothness then does not depend on how much or how strongly it rains.
  mutating func smoothAndNormalise() {
    let weights: [Float] = [0.0044330481, 0.0540055826, 0.2420362294, 0.3990502797]
    func smoothed(_ values: [SIMD8<Float>], along stride: Int, extent: Int) -> [SIMD8<Float>] {
      values.indices.map { index in
        let place = index / stride % extent
        var sum = weights[3] * values[index]
        for offset in 1...3 {
          let (before, after) = (max(place - offset, 0) - place, min(place + offset, extent - 1) - place)
          sum += weights[3 - offset] * (values[index + before * stride] + values[index + after * stride])
        }
        return sum
      }
    }
    sums = smoothed(smoothed(sums, along: 1, extent: width), along: width, extent: height)
    var (total, cells) = (0.0, 0)
    for sum in sums where sum[0] + sum[2] > 0 {
      total += Double(sum[0] + sum[2])
      cells += 1
    }
    guard total > 0 else { return }
    let scale = Float(Double(cells) / total)
    for index in sums.indices { sums[index] *= scale }
  }

  /// The motion that fits the equations and is smooth: the least of Σ (dᵀA·d + 2bᵀd) + α·Σ|∇flow|², where d is the change
  /// from `flow`. By successive over-relaxation.
  func solved(from flow: [SIMD2<Float>], smoothness: Float, sweeps: Int) -> [SIMD2<Float>] {
    let relaxation: Float = 1.9
    var result = flow
    for _ in 0..<sweeps {
      for row in 0..<height {
        for column in 0..<width {
          let index = row * width + column
          var (neighbours, count) = (SIMD2<Float>.zero, Float(0))
          func add(_ neighbour: Int) {
            neighbours += result[neighbour]
            count += 1
          }
          if row > 0 { add(index - width) }
          if row < height - 1 { add(index + width) }
          if column > 0 { add(index - 1) }
          if column < width - 1 { add(index + 1) }
          guard count > 0 || sums[index][0] + sums[index][2] > 0 else { continue }
          let (a11, a12, a22) = (sums[index][0], sums[index][1], sums[index][2])
          let start = flow[index]
          let right =
            SIMD2(a11 * start.x + a12 * start.y - sums[index][3], a12 * start.x + a22 * start.y - sums[index][4])
            + smoothness * neighbours
          let (m11, m22) = (a11 + smoothness * count, a22 + smoothness * count)
          let determinant = m11 * m22 - a12 * a12
          guard determinant > 0 else { continue }
          let solution = SIMD2(m22 * right.x - a12 * right.y, m11 * right.y - a12 * right.x) / determinant
          result[index] += relaxation * (solution - result[index])
        }
      }
    }
    return result
  }
}

/// Two frames and the motion between them, as pointers.
private struct FramePair {
  let first, second: UnsafePointer<Float>
  let height, width: Int
  let flow: UnsafePointer<SIMD2<Float>>
  let cellRows, cellColumns: Int

  /// Adds one row of cells.
  func add(cellRow: Int, to sums: UnsafeMutablePointer<SIMD8<Float>>) {
    let cell = FlowEquations.cell
    // The rows of the cells and one more on each side, each with a margin on both: the gradient needs neighbours.
    let stride = (cellColumns + 2) * cell
    let rows = cell + 2
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * rows * stride) { memory in
      guard let means = memory.baseAddress else { return }
      means.initialize(repeating: .nan, count: 2 * rows * stride)
      let differences = means + rows * stride
      for row in 0..<rows {
        let y = cellRow * cell + row - 1
        guard (0..<height).contains(y) else { continue }
        warp(y, means + row * stride + cell, differences + row * stride + cell)
      }
      for column in 0..<cellColumns {
        var (xx, xy, yy, xd, yd) = (
          SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero
        )
        for row in 1...cell {
          let centre = means + row * stride + (column + 1) * cell
          let gx = 0.5 * (load(centre + 1) - load(centre - 1))
          let gy = 0.5 * (load(centre + stride) - load(centre - stride))
          let d = load(differences + row * stride + (column + 1) * cell)
          let all = gx + gy + d
          let ratio = d / FlowEquations.halfWeightDifference
          let isMissing = all .!= all
          let weight = (1 / (1 + ratio * ratio)).replacing(with: 0, where: isMissing)
          let (x, y) = (gx.replacing(with: 0, where: isMissing), gy.replacing(with: 0, where: isMissing))
          let wd = weight * d.replacing(with: 0, where: isMissing)
          let rain = weight.replacing(with: 0, where: load(centre) .< FlowImages.dryLimitDecibels)
          let damping = rain * (FlowEquations.leastGradient * FlowEquations.leastGradient)
          xx += weight * x * x + damping
          xy += weight * x * y
          yy += weight * y * y + damping
          xd += x * wd
          yd += y * wd
        }
        sums[column] += SIMD8(xx.sum(), xy.sum(), yy.sum(), xd.sum(), yd.sum(), 0, 0, 0)
      }
    }
  }

  /// The mean and the difference of both frames in a row, each moved half of the way.
  private func warp(
    _ y: Int, _ means: UnsafeMutablePointer<Float>, _ differences: UnsafeMutablePointer<Float>
  ) {
    let scale = 1 / Float(FlowEquations.cell)
    let cellY = (Float(y) + 0.5) * scale - 0.5
    for x in 0..<width {
      let cellX = (Float(x) + 0.5) * scale - 0.5
      let half = 0.5 * sample(flow, height: cellRows, width: cellColumns, x: cellX, y: cellY)
      let a = sample(first, height: height, width: width, x: Float(x) - half.x, y: Float(y) - half.y)
      let b = sample(second, height: height, width: width, x: Float(x) + half.x, y: Float(y) + half.y)
      means[x] = 0.5 * (a + b)
      differences[x] = b - a
    }
  }

  @inline(__always)
  private func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }
}
