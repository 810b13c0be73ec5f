import ConvKernels
import Tensor

/// The motion of rain between radar frames: dense optical flow, combined local and global.
///
/// Rain is taken to keep its brightness (on a decibel scale) along its way. Sums over small cells make that well posed where
/// there is structure (Lucas and Kanade 1981); a penalty on the gradient of the motion carries it over to where there is
/// none, dry areas above all (Horn and Schunck 1981). Both together, with weights that let growth and decay count less and
/// from coarse to fine images, is the method of Bruhn, Weickert and Schnörr (2005): "Lucas/Kanade meets Horn/Schunck", Int.
/// J. Comput. Vision 61, 211–231. The motion is taken to be the same between all frames given.
public struct OpticalFlow: Sendable, Equatable {
  /// The fewest frames that show a motion.
  public static let fewestFrames = 2
  /// The frames that motion is best taken from: more tell of a past that is over.
  public static let standardFrames = 3

  /// The weight of the smoothness of the motion against that of the brightness, α.
  public var smoothness: Float = 0.5
  /// How often the frames are moved to each other and the motion is corrected, at each resolution.
  public var corrections = 2
  /// How often the finest image is halved: motion needs no more detail, and four times the pixels cost four times as much.
  /// Images that would have fewer than ``leastCells`` cells on a side are taken as they are.
  public var halvings = 1
  /// The least cells on a side of the finest image.
  static let leastCells = 8
  /// Images with fewer pixels on a side get one motion for all, see ``UniformMotion``.
  static let leastSide = 64
  /// The sweeps of the relaxation.
  static let sweeps = 60
  /// The least side of the coarsest image.
  static let coarsestSide = 16

  /// The defaults, which were chosen on radar data of six networks.
  public init() {}

  /// The motion between frames that follow each other.
  ///
  /// Where nothing rains in any frame, or nothing is measured, motion is that of the nearest rain; without any it is zero. A
  /// small image has one motion everywhere.
  /// The result is the same for any number of threads.
  ///
  /// - Parameters:
  ///   - rainRate: `[t, h, w]` in mm/h, NaN where missing.
  ///   - pool: the threads that compute.
  /// - Returns: pixels per frame.
  /// - Precondition: there are at least two frames of at least one pixel.
  public func motion(of rainRate: Tensor, pool: WorkerPool) -> MotionField {
    precondition(rainRate.rank == 3 && rainRate.shape[0] >= Self.fewestFrames && rainRate.count > 0)
    let (height, width) = (rainRate.shape[1], rainRate.shape[2])
    if min(height, width) < Self.leastSide {
      let frames = FlowImages.decibels(rainRate, pool: pool).parts.map { FlowImages.smoothed($0, pool: pool) }
      let motion = UniformMotion.motion(of: frames)
      return MotionField(height: height, width: width, vectors: Array(repeating: motion, count: height * width))
    }
    var levels = [FlowImages.decibels(rainRate, pool: pool).parts]
    while let finest = levels.last?.first, min(finest.shape[0], finest.shape[1]) >= 2 * Self.coarsestSide {
      levels.append(levels[levels.count - 1].map { FlowImages.halved($0, pool: pool) })
    }
    let last =
      (0...min(halvings, levels.count - 1)).last {
        $0 == 0 || levels[$0][0].shape.allSatisfy { $0 >= Self.leastCells * FlowEquations.cell }
      } ?? 0
    var flow: CellFlow?
    for level in stride(from: levels.count - 1, through: last, by: -1) {
      let frames = levels[level].map { FlowImages.smoothed($0, pool: pool) }
      var equations = FlowEquations(imageHeight: frames[0].shape[0], imageWidth: frames[0].shape[1])
      var current = flow?.refined(height: equations.height, width: equations.width) ?? CellFlow(like: equations)
      for _ in 0..<corrections {
        equations.clear()
        for (first, second) in zip(frames, frames.dropFirst()) {
          equations.add(first, second, flow: current.vectors, pool: pool)
        }
        equations.smoothAndNormalise()
        current.vectors = equations.solved(from: current.vectors, smoothness: smoothness, sweeps: Self.sweeps)
      }
      flow = current
    }
    guard let flow else { preconditionFailure("there is at least one level") }
    return flow.field(height: height, width: width, halvings: last, pool: pool)
  }
}

/// Motion on a grid of cells, in pixels of its image per frame.
private struct CellFlow {
  let height, width: Int
  var vectors: [SIMD2<Float>]

  /// No motion.
  init(like equations: FlowEquations) {
    (height, width) = (equations.height, equations.width)
    vectors = [SIMD2<Float>](repeating: .zero, count: height * width)
  }

  private init(height: Int, width: Int, vectors: [SIMD2<Float>]) {
    (self.height, self.width, self.vectors) = (height, width, vectors)
  }

  /// The same motion on the cells of an image of twice the resolution.
  func refined(height: Int, width: Int) -> CellFlow {
    CellFlow(height: height, width: width, vectors: scaled(height: height, width: width, factor: 2) { $0(0..<height) })
  }

  /// The motion of every pixel of an image that was halved some times.
  func field(height: Int, width: Int, halvings: Int, pool: WorkerPool) -> MotionField {
    let factor = 1 << halvings
    let vectors = scaled(height: height, width: width, factor: factor, cell: FlowEquations.cell) { rows in
      pool.run(tasks: height) { rows($0..<$0 + 1) }
    }
    return MotionField(height: height, width: width, vectors: vectors)
  }

  /// The motion at the points of a grid that is `factor · cell` times as fine, in pixels that are `factor` times as small.
  private func scaled(
    height: Int, width: Int, factor: Int, cell: Int = 1, _ run: ((Range<Int>) -> Void) -> Void
  ) -> [SIMD2<Float>] {
    let scale = 1 / Float(factor * cell)
    return [SIMD2<Float>](unsafeUninitializedCapacity: height * width) { target, count in
      vectors.withUnsafeBufferPointer { source in
        guard let source = source.baseAddress else { return }
        run { rows in
          for row in rows {
            for column in 0..<width {
              let place = (x: (Float(column) + 0.5) * scale - 0.5, y: (Float(row) + 0.5) * scale - 0.5)
              target.initializeElement(
                at: row * width + column,
                to: Float(factor) * sample(source, height: self.height, width: self.width, x: place.x, y: place.y))
            }
          }
        }
      }
      count = height * width
    }
  }
}

extension Tensor {
  /// The parts along the outermost dimension.
  fileprivate var parts: [Tensor] { (0..<shape[0]).map(part) }
}

extension OpticalFlow {
  /// The numbers that a motion depends on, as `name=value`.
  public var summary: String {
    "smoothness=\(smoothness) uniform_below=\(Self.leastSide) corrections=\(corrections) halvings=\(halvings) cell=\(FlowEquations.cell) "
      + "dry_limit=\(FlowImages.dryLimit) dry_dB=\(FlowImages.dryDecibels)"
  }
}
