import Foundation

/// Settings of a training run by their names, from a file or from the command line.
public struct TrainingConfiguration: Sendable, Equatable {
  /// The preset that the others change; where there is none, see ``describesNetwork``.
  public var preset: TrainingPreset?
  /// The settings, by the names of the options without their hyphens. `kernel` sets both kernels.
  public var values: [String: SettingValue] = [:]
  /// The file they come from; `nil` for the command line.
  public private(set) var path: String?

  private static let presetName = "preset"
  private static let kernelName = "kernel"
  private static let kernelNames = ["input-kernel", "state-kernel"]

  /// No settings yet.
  public init() {}

  /// Reads a file: a JSON object whose keys are the names of options, as in a run's `config.json`.
  ///
  /// - Throws: ``NowcastError`` `notFound` when it cannot be read, `unusable` when it is no JSON object, `usage` for a
  ///   preset that does not exist.
  public init(contentsOf path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
      let data = FileManager.default.contents(atPath: path)
    else { throw NowcastError(.notFound, "there is no such file, or it cannot be read.", path: path) }
    do {
      values = try JSONDecoder().decode([String: SettingValue].self, from: data)
    } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
      throw NowcastError(
        .unusable,
        "the value of '\(context.codingPath[0].stringValue)' is neither a number, a word, true or false, nor "
          + "a list of whole numbers.", path: path)
    } catch {
      throw NowcastError(
        .unusable, "this is no configuration: it must be a JSON object such as { \"crop\": 96 }.", path: path)
    }
    guard let preset = values.removeValue(forKey: Self.presetName) else { return }
    guard case .text(let name) = preset, let known = TrainingPreset(rawValue: name) else {
      let names = TrainingPreset.allCases.map(\.rawValue).joined(separator: ", ")
      throw NowcastError(.usage, "the preset is \(preset.json); it must be one of \(names).", path: path)
    }
    self.preset = known
  }

  /// Whether the settings say what network is trained, or for what. They are about the network of Shi et al. 2015 then, and not
  /// about the standard preset: `--hidden 64,64 --patch 2` alone makes the network that it says, and no other.
  public var describesNetwork: Bool {
    values.keys.contains { $0 == Self.kernelName || TrainingSetting.ofNetwork.contains($0) }
  }

  /// Sets the options.
  ///
  /// - Throws: ``NowcastError`` `usage` for a name that does not exist, a value of another kind, or a setting that means
  ///   nothing beside the others.
  func apply(to options: inout TrainingOptions) throws {
    var values = values
    if let kernel = values.removeValue(forKey: Self.kernelName) {
      for name in Self.kernelNames {
        guard values.updateValue(kernel, forKey: name) == nil else {
          throw error("\(shown(Self.kernelName)) sets both kernels, and so contradicts \(shown(name)).")
        }
      }
    }
    var unknown = Set(values.keys)
    for setting in TrainingSetting.all {
      guard let value = values[setting.name] else { continue }
      unknown.remove(setting.name)
      guard setting.set(&options, value) else {
        throw error("\(shown(setting.name)) is \(value.json); it must be \(setting.kind).")
      }
    }
    if let name = unknown.min() { throw error("there is no setting named '\(name)'" + Self.suggestion(name)) }
    options.architecture.expandKernels()
    for setting in TrainingSetting.all where values[setting.name] != nil && !setting.applies(to: options) {
      throw error("\(shown(setting.name)) means something with \(setting.condition?.text ?? "other settings") only.")
    }
  }

  private func shown(_ name: String) -> String { path == nil ? "--\(name)" : "'\(name)'" }

  private func error(_ message: String) -> NowcastError { NowcastError(.usage, message, path: path) }

  private static func suggestion(_ name: String) -> String {
    let names = TrainingSetting.all.map(\.name) + [presetName, kernelName]
    let nearest = names.map { ($0, distance($0, name)) }.min { $0.1 < $1.1 }
    guard let (known, distance) = nearest, distance <= max(2, name.count / 3) else { return "." }
    return "; did you mean '\(known)'?"
  }

  /// The letters that must be put in, taken out or replaced to make one word of the other (Levenshtein).
  static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let replaced = diagonal + (letter == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}

extension TrainingOptions {
  /// The options of a preset, changed by a file, changed by the command line. Where neither names a preset it is the standard
  /// one, unless they describe a network, or the run begins with the weights of one.
  ///
  /// - Parameter initial: the weights that the run begins with.
  /// - Throws: ``NowcastError`` `usage` when a setting does not exist, is of another kind, contradicts others, or is a
  ///   number without sense.
  public init(
    file: TrainingConfiguration?, commandLine: TrainingConfiguration,
    initial: InitialWeights? = nil
  ) throws {
    self.init()
    initial?.setDefaults(of: &self)
    if let preset = TrainingPreset.chosen(file: file, commandLine: commandLine, initial: initial) {
      self = preset.overridableOptions
    }
    try file?.apply(to: &self)
    try commandLine.apply(to: &self)
    // A network that has not learned from mirrored crops is not asked about mirrored frames.
    averagesFlips = averagesFlips && augments
    // A preset that was changed begins with the starter model as long as that is of its kind; who asks for it is told.
    let isAsked = [file, commandLine].contains { $0?.values[TrainingSetting.beginningName] != nil }
    if beginning == .starter, try initial != nil || (!isAsked && !fitsStarter()) { beginning = .none }
    self.architecture.scales = self.architecture.scales.filled(hidden: self.architecture.hidden)
    try validate()
  }

  /// All settings that mean something, as a file that ``TrainingConfiguration/init(contentsOf:)`` reads.
  public var configurationText: String {
    let lines = TrainingSetting.all.filter { $0.applies(to: self) }.compactMap { setting in
      let value = setting.get(self)
      return value == .none ? nil : "  \"\(setting.name)\": \(value.json)"
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }
}

extension ModelConfiguration.Architecture {
  /// One kernel for every layer where they were all alike and the number of layers has changed.
  fileprivate mutating func expandKernels() {
    func expanded(_ kernels: [Int]) -> [Int] {
      guard let first = kernels.first, kernels.count != hidden.count, Set(kernels).count == 1 else { return kernels }
      return [Int](repeating: first, count: hidden.count)
    }
    (inputKernel, stateKernel) = (expanded(inputKernel), expanded(stateKernel))
  }
}
