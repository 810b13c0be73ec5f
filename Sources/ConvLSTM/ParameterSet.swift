import Tensor

/// Names, shapes and places of a model's parameters in one flat buffer.
public struct ParameterLayout: Sendable, Equatable {
  /// One parameter tensor.
  public struct Entry: Sendable, Equatable {
    /// The name, as in the model file.
    public let name: String
    /// The shape, such as `[4·hidden, cin, k, k]`.
    public let shape: [Int]
    /// Where it starts in the flat buffer.
    public let offset: Int
    /// Its number of elements.
    public var count: Int { Tensor.elementCount(of: shape) }
  }

  /// All parameters, in the order of the buffer.
  public private(set) var entries: [Entry] = []
  /// The number of floats of all parameters together.
  public private(set) var count = 0

  /// An empty layout.
  public init() {}

  /// Appends a parameter.
  ///
  /// - Precondition: the name is new.
  public mutating func append(_ name: String, shape: [Int]) {
    precondition(entry(name) == nil, "two parameters named \(name)")
    entries.append(Entry(name: name, shape: shape, offset: count))
    count += Tensor.elementCount(of: shape)
  }

  /// The parameter of that name.
  public func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }

  /// The place of the parameters whose names begin in one way; `nil` where there are none.
  ///
  /// - Precondition: they follow each other.
  func range(_ prefix: String) -> Range<Int>? {
    let places = entries.indices.filter { entries[$0].name.hasPrefix(prefix) }
    guard let first = places.first, let last = places.last else { return nil }
    precondition(last - first + 1 == places.count, "parameters \(prefix) are scattered")
    return entries[first].offset..<entries[last].offset + entries[last].count
  }
}

/// A model's parameters, or their gradients: named views of one flat tensor.
///
/// One buffer makes the optimiser, the model file and a sum over machines one loop each.
public struct ParameterSet: Sendable {
  /// Names, shapes and places.
  public let layout: ParameterLayout
  /// All values, `[count]`.
  ///
  /// - Precondition: they keep that shape.
  public var values: Tensor {
    didSet { precondition(values.shape == [layout.count], "\(values.shape) values for \(layout.count) parameters") }
  }

  /// Parameters that are all zero.
  public init(_ layout: ParameterLayout) {
    self.layout = layout
    values = Tensor(shape: [layout.count])
  }

  /// One parameter, by its name; `nil` where there is none of that name. Setting needs the same shape.
  public subscript(_ name: String) -> Tensor? {
    get {
      layout.entry(name).map { values.parts($0.offset..<$0.offset + $0.count).reshaped($0.shape) }
    }
    set {
      guard let entry = layout.entry(name), let newValue else { preconditionFailure("no parameter named \(name)") }
      precondition(newValue.shape == entry.shape, "\(name) has shape \(entry.shape), not \(newValue.shape)")
      values.withUnsafeMutableBufferPointer { target in
        newValue.withUnsafeBufferPointer { source in
          for index in source.indices { target[entry.offset + index] = source[index] }
        }
      }
    }
  }
}
