/// Whether what the headers of files say is kept beside them from one reading to the next.
public enum FileIndexing: Sendable, Equatable {
  /// Every header is read.
  case never
  /// The index of a folder is used if there is one; none is made or changed.
  case whereThere
  /// The index of each folder of at least so many files is made, and brought up to date where files have changed, come or
  /// gone. It is in the folder, or in a file of that name where one folder is all that is read.
  case kept(file: String? = nil, leastFiles: Int = FileIndexing.worthIt)

  /// Fewer files are described in the blink of an eye.
  public static let worthIt = 100
}

/// What came of the index of a folder, for people.
public struct IndexReport: Sendable, Equatable {
  /// The folder.
  public var folder: String
  /// The file of its index.
  public var path: String
  /// Its files as far as they were read.
  public var files = 0
  /// Files whose headers were read: all where there was no index before.
  public var described = 0
  /// Of these the ones that the index did not have.
  public var new: [String] = []
  /// Those of another size or time of modification.
  public var changed: [String] = []
  /// Those that only their time of change tells from before: copied, moved or given other permissions.
  public var moved = 0
  /// Those that the index had and that are not there any more.
  public var gone: [String] = []
  /// Files so new that another change of them might not show by their times: they will be looked at again.
  public var recent = 0
  /// Whether there was an index.
  public var wasThere = false
  /// Whether the index was written.
  public var isWritten = false
  /// A sentence about what is wrong with the index; what was read is right in any case.
  public var problem: String?

  init(folder: String, path: String) { (self.folder, self.path) = (folder, path) }

  /// What changed since the index was made, such as `1 changed (a.nc), 2 new (b.nc …)`; `nil` when nothing did.
  public var changes: String? {
    guard wasThere else { return nil }
    func text(_ names: [String], _ what: String) -> String? {
      guard let first = names.first else { return nil }
      return "\(names.count) \(what) (\(first)\(names.count > 1 ? " …" : ""))"
    }
    let texts = [
      text(changed, "changed"), text(new, "new"), text(gone, "gone"),
      moved > 0 ? "\(moved) copied, moved or of other permissions" : nil,
    ].compactMap(\.self)
    return texts.isEmpty ? nil : texts.joined(separator: ", ")
  }
}
