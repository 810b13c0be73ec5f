import Foundation
import Tensor

/// Frames in mm/h that are kept from one reading to the next.
///
/// `@unchecked Sendable`: everything that changes goes through the lock.
final class DecodedFrames: @unchecked Sendable {
  /// Where a frame comes from, and what it was made of an amount by.
  struct Place: Hashable {
    var path: String
    var variable: String
    var frame: Int
    /// The seconds over which an amount is.
    var seconds: Double?
  }

  private let lock = NSLock()
  private var frames: [Place: Tensor] = [:]

  /// Fills `target` with a frame, if it is there.
  func copy(_ place: Place, into target: UnsafeMutableBufferPointer<Float>) -> Bool {
    guard let frame = lock.withLock({ frames[place] }), frame.count == target.count else { return false }
    frame.withUnsafeBufferPointer { _ = target.update(from: $0) }
    return true
  }

  /// Keeps a frame.
  func keep(_ pixels: UnsafeMutableBufferPointer<Float>, at place: Place) {
    var frame = Tensor(uninitialized: [pixels.count])
    frame.withUnsafeMutableBufferPointer { _ = $0.update(from: UnsafeBufferPointer(pixels)) }
    lock.withLock { frames[place] = frame }
  }

  /// Lets go of the frames of files, and of all but the last `most` of each of the others.
  func drop(most: Int, where isDropped: (_ path: String) -> Bool) {
    lock.withLock {
      frames = frames.filter { !isDropped($0.key.path) }
      for (_, places) in Dictionary(grouping: frames.keys, by: \.path) where places.count > most {
        for place in places.sorted(by: { $0.frame < $1.frame }).dropLast(most) { frames[place] = nil }
      }
    }
  }
}
