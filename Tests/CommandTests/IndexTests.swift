import Foundation
import Testing

/// The index of a folder as a user meets it.
@Suite struct IndexTests {
  private let folder: Command.Folder
  private var frames: String { folder / "frames" }
  private var index: String { frames + "/.nowcast-index.sqlite" }

  init() throws { folder = try Command.Folder() }

  private func simulate(_ count: Int) throws {
    try Command.run(
      "simulate", "--quiet", "--split", "--frames", "\(count)", "--height", "16", "--width", "16", "--output", frames)
  }

  /// A file that was just written is looked at again; so the tests that are about others wait.
  private func age() async throws { try await Task.sleep(for: .milliseconds(3200)) }

  @Test func indexTellsWhatItFoundAndWhatChanged() async throws {
    try simulate(12)
    try await age()
    let first = try Command.run("index", frames)
    #expect(first.status == 0 && first.errors.isEmpty)
    #expect(first.output == "12 files, 12 frames in 1 sequence: \(index)\n")
    let again = try Command.run("index", frames)
    #expect(again.output == first.output + "nothing has changed\n")
    #expect(shell("touch", frames + "/radar-20200101T0010Z.nc"))
    #expect(shell("rm", frames + "/radar-20200101T0055Z.nc"))
    let changed = try Command.run("index", frames)
    #expect(
      changed.output == """
        11 files, 11 frames in 1 sequence: \(index)
        since the index was made: 1 changed (radar-20200101T0010Z.nc), 1 gone (radar-20200101T0055Z.nc)
        1 file was written only just now and will be looked at again next time

        """)
  }

  /// No file is a reason to keep no index of the others.
  @Test func aDamagedFileIsNamed() async throws {
    try simulate(5)
    let path = frames + "/radar-20200101T0010Z.nc"
    try Data(contentsOf: URL(fileURLWithPath: path)).prefix(200).write(to: URL(fileURLWithPath: path))
    try await age()
    for _ in 0..<2 {
      let outcome = try Command.run("index", frames)
      #expect(outcome.status == 65 && outcome.errors.hasPrefix("nowcast: \(path): "))
      #expect(outcome.output.contains("5 files, 4 frames in 2 sequences"))
    }
  }

  @Test func whatIsNoFolderHasNoIndex() throws {
    expect(try Command.run("index", folder / "none"), status: 66, "there is no such folder")
    try simulate(2)
    expect(
      try Command.run("index", frames, "--index", folder / "no/such/folder/index"), status: 73, "--index FILE")
  }

  /// The same is told of the files by the index, and commands that were not asked for one leave none.
  @Test func inspectTellsTheSame() async throws {
    try simulate(8)
    try await age()
    let without = try Command.run("inspect", frames, "--json")
    #expect(!FileManager.default.fileExists(atPath: index))
    try Command.run("index", frames)
    let with = try Command.run("inspect", frames, "--json")
    #expect(without.status == 0 && with.output == without.output && with.errors == without.errors)
  }

  @Test func trainingKeepsAnIndexOfManyFiles() async throws {
    try simulate(110)
    try await age()
    let train = [
      "train", "--data", frames, "--input-frames", "2", "--lead-frames", "2", "--hidden", "4", "--crop", "16",
      "--max-steps", "1", "--threads", "1", "--overwrite",
    ]
    let first = try Command.run(train + ["--output", folder / "a"])
    #expect(first.status == 0 && first.errors.contains("\(index): the index of 110 files"))
    let second = try Command.run(train + ["--output", folder / "b"])
    #expect(second.status == 0 && !second.errors.contains("index"))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder / "a/model.safetensors"))
        == Data(contentsOf: URL(fileURLWithPath: folder / "b/model.safetensors")))
    // Where it cannot be kept, training goes on.
    #expect(shell("rm", index))
    let nowhere = try Command.run(train + ["--output", folder / "c", "--index", folder / "no/place"])
    #expect(nowhere.status == 0 && nowhere.errors.contains("no index can be kept there"))
    expect(
      try Command.run(train + ["--output", folder / "d", "--data", frames, "--index", folder / "i"]), status: 64,
      "--index keeps the index of one folder")
  }
}
