import CStarterModel
import Foundation

/// The model that is a part of the program, for those who have none of their own.
public enum StarterModel {
  /// What it is called where a model file is asked for.
  public static let name = "starter"

  /// Its file.
  static let bytes: Data = {
    var count = 0
    guard let start = starter_model_bytes(&count) else { return Data() }
    return Data(bytes: start, count: count)
  }()

  /// Whether a path means it: a file or folder of that name goes first.
  public static func isMeant(by path: String) -> Bool { path == name && !FileManager.default.fileExists(atPath: path) }
}
