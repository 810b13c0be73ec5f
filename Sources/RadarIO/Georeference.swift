/// A variable kept in memory exactly as its file holds it, so that it can be written again without loss.
struct StoredVariable: Sendable, Equatable {
  struct Dimension: Sendable, Equatable {
    var name: String
    var length: Int
  }

  var name: String
  var type: NetCDFType
  var dimensions: [Dimension]
  var bytes: [UInt8]
  var attributes: [CFAttribute]

  /// The values as numbers, without unpacking.
  var numbers: [Double] { CFAttribute.numbers(in: bytes, type: type) }
}

/// What a forecast copies from its input to say where its pixels are: coordinate variables with their bounds, the grid
/// mapping and two-dimensional latitude and longitude.
struct Georeference: Sendable, Equatable {
  var variables: [StoredVariable] = []
  /// The `grid_mapping` attribute of the rain variable.
  var gridMapping: String?
  /// The two-dimensional coordinates that the `coordinates` attribute of the rain variable names.
  var auxiliaryCoordinates: [String] = []

  /// The variable of that name.
  func variable(_ name: String) -> StoredVariable? { variables.first { $0.name == name } }
}
