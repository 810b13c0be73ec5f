import Testing
import Verification

@Suite struct ContingencyTableTests {
  /// The worked example of the verification page of the WWRP/WGNE Joint Working Group.
  @Test func publishedExample() throws {
    let table = ContingencyTable(hits: 82, misses: 23, falseAlarms: 38, correctNegatives: 222)
    // Published without rounding up: 82 / 143 = 0.5734266.
    #expect(abs(try #require(table.csi) - 0.573426) < 1e-6)
    #expect(abs(try #require(table.pod) - 0.780952) < 5e-7)
    #expect(abs(try #require(table.far) - 0.316667) < 5e-7)
    #expect(abs(try #require(table.successRatio) - 0.683333) < 5e-7)
    #expect(abs(try #require(table.frequencyBias) - 1.142857) < 5e-7)
    #expect(abs(try #require(table.hss) - 0.608871) < 5e-7)
    // By hand: 105 · 120 / 365 = 34.520548 hits by chance, 47.479452 / 108.479452.
    #expect(abs(try #require(table.ets) - 0.437682) < 5e-7)
    #expect(table.count == 365)
  }

  @Test func nothingCountedIsUndefined() {
    let table = ContingencyTable()
    #expect([table.csi, table.pod, table.far, table.frequencyBias, table.hss, table.ets].allSatisfy { $0 == nil })
    #expect(table.successRatio == nil && table.baseRate == nil)
  }

  @Test func noEventIsUndefinedAndNotPerfect() {
    let dry = ContingencyTable(correctNegatives: 100)
    #expect([dry.csi, dry.pod, dry.far, dry.frequencyBias, dry.hss, dry.ets].allSatisfy { $0 == nil })
  }

  @Test func onlyFalseAlarms() {
    let table = ContingencyTable(falseAlarms: 4, correctNegatives: 6)
    #expect(table.csi == 0)
    #expect(table.pod == nil)
    #expect(table.far == 1)
    #expect(table.frequencyBias == nil)
    #expect(table.hss == 0)
    #expect(table.ets == 0)
  }

  @Test func onlyMisses() {
    let table = ContingencyTable(misses: 4, correctNegatives: 6)
    #expect(table.csi == 0)
    #expect(table.pod == 0)
    #expect(table.far == nil)
    #expect(table.frequencyBias == 0)
  }

  @Test func perfectForecast() {
    let table = ContingencyTable(hits: 4, correctNegatives: 6)
    #expect([table.csi, table.pod, table.frequencyBias, table.hss, table.ets] == [1, 1, 1, 1, 1])
    #expect(table.far == 0)
  }

  @Test func eventEverywhere() {
    let table = ContingencyTable(hits: 10)
    #expect(table.csi == 1)
    #expect(table.hss == nil)
    #expect(table.ets == nil)
  }

  @Test func mergingAddsCounts() {
    var table = ContingencyTable(hits: 1, misses: 2, falseAlarms: 3, correctNegatives: 4)
    table.merge(ContingencyTable(hits: 10, misses: 20, falseAlarms: 30, correctNegatives: 40))
    #expect(table == ContingencyTable(hits: 11, misses: 22, falseAlarms: 33, correctNegatives: 44))
  }

  @Test func millionsOfFieldsDoNotOverflow() throws {
    let table = ContingencyTable(
      hits: 1 << 40, misses: 1 << 40, falseAlarms: 1 << 40, correctNegatives: 1 << 42)
    #expect(abs(try #require(table.hss) - 0.3) < 1e-15)
    #expect(abs(try #require(table.csi) - 1.0 / 3) < 1e-15)
  }
}
