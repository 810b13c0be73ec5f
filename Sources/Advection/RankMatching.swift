/// Gives a field the values of another one in the order of its own: as many wet pixels, and as much rain in them.
///
/// A smoothed field would be too wet where it is light and too dry where it is heavy (probability matching: Ebert 2001, Mon.
/// Weather Rev. 129, 2461–2480).
struct RankMatching: Sendable {
  /// The values of the wet pixels, the smallest first.
  private let wet: [Float]
  /// The value of all others.
  private let dry: Float

  /// Takes the distribution of a field.
  ///
  /// - Parameter limit: pixels of at least this are wet.
  init(of field: UnsafeBufferPointer<Float>, wetFrom limit: Float, dry: Float) {
    wet = field.filter { $0 >= limit }.sorted()
    self.dry = dry
  }

  /// Whether no pixel is wet.
  var isDry: Bool { wet.isEmpty }

  /// Replaces the values of a field of the same size, none of which is missing.
  func apply(to field: UnsafeMutableBufferPointer<Float>) {
    guard !wet.isEmpty else { return field.update(repeating: dry) }
    // Equal values in the order of their places, so that nothing is left to chance.
    var places = field.indices.map { (value: field[$0], place: Int32($0)) }
    func precedes(_ a: (value: Float, place: Int32), _ b: (value: Float, place: Int32)) -> Bool {
      a.value < b.value || (a.value == b.value && a.place < b.place)
    }
    let first = places.count - wet.count
    places.partition(at: first, by: precedes)
    let highest = places[first...].sorted(by: precedes)
    field.update(repeating: dry)
    for (rank, entry) in highest.enumerated() { field[Int(entry.place)] = wet[rank] }
  }
}

extension Array {
  /// Reorders the elements so that those from `index` on are the largest ones (Hoare's selection).
  fileprivate mutating func partition(at index: Int, by precedes: (Element, Element) -> Bool) {
    var (low, high) = (0, count - 1)
    while low < high, index > 0, index < count {
      // The median of three keeps sorted fields from being slow.
      let middle = (low + high) / 2
      if precedes(self[middle], self[low]) { swapAt(middle, low) }
      if precedes(self[high], self[low]) { swapAt(high, low) }
      if precedes(self[high], self[middle]) { swapAt(high, middle) }
      let pivot = self[middle]
      var (i, j) = (low, high)
      while i <= j {
        while precedes(self[i], pivot) { i += 1 }
        while precedes(pivot, self[j]) { j -= 1 }
        if i <= j {
          swapAt(i, j)
          i += 1
          j -= 1
        }
      }
      if index <= j {
        high = j
      } else if index >= i {
        low = i
      } else {
        return
      }
    }
  }
}
